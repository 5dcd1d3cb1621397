"""What a free worker does next: a function of the record.

In this order: a training that was lost or interrupted goes on; a pruned one that its peers
have fallen behind goes on (asynchronous successive halving); the strategy proposes. When the
search is over, a pruned training goes on to its end as long as it is one that is expected to
be the best; then the best candidates and the published configuration are trained again with
fresh seeds, because the best of many noisy scores is partly luck.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from metaopt.config import checkpoint_folder
from metaopt.preflight import Plan
from metaopt.record import Record, Training
from metaopt.store.views import TrialView
from metaopt.strategies.base import Observation
from metaopt.strategies.estimates import candidates, unfinished_best
from metaopt.strategies.points import only_proposal
from metaopt.strategies.rivals import minimises_time, slower, speed_class
from search_spaces.parameters import Point
from workers.timing import MS_PER_SHOWER

#: At most this share of a study's trials confirms candidates.
CONFIRMING_SHARE = 4
#: Checkpoints of pruned trials that are kept at a rung, of the best: only those are taken up again.
KEPT_PRUNED = 16


@dataclass(frozen=True)
class Assignment:
    """A trial to start.

    Attributes:
        seed: 0 for the search's own training of the proposal; others confirm it.
        before: the trial whose training goes on; its checkpoint may be there.
        attempt: from 1; more where workers were lost.
        epochs: scored before, which come again from the checkpoint.
        to_the_end: whether it is not to be pruned any more.
    """

    point: Point
    proposal: int
    seed: int = 0
    note: Mapping[str, str] = field(default_factory=dict)
    before: TrialView | None = None
    attempt: int = 1
    epochs: int = 0
    to_the_end: bool = False

    @property
    def training(self) -> Training:
        """Which training the trial belongs to."""
        return self.proposal, self.seed


class Agenda:
    """Decides what is started next in a study."""

    def __init__(self, plan: Plan, record: Record) -> None:
        self._plan = plan
        self._record = record
        self._confirming: list[Training] | None = None

    @property
    def confirmations(self) -> int:
        """Trials that are kept back for confirming: at most a quarter of them."""
        search = self._plan.config.search
        wanted = (search.confirm + 1) * search.confirm_seeds if search.confirm else 0
        return min(wanted, search.trials // CONFIRMING_SHARE)

    @property
    def proposals_left(self) -> int:
        """Proposals that the strategy still has."""
        search = self._plan.config.search
        return max(search.trials - self.confirmations - self._record.proposals, 0)

    @property
    def trials_left(self) -> int:
        """Trials to be started, were none lost or promoted from now on."""
        repeats = sum(not trial.seed for trial in self._record.repeats)
        return self.proposals_left + repeats + self.confirmations_left

    @property
    def confirmations_left(self) -> int:
        """Confirming trainings that are not over."""
        if self._confirming is None:
            return self.confirmations
        return sum(not self._record.ended(training) for training in self._confirming)

    def repeat(self, running: Collection[Training]) -> Assignment | None:
        """A training to be taken up again."""
        for trial in self._record.repeats:
            if trial.training not in running:
                return self._go_on(trial)
        return None

    def promotion(
        self, running: Mapping[Training, Observation], times: Mapping[int, float | None]
    ) -> Assignment | None:
        """The best pruned training that would not be pruned today.

        Args:
            running: the trials that run, as if they were stopped now.
            times: their milliseconds per shower by proposal.
        """
        stopped = {n: t for n, t in self._stopped().items() if t.training not in running}
        epochs, space = self._plan.config.trial.epochs, self._plan.space
        # Those that are held against the same trials are asked for at once.
        timed = minimises_time(self._plan.strategy)
        alike: dict[float, list[Observation]] = defaultdict(list)
        for observation in (trial.observation for trial in stopped.values()):
            if observation is not None:
                alike[speed_class(_ms(observation)) if timed else 0.0].append(observation)
        for observed in alike.values():
            own = {stopped[o.number].training[0] for o in observed}
            others = self.peers(running, own | self.slower(_ms(observed[0]), times))
            promoted = self._plan.pruning.promotable(observed, others, space, epochs)
            if promoted:
                return self._go_on(stopped[promoted[0]])
        return None

    def slower(self, ms: float | None, times: Mapping[int, float | None]) -> set[int]:
        """Proposals that do not count against a trial because the search is for speed as well.

        Args:
            ms: milliseconds per shower of the trial.
            times: those of the running trials by proposal.
        """
        if not minimises_time(self._plan.strategy):
            return set()
        return slower(ms, {**self._record.times, **times})

    def proposal(self, running: Mapping[Training, Observation]) -> Assignment | None:
        """A new point; None when all proposals are made.

        Raises:
            SpaceError: the strategy proposed none, or one that is not of the space.
        """
        if not self.proposals_left:
            return None
        number = self._record.proposals
        waiting = {t.training: t.point for t in self._record.repeats}
        waiting |= {training: o.point for training, o in running.items()}
        pending = [point for (_, seed), point in waiting.items() if seed == 0]
        draws = np.random.default_rng([self._plan.config.study.seed, number])
        space, history = self._plan.space, self._record.history
        proposed = self._plan.strategy.propose(space, history, pending, 1, draws)
        name = self._plan.config.search.strategy
        made = only_proposal(proposed, space, f"strategy {name!r}", number)
        self._record.proposals += 1
        return Assignment(made.point, number, note=dict(made.note))

    def completion(self, running: Collection[Training]) -> Assignment | None:
        """The pruned training that is expected to be the best of all, once the search is over."""
        if running or self._confirming is not None:
            return None
        stopped = self._stopped()
        best = unfinished_best(self._plan.space, self._record.history, stopped)
        return None if best is None else replace(self._go_on(stopped[best]), to_the_end=True)

    def confirmation(self, running: Collection[Training]) -> Assignment | None:
        """The next training that confirms a candidate, once the search is over."""
        if self._confirming is None:
            if any(seed == 0 for _, seed in running):
                return None
            self._confirming = self._chosen()
        for proposal, seed in self._confirming:
            training = proposal, seed
            if training not in running and not self._record.ended(training):
                trial = self._record.searched[proposal]
                note = {**trial.note, "confirms": str(trial.number)}
                return Assignment(trial.point, proposal, seed, note)
        return None

    def peers(
        self, running: Mapping[Training, Observation], without: Collection[int]
    ) -> list[Observation]:
        """The search's trainings but for some proposals: ended and running ones."""
        live = {p: trial for (p, seed), trial in running.items() if seed == 0}
        ended = self._record.observed(without={*live, *without})
        return ended + [trial for p, trial in live.items() if p not in without]

    def _stopped(self) -> dict[int, TrialView]:
        """By number, the pruned trials whose state was kept."""
        best = self._record.best_pruned(KEPT_PRUNED)
        return {t.number: t for t in best if self._checkpoint(t.training).is_dir()}

    def _go_on(self, trial: TrialView) -> Assignment:
        proposal, seed = trial.training
        attempt = self._record.next_attempt(trial)
        epochs = self._record.known_epochs(trial)
        return Assignment(trial.point, proposal, seed, trial.note, trial, attempt, epochs)

    def _chosen(self) -> list[Training]:
        """The best by what the process expects of them, and the published configuration."""
        search = self._plan.config.search
        order = self._candidates()
        if self._published is not None:
            order = [p for p in order if p != 0 or order[0] == 0]
            order.insert(1, 0)
        chosen = list(dict.fromkeys(order))[: search.confirm + 1]
        seeds = range(1, search.confirm_seeds + 1)
        return [(p, seed) for seed in seeds for p in chosen][: self.confirmations]

    def _candidates(self) -> list[int]:
        """Proposals of the complete trials, best first, one for each point.

        In a space that is used up a point is proposed again; the published one is proposal 0.
        """
        space, searched = self._plan.space, self._record.searched
        proposals = {trial.number: p for p, trial in searched.items()}
        ranked = (proposals.get(n) for n in candidates(space, self._record.history))
        published = self._published
        chosen = {} if published is None else {space.key(published.point): 0}
        keyed = ((space.key(searched[p].point), p) for p in ranked if p is not None)
        return list(dict.fromkeys(chosen.setdefault(key, p) for key, p in keyed))

    @property
    def _published(self) -> TrialView | None:
        """The first configuration, where it did not fail."""
        first = self._record.searched.get(0)
        return first if first is not None and first.state in ("complete", "pruned") else None

    def _checkpoint(self, training: Training) -> Path:
        return checkpoint_folder(self._plan.config.folder.resolve(), *training)


def _ms(observation: Observation) -> float | None:
    return observation.metrics.get(MS_PER_SHOWER)
