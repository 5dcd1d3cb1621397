"""What a simulated study comes to: the incumbent as it grew, and what it cost.

The incumbent is the complete trial with the lowest recorded S, as in a study; what is
reported of it is its S without noise. So a strategy is not paid for luck.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from metaopt.bench.clock import Ended, Simulation
from metaopt.strategies.base import State
from objectives.objective import WORST


@dataclass(frozen=True)
class Step:
    """A change of the incumbent.

    Attributes:
        trials: that had ended.
        compute: worker seconds that they had taken.
        time: since the study began [simulated s].
        truth: S of the new incumbent without noise.
    """

    trials: int
    compute: float
    time: float
    truth: float


@dataclass(frozen=True)
class Result:
    """One study of a comparison.

    Attributes:
        problem, strategy, seed: which study it is.
        final: S of the last incumbent without noise; the worst S where nothing completed.
        compute: worker seconds of all trials.
        time: of the whole study [simulated s].
        pruned, failed: trials that ended so.
        idle: share of the workers' time without work.
        controller_seconds: CPU time of the controller per trial.
        steps: every change of the incumbent.
    """

    problem: str
    strategy: str
    seed: int
    trials: int
    final: float
    compute: float
    time: float
    pruned: int
    failed: int
    idle: float
    controller_seconds: float
    steps: tuple[Step, ...]

    def compute_to(self, target: float) -> float:
        """Worker seconds until the incumbent was at or below ``target``; infinity if never."""
        return next((step.compute for step in self.steps if step.truth <= target), math.inf)


def summarise(problem: str, strategy: str, seed: int, simulation: Simulation) -> Result:
    """The result of a simulated study."""
    steps, compute = _steps(simulation.ended)
    # Of a trial that was taken up again its last ending counts.
    states = list({e.number: e.state for e in simulation.ended}.values())
    return Result(
        problem=problem,
        strategy=strategy,
        seed=seed,
        trials=len(states),
        final=steps[-1].truth if steps else WORST,
        compute=compute,
        time=simulation.ended[-1].time,
        pruned=states.count(State.PRUNED),
        failed=states.count(State.FAILED),
        idle=simulation.idle,
        controller_seconds=simulation.controller_seconds,
        steps=steps,
    )


def _steps(ended: tuple[Ended, ...]) -> tuple[tuple[Step, ...], float]:
    """Changes of the incumbent, and the compute of all trials."""
    steps: list[Step] = []
    best, compute = math.inf, 0.0
    trials: set[int] = set()
    for e in ended:
        trials.add(e.number)
        compute += e.seconds
        if e.state is State.COMPLETE and e.score < best:
            best = e.score
            steps.append(Step(len(trials), compute, e.time, e.truth))
    return tuple(steps), compute
