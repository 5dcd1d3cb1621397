"""Records a population in its study, and finds in it where a killed one goes on.

Nothing is kept in memory that is not in the store or among the checkpoints. A segment is
started, with a copy of the state that it takes over, before the one that it replaces is ended;
and no member trains on before all decisions of a barrier are recorded. So a controller that
comes later makes the decisions of the last barrier again, and finds those that were recorded.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from metaopt.agenda import Assignment
from metaopt.config import checkpoint_folder, trial_folder
from metaopt.durations import seconds
from metaopt.monitoring import Monitor
from metaopt.population.lines import Lines, Segment
from metaopt.preflight import Plan
from metaopt.reports.segments import changes
from metaopt.showcase import Showcase
from metaopt.specification import common_specification, training_seed
from metaopt.store.study import StoredStudy
from metaopt.store.views import FROM, MEMBER, PARENT
from objectives.objective import WORST
from search_spaces.parameters import Point, Value
from workers.population import Member, Rules, failure
from workers.schedule import Change, Schedule
from workers.trial import Outcome, Progress, TrialEvent, TrialResult, TrialSpec


@dataclass
class _Live:
    """A segment that is trained.

    Attributes:
        first: its first epoch.
        epochs: recorded so far.
        score: S of the last of them.
        failed: its result, where it failed.
        ended: whether it is told to the store.
    """

    number: int
    first: int
    spec: TrialSpec
    epochs: set[int] = field(default_factory=set)
    score: float | None = None
    failed: TrialResult | None = None
    ended: bool = False


class StudyLedger:
    """Implements :class:`~workers.population.Ledger`.

    Args:
        plan: of the study.
        study: in its store.
        rules: of the population.
        showcase: for those who look at the study in the dashboard.
        monitor: is told what happens.
        tick: called from time to time.
        stops: how often the end was asked for.
    """

    def __init__(
        self,
        plan: Plan,
        study: StoredStudy,
        rules: Rules,
        showcase: Showcase,
        monitor: Monitor,
        tick: Callable[[], None],
        stops: Callable[[], int],
    ) -> None:
        self._plan, self._study, self._rules = plan, study, rules
        self._showcase, self._monitor = showcase, monitor
        self.tick, self.stops = tick, stops
        self._folder = plan.config.folder.resolve()
        self._live: dict[int, _Live] = {}
        self._epoch = 0

    # -- where it goes on -----------------------------------------------------------------

    def open(self) -> tuple[list[Member], Rules]:
        """The members at the last barrier that all of them have reached, or at the beginning."""
        count = self._plan.config.search.trials
        self._look()
        used = (t.proposal for t in self._trials if t.proposal is not None)
        self._proposals = max(count, 1 + max(used, default=0))
        done = self._lines.barriers(self._rules, count)
        self._epoch = self._rules.last_epoch(done)
        members = [self._member(number) for number in range(count)]
        seen = self._lines.seen(self._rules, done, count) if self._rules.bandit else []
        return members, replace(self._rules, done=done, seen=tuple(seen))

    def done(self) -> bool:
        """Whether all members are at the end, as the store has it."""
        self._look()
        return self._lines.complete(self._plan.config.search.trials)

    def _look(self) -> None:
        """Read the record, and abandon what an outage of its server left behind in it."""
        self._trials = self._study.trials()
        if left := Lines(self._trials).left_behind:
            for trial in left:
                self._study.abandon(trial)
            self._trials = self._study.trials()
        self._lines = Lines(self._trials)

    def _member(self, number: int) -> Member:
        segment = self._lines.at(number, max(self._epoch, 1))
        live = self._begun(number) if segment is None else self._taken_up(segment)
        score = live.score if self._epoch else None
        if segment is not None and self._epoch:
            score = segment.scores[self._epoch]
        return Member(number, live.spec, score, live.ended)

    def _begun(self, number: int) -> _Live:
        """A member's first segment."""
        training, config = self._plan.strategy, self._plan.config
        draws = np.random.default_rng([config.study.seed, number])
        others: list[Point] = [{}] * number
        made = training.propose(self._plan.space, [], others, 1, draws)[0]
        note = {**made.note, MEMBER: str(number), FROM: "1"}
        schedule = (self._change(1, made.point),)
        return self._started(self._spec(0, number, made.point, schedule, self._seed(number)), note)

    def _taken_up(self, segment: Segment) -> _Live:
        """A segment that is recorded: it goes on, unless it has ended."""
        trial = segment.trial
        line = self._lines.line(self._trials, segment)
        schedule = tuple(self._change(s.first, s.trial.point) for s in line)
        root = line[0].trial.proposal
        assert root is not None and trial.proposal is not None
        seed = self._seed(root)
        spec = self._spec(trial.number, trial.proposal, trial.point, schedule, seed)
        scores = segment.scores
        last = scores[max(scores)] if scores else None
        ended = trial.state != "running"
        live = _Live(trial.number, segment.first, spec, set(scores), last, failure(spec), ended)
        self._live[segment.member] = live
        if not ended:
            self._study.take_up(trial)
            assignment = Assignment(trial.point, trial.proposal, note=trial.note)
            self._monitor.started(trial.number, assignment)
        return live

    # -- what happens ---------------------------------------------------------------------

    def reached(self, member: int, interval: int, events: Sequence[TrialEvent]) -> None:
        """Record a member's epochs since the last barrier, and its end."""
        live = self._live[member]
        self._epoch = self._rules.last_epoch(interval)
        if live.ended:
            return
        self._record(live, events)
        last = events[-1]
        if isinstance(last, TrialResult) and last.outcome is Outcome.FAILED:
            live.failed = last
            showers = self._epoch * self._plan.config.trial.showers
            self._scored(live, Progress(self._epoch, WORST, {}, {}, last.seconds, showers))
        if isinstance(last, TrialResult) and interval == self._rules.intervals:
            self._end(live, last)

    def halted(self, member: int, events: Sequence[TrialEvent]) -> None:
        """Record a member's epochs since the last barrier."""
        self._record(self._live[member], events)

    def exploited(
        self, member: int, parent: int, values: Mapping[str, Value], drawn: Collection[str]
    ) -> Member:
        """Record that a member takes over another's state."""
        replaced, taken, first = self._live[member], self._live[parent], self._epoch + 1
        known = self._lines.beginning(member, first)
        if known is None:
            point = {**taken.spec.point, **values}
            told = {"operators": changes(taken.spec.point, point, drawn)}
            told |= {MEMBER: str(member), FROM: str(first), PARENT: str(taken.number)}
            schedule = (*taken.spec.schedule, self._change(first, point))
            spec = self._spec(0, self._proposals, point, schedule, taken.spec.seed)
            self._proposals += 1
            _copy_state(taken.spec, spec)
            live = self._started(spec, told)
        else:
            live = self._taken_up(known)
        if not replaced.ended:
            self._end(replaced, replaced.failed or self._stopped(replaced))
        # Nobody goes on from it: those that are replaced give their state to no one.
        shutil.rmtree(replaced.spec.checkpoint, ignore_errors=True)
        score = taken.score if live.score is None else live.score
        return Member(member, live.spec, score, live.ended)

    # -- the store ------------------------------------------------------------------------

    def _started(self, spec: TrialSpec, note: Mapping[str, str]) -> _Live:
        """Record a new segment as a running trial."""
        proposal = int(Path(spec.checkpoint).name)
        number = self._study.start(self._plan.space, spec.point, proposal, note)
        folder = str(trial_folder(self._folder, number))
        live = _Live(number, int(note[FROM]), replace(spec, number=number, folder=folder))
        self._live[int(note[MEMBER])] = live
        self._monitor.started(number, Assignment(spec.point, proposal, note=note))
        return live

    def _spec(
        self, number: int, proposal: int, point: Point, schedule: Schedule, seed: int
    ) -> TrialSpec:
        return replace(
            common_specification(self._plan),
            number=number,
            point=point,
            seed=seed,
            folder=str(trial_folder(self._folder, number)),
            checkpoint=str(checkpoint_folder(self._folder, proposal)),
            checkpoint_seconds=seconds(self._plan.config.trial.checkpoint) or 0.0,
            plots=self._plan.config.study.plots,
            schedule=schedule,
        )

    def _seed(self, root: int) -> int:
        """Of a line's training: that of its first segment, as a search would give it."""
        return training_seed(self._plan.config.study.seed, root)

    def _change(self, epoch: int, point: Point) -> Change:
        return Change(epoch, {p.name: point[p.name] for p in self._rules.parameters})

    def _record(self, live: _Live, events: Sequence[TrialEvent]) -> None:
        for event in events:
            if isinstance(event, Progress) and event.epoch >= live.first:
                self._scored(live, event)

    def _scored(self, live: _Live, progress: Progress) -> None:
        live.score = progress.score
        if progress.epoch not in live.epochs:
            live.epochs.add(progress.epoch)
            self._study.report(live.number, progress)
            self._monitor.progressed(live.number, progress)

    def _stopped(self, live: _Live) -> TrialResult:
        """The end of a segment that another one's state follows, as its last epoch has it."""
        known = self._study.epochs(live.number)  # none where a controller died recording it
        kept = {key: known[-1][key] for key in ("groups", "seconds", "showers")} if known else {}
        return TrialResult(Outcome.STOPPED, live.score, epochs=self._epoch, **kept)

    def _end(self, live: _Live, result: TrialResult) -> None:
        live.ended = True
        pruned = result.outcome is Outcome.STOPPED
        picture = self._showcase.picture(live.number, result)
        trial = self._study.finish(live.number, result, pruned, picture)
        self._showcase.finished(trial)
        self._monitor.finished(trial)


def _copy_state(taken: TrialSpec, spec: TrialSpec) -> None:
    """Give a training the state of another; what a killed controller left there goes."""
    shutil.rmtree(spec.checkpoint, ignore_errors=True)
    if Path(taken.checkpoint).is_dir():
        shutil.copytree(taken.checkpoint, spec.checkpoint)
