"""What a sitting of ``metaopt run`` makes before it starts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from metaopt.cli.session import study_key
from metaopt.config import StudyConfig


def test_a_studys_key_follows_its_name_and_its_store_however_that_is_reached(
    toy_config: Callable[..., StudyConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def key(storage: str, name: str = "toy") -> str:
        return study_key(toy_config(study__storage=storage, study__name=name))

    monkeypatch.chdir(tmp_path)
    assert key("sqlite:///s.db") == key(f"sqlite:///{tmp_path}/s.db")
    server = key("postgresql://me:secret@db.example:5432/studies")
    assert server == key("postgresql://db.example:5432/studies")
    others = [key("sqlite:///s.db"), key("sqlite:///t.db"), key("sqlite:///s.db", "other"), server]
    assert len(set(others)) == 4
