"""The strategy contract: a proposal is a pure function of the history.

No strategy keeps state. A restarted controller rebuilds everything from the
study store, and the random generator of a proposal is made from (study seed,
trial number), so that a resumed study never repeats its draws.

A third party's strategy is named as ``"my_lab.swarm:Swarm"`` and passes the
contract tests in ``tests/contract/test_strategy.py``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

import numpy as np

from search_spaces.parameters import Point
from search_spaces.space import SearchSpace


class State(StrEnum):
    """How a trial of the history ended, as a strategy sees it."""

    COMPLETE = "complete"
    PRUNED = "pruned"
    #: The configuration's own failure (diverged, infeasible): the score is the worst one.
    FAILED = "failed"


@dataclass(frozen=True)
class Observation:
    """One finished trial.

    Attributes:
        number: its number in the study.
        point: its active parameters.
        state: how it ended.
        score: S, lower is better; the last one of a pruned trial, the worst possible
            (2.8) of a failed one. Always finite.
        epochs: the budget behind the score.
        rungs: (epoch, S) of every scored epoch, in order.
        note: what the strategy said of it when proposing (parents, operators).
        metrics: human numbers by name, such as ``ms_per_shower``; empty for a failed one.
    """

    number: int
    point: Point
    state: State
    score: float
    epochs: int
    rungs: tuple[tuple[int, float], ...] = ()
    note: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Proposal:
    """A point to try, and why: the note is stored with the trial (lineage, operators)."""

    point: Point
    note: Mapping[str, str] = field(default_factory=dict)


class Strategy(Protocol):
    """Proposes points from the history."""

    def propose(
        self,
        space: SearchSpace,
        history: Sequence[Observation],
        pending: Sequence[Point],
        n: int,
        rng: np.random.Generator,
    ) -> list[Proposal]:
        """``n`` feasible points (``space.is_feasible``), new ones as long as there are any.

        Args:
            space: what may vary.
            history: every finished trial in order of number, failed and pruned ones included.
            pending: the points of running trials; a proposal differs from them.
            n: how many points.
            rng: the only source of randomness; equal arguments give equal proposals.
        """
