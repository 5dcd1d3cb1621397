"""For scripts of Ray Tune: our strategies as a search algorithm, our trial as a trainable.

::

    study = load_study("study.toml")
    tuner = tune.Tuner(
        trainable(study),
        tune_config=tune.TuneConfig(
            metric="S",
            mode="min",
            num_samples=60,
            search_alg=StrategySearcher(study.strategy, study.space),
            scheduler=ASHAScheduler(time_attr="epoch", grace_period=2, max_t=6),
            reuse_actors=True,
        ),
    )

``docs/tune.md`` says what Tune then does and does not. The search of ``metaopt run`` does not
come this way, and needs nothing of this file.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from ray.tune.search import Searcher
from ray.tune.search.variant_generator import parse_spec_vars

from metaopt.preflight import Plan, prepare
from metaopt.specification import common_specification
from metaopt.strategies.base import Observation, State, Strategy
from metaopt.strategies.points import only_proposal
from metaopt.study_file import load_config
from objectives.objective import WORST
from search_spaces.errors import SpaceError
from search_spaces.parameters import Value
from search_spaces.records import encode
from search_spaces.space import SearchSpace
from workers.executors.ray_tune import (
    EPOCH,
    OUTCOME,
    RUNNING,
    SCORE,
    TuneTrial,
    tune_trainable,
)
from workers.timing import MS_PER_SHOWER
from workers.trial import METRIC_PREFIX, Outcome, prefixed

__all__ = ["StrategySearcher", "TuneTrial", "load_study", "trainable"]


def load_study(file: str | Path | None = None, **options: dict[str, Any]) -> Plan:
    """A study from its file, checked: space, geometry, showers, reference, strategy.

    Args:
        file: study.toml; None is the embedded default on bundled Geant4 showers.
        options: tables of study.toml whose keys go before the file's, such as
            ``trial={"epochs": 3}``.

    Raises:
        InputError: of the kind that fits, with rule, value and remedy.
    """
    return prepare(load_config(None if file is None else Path(file), options))


def trainable(plan: Plan) -> type[TuneTrial]:
    """The trials of a study as a trainable: budget, data, objective and resources are its own.

    Tune's configuration is the point; what it leaves out has the values of the space's preset.
    """
    return tune_trainable(common_specification(plan))


@dataclass
class _Known:
    """A trial that Tune was given."""

    number: int
    point: dict[str, Value]
    note: dict[str, str] = field(default_factory=dict)
    rungs: list[tuple[int, float]] = field(default_factory=list)


class StrategySearcher(Searcher):  # type: ignore[misc]  # Ray has no types
    """Proposes with a strategy of metaopt, for any trainable.

    Running trials are pending points; a trial that a scheduler stopped is a pruned one, with
    its last value; one that failed, or has no finite value, is a failed one with the worst. A
    trainable other than ours says by ``outcome`` whether its result is the final one
    ("running" until then); one that does not is taken for complete when Tune ends it.

    Args:
        strategy: any strategy, a third party's included.
        space: what may vary; Tune's own ``param_space`` adds fixed values to it.
        seed: of the study; proposal k draws from (seed, k).
        metric, mode: as of Tune; by default those of its ``TuneConfig``, or S and min.
    """

    _metric: str | None
    _mode: str | None

    def __init__(
        self,
        strategy: Strategy,
        space: SearchSpace,
        seed: int = 0,
        metric: str | None = None,
        mode: str | None = None,
    ) -> None:
        super().__init__(metric=metric, mode=mode)
        self._strategy = strategy
        self._space = space
        self._seed = seed
        self._running: dict[str, _Known] = {}
        self._history: list[Observation] = []
        self._proposals = 0

    @property
    def history(self) -> list[Observation]:
        """What the strategy sees: ended trials in order of number."""
        worst = max((o.score for o in self._history if o.state is not State.FAILED), default=WORST)
        seen = [replace(o, score=worst) if math.isinf(o.score) else o for o in self._history]
        return sorted(seen, key=lambda o: o.number)

    def set_search_properties(
        self, metric: str | None, mode: str | None, config: dict[str, Any], **spec: Any
    ) -> bool:
        """Take metric and mode of the ``TuneConfig``, unless they were given here.

        Raises:
            SpaceError: Tune's own space has a parameter of ours, or a range.
        """
        del spec
        for name in config:
            if name in self._space.names:
                raise SpaceError(
                    f"each parameter must have one range, got {name!r} in param_space and in the "
                    f"space {self._space.name!r}; leave it out of param_space"
                )
        _, ranges, grids = parse_spec_vars(config)
        for path, _ in (*ranges, *grids):
            raise SpaceError(
                f"beside a strategy param_space may hold fixed values only, got a range for "
                f"{'.'.join(map(str, path))!r}; make it a parameter of the space "
                f"{self._space.name!r}"
            )
        self._metric = self._metric or metric
        self._mode = self._mode or mode
        return True

    def suggest(self, trial_id: str) -> dict[str, Any]:
        """The strategy's next point."""
        pending = [known.point for known in self._running.values()]
        rng = np.random.default_rng([self._seed, self._proposals])
        proposed = self._strategy.propose(self._space, self.history, pending, 1, rng)
        name = type(self._strategy).__name__
        made = only_proposal(proposed, self._space, name, self._proposals)
        self._running[trial_id] = _Known(self._proposals, dict(made.point), dict(made.note))
        self._proposals += 1
        return dict(made.point)

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """An epoch was scored."""
        known, value = self._running.get(trial_id), self._value(result)
        if known is not None and math.isfinite(value):
            known.rungs.append((self._epoch(result, known), value))

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """A trial ended, by itself, by a scheduler or by an error."""
        known = self._running.pop(trial_id, None)
        if known is None:
            return
        value = self._value(result or {})
        outcome = (result or {}).get(OUTCOME, str(Outcome.COMPLETE))
        if error or not math.isfinite(value) or outcome == Outcome.FAILED:
            state, value = State.FAILED, math.inf if not math.isfinite(value) else value
        else:
            state = State.PRUNED if outcome == RUNNING else State.COMPLETE
        epoch = self._epoch(result or {}, known) if math.isfinite(value) else 0
        if state is State.PRUNED and (not known.rungs or known.rungs[-1][0] < epoch):
            # Tune tells a searcher the result at which a trial is stopped only here.
            known.rungs.append((epoch, value))
        metrics = {} if state is State.FAILED else _metrics(result or {})
        seen = known.number, known.point, state, value, epoch, tuple(known.rungs), known.note
        self._history.append(Observation(*seen, metrics))

    def save(self, checkpoint_path: str) -> None:
        """Write what is known as JSON: Tune calls it for its own ``Tuner.restore``."""
        state = {
            "proposals": self._proposals,
            "running": {name: vars(known) for name, known in self._running.items()},
            "history": [encode(o) for o in self._history],
        }
        Path(checkpoint_path).write_text(json.dumps(state), encoding="utf-8")

    def restore(self, checkpoint_path: str) -> None:
        """Read what :meth:`save` wrote."""
        state = json.loads(Path(checkpoint_path).read_text(encoding="utf-8"))
        self._proposals = state["proposals"]
        self._running = {
            name: _Known(**known | {"rungs": [(e, s) for e, s in known["rungs"]]})
            for name, known in state["running"].items()
        }
        self._history = [
            Observation(
                **o | {"state": State(o["state"]), "rungs": tuple((e, s) for e, s in o["rungs"])}
            )
            for o in state["history"]
        ]

    def _value(self, result: dict[str, Any]) -> float:
        """Lower is better; NaN where there is none."""
        value = result.get(self._metric or SCORE)
        sign = -1.0 if self._mode == "max" else 1.0
        return math.nan if value is None else sign * float(value)

    def _epoch(self, result: dict[str, Any], known: _Known) -> int:
        return int(result.get(EPOCH, result.get("training_iteration", len(known.rungs) + 1)))


def _metrics(result: dict[str, Any]) -> dict[str, float]:
    """The human numbers of a trial; the time per shower also of one that was stopped."""
    found, time = prefixed(result, METRIC_PREFIX), result.get(MS_PER_SHOWER)
    return found if time is None else {MS_PER_SHOWER: time, **found}
