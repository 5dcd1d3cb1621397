"""What a sitting of ``metaopt run`` makes before it starts."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from metaopt import filesystems
from metaopt.cli.session import idle_options, study_key
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


def test_a_study_in_a_shared_folder_has_one_key_on_all_machines(
    toy_config: Callable[..., StudyConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def key(host: str, *mounts: str) -> str:
        listed = tmp_path / "mountinfo"
        listed.write_text("".join(f"{n} 1 0:{n} {line}\n" for n, line in enumerate(mounts)))
        monkeypatch.setattr(filesystems, "MOUNTS", listed)
        monkeypatch.setattr(socket, "gethostname", lambda: host)
        return study_key(toy_config(study__storage="sqlite:////shared/my study/s.db"))

    local = "/ / rw - ext4 /dev/sda1 rw"
    mounted = "/ /shared rw shared:7 - nfs4 nas:/export rw"
    # The folder alone, as a container is given it.
    folder = r"/my\040study /shared/my\040study rw - nfs4 nas:/export rw"
    assert key("a", local, mounted) == key("b", local, mounted) == key("c", local, folder)
    others = "/theirs /shared/my\\040study rw - nfs4 nas:/export rw"
    assert key("a", local, others) != key("a", local, mounted)
    assert len({key("a", local), key("b", local), key("a", local, mounted)}) == 3


@pytest.mark.parametrize(
    ("given", "population", "said"),
    [
        ({"executor": "ray", "count": 4, "ray_address": "head:6379"}, False, []),
        ({"count": 1}, False, []),
        ({"count": 4}, False, ["one trial at a time, got workers.count = 4"]),
        ({"ray_address": "head:6379"}, False, ["got workers.ray_address = 'head:6379'; leave out"]),
        ({"time_limit": "1h"}, False, []),
        ({"executor": "ray", "time_limit": "1h"}, True, ["got trial.time_limit = 1h; leave it"]),
    ],
)
def test_options_without_effect_are_named(
    given: dict[str, object],
    population: bool,
    said: list[str],
    toy_config: Callable[..., StudyConfig],
) -> None:
    table = {"executor": "inline", **given}
    options = {("trial__" if k == "time_limit" else "workers__") + k: v for k, v in table.items()}
    lines = list(idle_options(toy_config(**options), population=population))
    assert len(lines) == len(said)
    for line, part in zip(lines, said, strict=True):
        assert part in line
