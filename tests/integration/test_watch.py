"""A real study in one process, watched from others: to its end, and until Ctrl-C."""

from __future__ import annotations

import signal
from pathlib import Path

from metaopt.store.database import StudyStore

from ..running import metaopt, started, wait_for
from .test_run import TOY

RUN = ("run", *TOY, "--executor", "inline", "--strategy", "random", "--trials", "4")


def test_a_study_is_watched_to_its_end(tmp_path: Path) -> None:
    with started(tmp_path, *RUN, "--confirm", "0", "--log", "tensorboard") as (run, told):
        wait_for(told, "trial 0 started")
        watched = metaopt(tmp_path, "watch", "toy", "--wait", "--every", "0.2")
        assert run.wait(240) == 0
    lines = watched.stdout.splitlines()
    assert "toy: random search of toy on" in lines[0] and "4/4 trials" in lines[-2]
    best = StudyStore(f"sqlite:///{tmp_path}/results/metaopt.db").study("toy").view().best
    assert best is not None and f"best S {best.score:.3f}" in lines[-1]
    assert lines[-1].startswith("study 'toy' has ended: all trials are done; ")
    assert lines[-1].endswith(f"(trial {best.number})")
    assert len(list((tmp_path / "results" / "toy" / "tensorboard").glob("trial-*"))) == 4


def test_ctrl_c_ends_the_watch_with_a_line_and_not_the_study(tmp_path: Path) -> None:
    with started(tmp_path, "watch", "toy", "--wait") as (watch, stderr):
        wait_for(stderr, "waiting for study 'toy'")
        watch.send_signal(signal.SIGINT)
        assert watch.wait(240) == 0
        assert stderr.read() == "no longer watching; study 'toy' is not touched by that\n"
