"""A population that is trained in this process: the ledger's contract without Ray."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from search_spaces.parameters import Value
from workers.population import Ledger, Member, Rules, interval_events, score_of
from workers.reuse import LastModel


class InlinePopulation:
    """Implements :class:`workers.population.PopulationExecutor`: the worst takes over the best."""

    slots = 1

    def train(self, members: Sequence[Member], rules: Rules, ledger: Ledger) -> None:
        """Interval by interval, as the Ray executor does."""
        now, scores = list(members), [m.score for m in members]
        models = LastModel()
        for interval in range(max(rules.done, 1), rules.intervals + 1):
            for i, member in enumerate(now):
                if interval > rules.done and not member.ended:
                    events = list(interval_events(member.spec, rules.last_epoch(interval), models))
                    ledger.reached(member.number, interval, events)
                    scores[i] = score_of(events)
                ledger.tick()
            if ledger.stops():
                return
            if interval < rules.intervals:
                self._barrier(now, [float(s or 0) for s in scores], interval, rules, ledger)

    def _barrier(
        self, now: list[Member], scores: list[float], interval: int, rules: Rules, ledger: Ledger
    ) -> None:
        rng = np.random.default_rng([rules.seed, interval])
        order = sorted(range(len(now)), key=lambda i: (scores[i], i))
        for i in order[-max(1, int(len(now) * rules.quantile)) :]:
            parent = now[order[0]]
            values: dict[str, Value] = {
                p.name: p.clip(float(parent.spec.point[p.name]) * rng.choice([0.8, 1.25]))
                for p in rules.parameters
            }
            now[i] = ledger.exploited(now[i].number, parent.number, values, "test")

    def close(self) -> None:
        """Nothing runs."""
