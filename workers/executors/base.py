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
        """How many trials run at once, at least 1; a cluster may grow and shrink."""

    def submit(self, spec: TrialSpec) -> None:
        """Start a trial; at most ``slots`` run at once."""

    def adopt(self, number: int) -> bool:
        """Take up a trial of this study that an earlier controller left running.

        Its events come again from the first, its result too if it has ended meanwhile. To be
        called before the first :meth:`submit`, which ends what nobody took up. False where no
        worker has it.
        """

    def events(self, timeout: float) -> list[tuple[int, TrialEvent]]:
        """What happened, as (trial number, event), waiting at most ``timeout`` seconds.

        The last event of each trial is a TrialResult. An exception inside the trial gives one
        with the outcome LOST and a reason that reads ``Type: text``; a worker that died, or
        could not begin where it was put, gives one whose reason begins with
        :data:`workers.trial.WORKER_DIED`.
        """

    def stop(self, number: int) -> None:
        """Ask a trial to end after its present epoch; it answers with a TrialResult.

        Asked before :meth:`events` is called again, that is the epoch of the last event: a
        trial waits a moment after each epoch for what becomes of it.
        """

    def kill(self, number: int) -> None:
        """End a trial at once; its TrialResult has the outcome LOST."""

    def close(self) -> None:
        """End everything that runs and free all resources."""
