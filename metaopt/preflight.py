"""Everything that can be checked before the first trial is checked here.

Nothing is written but the cached reference artefact, so that bad input leaves
the study store as it was.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from metaopt.config import StudyConfig
from metaopt.population.options import PopulationTraining, check_population
from metaopt.provenance import versions
from metaopt.references import reference_at
from metaopt.strategies.base import Strategy
from metaopt.strategies.pruning import Pruning
from metaopt.strategies.registry import make_pruning, make_strategy
from search_spaces.errors import ConfigError, DataError
from search_spaces.geometry import Geometry
from search_spaces.loader import load_geometry, load_space, space_document
from search_spaces.records import encode
from search_spaces.space import SearchSpace
from workers import data
from workers.data.splits import part_events
from workers.models.registry import make_family
from workers.trial import DataSpec

#: Fewest events of a split from which a score means something.
MIN_EVENTS = 100


@dataclass(frozen=True)
class Plan:
    """A study that is ready to run.

    Attributes:
        space: knows which points cannot be built for the geometry.
        reference: file of the reference artefact.
        test_reference: file of that of the test events; made when it is first asked for.
        document: what the store records of the study, as plain data.
    """

    config: StudyConfig
    space: SearchSpace
    geometry: Geometry
    data: DataSpec
    reference: Path
    test_reference: Path
    strategy: Strategy
    pruning: Pruning
    document: dict[str, Any]


def prepare(config: StudyConfig) -> Plan:
    """Check a configuration and make all that a study needs.

    Raises:
        InputError: of the kind that fits, with rule, value and remedy.
    """
    _check_results(config.folder.resolve())
    geometry = load_geometry(config.data.geometry)
    published = "variable-angle" if geometry.has_angle else "fixed-angle"
    space = _feasible_space(load_space(config.search.space or published), geometry)
    strategy = make_strategy(config.search.strategy, config.search.options)
    pruning = make_pruning(config.search.pruning, config.search.pruning_options)
    population = _population(config, space, strategy)
    if not population:
        # One more than the baselines: what fails now would fail after their training.
        draws = np.random.default_rng(config.study.seed)
        strategy.propose(space, (), (), len(space.baselines) + 1, draws)
    files = config.files()
    events, digest = data.survey(files, geometry)
    spec = DataSpec(files, config.data.split, digest, config.data.by)
    _check_events(data.part_sizes(spec, geometry), config)
    reference, path = reference_at(Path(config.study.results) / "references", spec, geometry)
    document = {
        "space": space_document(space),
        "space_digest": space.digest,
        "geometry": encode(geometry),
        "geometry_digest": geometry.digest,
        "data": encode(spec),
        "events": events,
        "trained": reference.trained,
        "budget": encode(config.budget),
        "reference_digest": reference.digest,
        "strategy": config.search.strategy,
        "options": dict(config.search.options),
        "pruning": config.search.pruning,
        "pruning_options": dict(config.search.pruning_options),
        "seed": config.study.seed,
        "folder": str(config.folder.resolve()),
        "versions": versions(),
        **population,
    }
    test = path.with_name(f"{path.stem}-test.npz")
    return Plan(config, space, geometry, spec, path, test, strategy, pruning, document)


def check_same_study(document: dict[str, Any], plan: Plan) -> None:
    """Raise :class:`ConfigError` unless a stored study is the one that the plan describes.

    Scores of another space, geometry, data set, budget or seed cannot be mixed in.
    """
    if not document:
        raise ConfigError(
            f"study {plan.config.name!r} was not made by metaopt; give another --study"
        )
    # Not the reference artefact's digest: its last bits may differ between processors.
    before, now = _identity(document), _identity(plan.document)
    for what, value in now.items():
        if before[what] != value:
            kept = "a study keeps its space, geometry, data, budget and seed"
            if what == "population":
                kept = "a population keeps its members and options, and no search becomes one"
            raise ConfigError(
                f"study {plan.config.name!r} was begun with another {what}: {kept}; "
                "restore it, or give another --study"
            )


def _identity(document: dict[str, Any]) -> dict[str, Any]:
    """What makes the scores of a study comparable, by its name for people."""
    return {
        "space": document["space_digest"],
        "geometry": document["geometry_digest"],
        "data set": document["data"]["digest"],
        "split": [*document["data"]["split"], document["data"].get("by", "event")],
        "budget": document["budget"],
        "seed": document["seed"],
        "population": document.get("population"),
    }


def _population(config: StudyConfig, space: SearchSpace, strategy: Strategy) -> dict[str, Any]:
    """What is recorded of a population, where the study is one."""
    if not isinstance(strategy, PopulationTraining):
        return {}
    members, earlier = config.search.trials, bool(config.search.earlier)
    check_population(strategy, space, members, earlier=earlier)
    options = {name: value for name, value in encode(strategy).items() if name != "warm"}
    return {"population": {"members": members, **options}}


def _check_results(folder: Path) -> None:
    """Before the showers are read, which may take minutes."""
    there = next(place for place in (folder, *folder.parents) if place.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        got = "a folder without the right to write" if there.is_dir() else "a file"
        raise ConfigError(
            f"the results in {folder} need a folder that can be written to, got {got}, {there}; "
            "give another --results"
        )


def _feasible_space(space: SearchSpace, geometry: Geometry) -> SearchSpace:
    family = make_family(space.family)
    feasible = space.constrained(lambda point: family.problem(space.preset, point, geometry))
    # Raises when no network of the space fits the geometry.
    feasible.sample(np.random.default_rng(0))
    return feasible


def check_simulated(events: int, config: StudyConfig) -> None:
    """Refuse a study whose showers, one file of them, are yet to be made and would not do.

    Raises:
        InputError: they would be too few, or could not be split.
    """
    spec = DataSpec(("",), config.data.split, "", config.data.by)
    _check_events({p: len(part_events([events], spec, p)) for p in data.PARTS}, config)


def _check_events(sizes: dict[data.Part, int], config: StudyConfig) -> None:
    if min(sizes.values()) < MIN_EVENTS:
        raise DataError(
            f"each split needs at least {MIN_EVENTS} events to score with, got "
            f"{sum(sizes.values())} events split {list(config.data.split)}, which gives "
            f"{', '.join(map(str, sizes.values()))}; give more files or other shares"
        )
    if config.trial.evaluation_showers > sizes["validation"]:
        raise ConfigError(
            f"trial.evaluation_showers <= {sizes['validation']} (the validation events) must "
            f"hold, got {config.trial.evaluation_showers}; give --evaluation-showers "
            f"{sizes['validation']}, or more showers"
        )
