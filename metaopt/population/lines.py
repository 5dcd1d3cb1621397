"""What the store knows of a population: its members, each a line of segments.

A *segment* is a trial in the store: a stretch of a member's training with constant values. It
ends where the member takes over another one's state (the trial is pruned, with its last S) or
with the training (complete). The next segment is a trial of its own, whose parent is the segment
that it took over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from metaopt.store.views import FAILED, FROM, MEMBER, PARENT, TrialView
from workers.population import Rules, Seen


@dataclass(frozen=True)
class Segment:
    """A trial of a member."""

    trial: TrialView

    @property
    def member(self) -> int:
        """Whose it is."""
        return int(self.trial.note[MEMBER])

    @property
    def first(self) -> int:
        """Its first epoch."""
        return int(self.trial.note[FROM])

    @property
    def parent(self) -> int | None:
        """The trial whose state it took over."""
        parent = self.trial.note.get(PARENT)
        return None if parent is None else int(parent)

    @property
    def scores(self) -> Mapping[int, float]:
        """S by epoch."""
        return dict(self.trial.rungs)

    @property
    def ended(self) -> bool:
        """Whether it went to the end of the training, or failed on its way."""
        return self.trial.complete or self.trial.outcome == FAILED


class Lines:
    """The segments of all members, in order of number."""

    def __init__(self, trials: Iterable[TrialView]) -> None:
        self.members: dict[int, list[Segment]] = {}
        for trial in trials:
            if MEMBER in trial.note:
                segment = Segment(trial)
                self.members.setdefault(segment.member, []).append(segment)

    def at(self, member: int, epoch: int) -> Segment | None:
        """The segment to which an epoch of a member belongs; of one recorded twice, the later."""
        found = [s for s in self.members.get(member, ()) if s.first <= epoch]
        return found[-1] if found else None

    def beginning(self, member: int, epoch: int) -> Segment | None:
        """The segment of a member that begins with an epoch."""
        found = self.at(member, epoch)
        return found if found is not None and found.first == epoch else None

    def complete(self, members: int) -> bool:
        """Whether all members are at the end, and nothing is left to be recorded."""
        lines = [self.members.get(member) for member in range(members)]
        running = any(s.trial.state == "running" for line in lines for s in line or ())
        return not running and all(line and line[-1].ended for line in lines)

    @property
    def left_behind(self) -> list[TrialView]:
        """Running trials of segments that were recorded once more, as the first answer was lost."""
        return [
            segment.trial
            for line in self.members.values()
            for segment, later in pairwise(line)
            if segment.first == later.first and segment.trial.state == "running"
        ]

    def score(self, member: int, epoch: int) -> float | None:
        """S of a member after an epoch."""
        segment = self.at(member, epoch)
        return None if segment is None else segment.scores.get(epoch)

    def barriers(self, rules: Rules, members: int) -> int:
        """Barriers that all members have reached; the end is none."""
        done = 0
        for interval in range(1, rules.intervals):
            epoch = rules.last_epoch(interval)
            if any(self.score(member, epoch) is None for member in range(members)):
                break
            done = interval
        return done

    def line(self, trials: Sequence[TrialView], segment: Segment) -> list[Segment]:
        """The segments that led to a state, the first one first."""
        found = [segment]
        while (parent := found[0].parent) is not None:
            found.insert(0, Segment(trials[parent]))
        return found

    def seen(self, rules: Rules, before: int, members: int) -> list[Seen]:
        """What a Gaussian process saw before a barrier: scores, and values taken over."""
        rows = []
        for interval in range(1, before):
            epoch = rules.last_epoch(interval)
            for member in range(members):
                segment, score = self.at(member, epoch), self.score(member, epoch)
                assert segment is not None and score is not None
                rows.append(Seen(member, interval, _units(segment, rules), score))
            for member in range(members):
                taken = self.beginning(member, epoch + 1)
                if taken is not None and taken.parent is not None:
                    rows.append(self._taken_over(taken, interval, epoch, rules))
        return rows

    def _taken_over(self, taken: Segment, interval: int, epoch: int, rules: Rules) -> Seen:
        everyone = (s for line in self.members.values() for s in line)
        parent = next(s for s in everyone if s.trial.number == taken.parent)
        return Seen(taken.member, interval, _units(taken, rules), parent.scores[epoch])


def _units(segment: Segment, rules: Rules) -> tuple[float, ...]:
    return tuple(p.to_unit(segment.trial.point[p.name]) for p in rules.parameters)
