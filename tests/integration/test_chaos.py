"""A short chaos run; the long one is ``tests/benchmarks/chaos.py``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos import Chaos
from tests.postgresql import Server
from tests.processes import left_behind

pytestmark = pytest.mark.chaos


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


def test_every_training_ends_once_whatever_is_killed(tmp_path: Path, server: Server) -> None:
    url = server.url.render_as_string(hide_password=False)
    chaos = Chaos(tmp_path, url, trials=10, server=server)
    deaths = ["worker", "controller", "server"]
    chaos.run(deaths, apart=5, seed=1)
    chaos.check()
    assert chaos.kills == Counter(deaths)
    assert not left_behind(str(tmp_path))
