"""A made-up study of any size: every state, promotions, parents, confirmations, a pause.

Scores follow a smooth function of a few parameters, with noise; nothing is trained.
"""

from __future__ import annotations

import heapq
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from metaopt.store.views import FAILED, LOST, TrialView
from search_spaces.loader import load_geometry, load_space, space_document
from search_spaces.parameters import Value
from search_spaces.records import encode

EPOCHS, SHOWERS, WORKERS = 6, 2000, 4
#: First rung of pruning [epochs], and the wall time of an epoch [s].
RUNG, EPOCH_SECONDS = 2, 90.0
START = datetime(2026, 3, 1, 9, tzinfo=UTC).replace(tzinfo=None)  # as the store gives it
#: All trainings that were made for confirmation: of the best and of the published.
SEEDS = 2
GROUPS = {"energy": 0.5, "longitudinal": 0.7, "transverse": 0.6, "cells": 0.4}


@dataclass
class MadeUpStudy:
    """Trials of a study, made one after another; a pause after the first half."""

    trials: int
    space_name: str = "fixed-angle"
    seed: int = 1
    views: list[TrialView] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.space = load_space(self.space_name)
        self.rng = np.random.default_rng(self.seed)
        self.free = [(START, worker) for worker in range(WORKERS)]
        self.best: list[tuple[float, int]] = []
        self.proposals = 0

    @property
    def document(self) -> dict[str, Any]:
        """What the store records when a study begins."""
        geometry = load_geometry("clic-25x25x25")
        return {
            "form": 1,
            "space": space_document(self.space),
            "space_digest": self.space.digest,
            "geometry": encode(geometry),
            "geometry_digest": geometry.digest,
            "data": {"files": ["/somewhere/showers.h5"], "split": [0.7, 0.15, 0.15], "digest": "0"},
            "events": 20000,
            "budget": {"epochs": EPOCHS, "showers": SHOWERS, "evaluation_showers": 300},
            "reference_digest": "0",
            "strategy": "genetic",
            "options": {},
            "pruning": "halving",
            "seed": self.seed,
            "folder": "/nowhere/study",
            "versions": {"python": "3.11", "metaopt": "0.1.0"},
        }

    def made(self) -> list[TrialView]:
        """All trials: the search's, then those that confirm the best and the published one."""
        confirming = 2 * SEEDS
        while len(self.views) < self.trials - confirming:
            if len(self.views) == self.trials // 2:
                self.free = [(moment + timedelta(days=2), worker) for moment, worker in self.free]
            self._search()
        complete = [t for t in self.views if t.complete]
        best = min(complete, key=lambda t: t.score or 0.0)
        for seed in range(1, SEEDS + 1):
            for trial in (best, self.views[0]):
                self._add(trial.point, trial.proposal or 0, dict(trial.note), seed=seed)
        return self.views

    def _search(self) -> None:
        number, kind = len(self.views), self.rng.random()
        if number and kind < 0.04:
            pruned = [t for t in self.views[-50:] if t.state == "pruned" and self._last(t)]
            if pruned:
                before = pruned[0]
                self._add(before.point, before.proposal or 0, dict(before.note), before=before)
                return
        point, note = self._proposed(number)
        self.proposals += 1
        state = "lost" if kind > 0.99 else "failed" if kind > 0.92 and number else ""
        self._add(point, self.proposals - 1, note, ended=state)

    def _last(self, trial: TrialView) -> bool:
        return all(t.retry_of != trial.number for t in self.views[trial.number :])

    def _proposed(self, number: int) -> tuple[dict[str, Value], dict[str, str]]:
        if number == 0:
            baseline = self.space.baselines[0]
            return dict(baseline.point), {"operators": "baseline", "baseline": baseline.name}
        if number < 8 or not self.best:
            return self.space.sample(self.rng), {"operators": "design"}
        parents = [self.best[i][1] for i in self.rng.integers(0, len(self.best), 2)]
        unit = [self.space.to_unit(self.views[p].point) for p in parents]
        mixed = np.where(self.rng.random(len(unit[0])) < 0.5, *unit)
        mixed = np.where(self.rng.random(len(mixed)) < 0.1, self.rng.random(len(mixed)), mixed)
        names = ", ".join(map(str, parents))
        return self.space.from_unit(mixed), {"parents": names, "operators": "crossover + mutation"}

    def _add(
        self,
        point: Mapping[str, Value],
        proposal: int,
        note: dict[str, str],
        before: TrialView | None = None,
        seed: int = 0,
        ended: str = "",
    ) -> None:
        number = len(self.views)
        rungs = tuple(self._rungs(point))
        if before is not None:
            rungs = before.rungs + rungs[len(before.rungs) :]
        pruned = not ended and not seed and number > 8 and before is None
        pruned = pruned and rungs[RUNG - 1][1] > self._bar() and bool(proposal)
        rungs = () if ended else rungs[: RUNG if pruned else EPOCHS]
        seconds = EPOCH_SECONDS * (len(rungs) or 0.3) * float(self.rng.uniform(0.8, 1.3))
        moment, worker = heapq.heappop(self.free)
        finished = moment + timedelta(seconds=seconds)
        heapq.heappush(self.free, (finished + timedelta(seconds=2), worker))
        state = "fail" if ended else "pruned" if pruned else "complete"
        score = 2.8 if ended == "failed" else rungs[-1][1] if rungs else None
        if seed:
            note["confirms"] = str(self.views[proposal].number)
        self.views.append(
            TrialView(
                number=number, state=state, point=dict(point), proposal=proposal, seed=seed,
                outcome={"failed": FAILED, "lost": LOST}.get(ended, ""),
                retry_of=None if before is None else before.number, score=score,
                error=0.01 if rungs else None, epochs=len(rungs), seconds=seconds,
                groups=dict(GROUPS) if rungs else {}, metrics=self._metrics(point) if rungs else {},
                rungs=rungs, note=note, started=moment, finished=finished,
                reason=f"loss is not finite in epoch {number % 5}" if ended == "failed" else "",
            )
        )  # fmt: skip
        if state == "complete" and not seed and score is not None:
            heapq.heappush(self.best, (-score, number))
            if len(self.best) > 8:
                heapq.heappop(self.best)

    def _bar(self) -> float:
        return -max(self.best)[0] + 0.3 if self.best else math.inf

    def _rungs(self, point: Mapping[str, Value]) -> Iterator[tuple[int, float]]:
        unit = self.space.to_unit(point)
        away = np.abs(unit - 0.7) * np.where(np.arange(len(unit)) % 6 == 0, 1.0, 0.05)
        end = 0.6 + float(away.sum()) / math.sqrt(len(unit)) + 0.02 * self.rng.normal()
        for epoch in range(1, EPOCHS + 1):
            noise = 0.02 * self.rng.normal()
            yield epoch, min(end + 0.8 * math.exp(-epoch / 2) + noise, 2.7)

    def _metrics(self, point: Mapping[str, Value]) -> dict[str, float]:
        unit = self.space.to_unit(point)
        return {"ms_per_shower": 0.5 + 4 * float(unit[0]), "floor": 0.2, "floor_sd": 0.05}


def attributes(view: TrialView) -> dict[str, Any]:
    """What the store keeps of a trial beside its point, state, score and epochs."""
    found = {
        "proposal": view.proposal, "seed": view.seed or None, "retry_of": view.retry_of,
        "note": json.dumps(dict(view.note)), "S": view.score, "S_error": view.error,
        "epochs": view.epochs, "seconds": view.seconds, "outcome": view.outcome or None,
        "reason": view.reason or None,
    }  # fmt: skip
    found |= {f"L_{k}": v for k, v in view.groups.items()}
    found |= {f"m_{k}": v for k, v in view.metrics.items()}
    return {k: v for k, v in found.items() if v is not None}
