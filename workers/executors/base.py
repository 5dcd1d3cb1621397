"""The seam between the controller and the place where trials run.

A third party's executor is named as ``"my_lab.slurm:Executor"`` and passes the
contract tests in ``tests/contract/test_executor.py``.
"""

from __future__ import annotations

from typing import Protocol

from workers.trial import TrialEvent, TrialSpec


class Executor(Protocol):
    """Runs trials, several at a time."""

    @property
    def slots(self) -> int:
        """How many trials run at once."""

    def submit(self, spec: TrialSpec) -> None:
        """Start a trial; at most ``slots`` run at once."""

    def events(self, timeout: float) -> list[tuple[int, TrialEvent]]:
        """What happened, as (trial number, event), waiting at most ``timeout`` seconds.

        The last event of each trial is a TrialResult; a worker that died gives one
        with the outcome LOST.
        """

    def stop(self, number: int) -> None:
        """Ask a trial to end after its present epoch; it answers with a TrialResult."""

    def kill(self, number: int) -> None:
        """End a trial at once; its TrialResult has the outcome LOST."""

    def close(self) -> None:
        """End everything that runs and free all resources."""
