"""A population that is trained in this process: the ledger's contract without Ray."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from search_spaces.parameters import Value
from workers.population import Ledger, Member, Rules, halts, interval_events, score_of
from workers.reuse import LastModel
from workers.trial import TrialEvent


class InlinePopulation:
    """Implements :class:`workers.population.PopulationExecutor`: the worst takes over the best.

    Args:
        looks: after so many looks at whether to stop it does; it looks before each interval
            of a member and after each epoch.
    """

    slots = 1

    def __init__(self, looks: int = 1000) -> None:
        self._looks = looks

    def train(self, members: Sequence[Member], rules: Rules, ledger: Ledger) -> None:
        """Interval by interval, as the Ray executor does."""
        now, scores = list(members), [m.score for m in members]
        models = LastModel()
        for interval in range(max(rules.done, 1), rules.intervals + 1):
            for i, member in enumerate(now):
                if interval > rules.done and not member.ended:
                    events = self._events(member, rules.last_epoch(interval), models, ledger)
                    if halts(events, rules.last_epoch(interval)):
                        ledger.halted(member.number, events)
                    else:
                        ledger.reached(member.number, interval, events)
                        scores[i] = score_of(events)
                ledger.tick()
            if self._halts(ledger):
                return
            if interval < rules.intervals:
                self._barrier(now, [float(s or 0) for s in scores], interval, rules, ledger)

    def _events(
        self, member: Member, target: int, models: LastModel, ledger: Ledger
    ) -> list[TrialEvent]:
        return list(interval_events(member.spec, target, models, lambda: self._halts(ledger)))

    def _halts(self, ledger: Ledger) -> bool:
        self._looks -= 1
        return self._looks < 0 or ledger.stops() > 0

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
            now[i] = ledger.exploited(now[i].number, parent.number, values, ())

    def close(self) -> None:
        """Nothing runs."""
