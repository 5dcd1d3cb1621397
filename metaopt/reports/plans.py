"""What a study would do and cost, before it runs."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from metaopt.preflight import Plan
from metaopt.reports.tables import Table, duration
from objectives.reference import Reference
from workers.data import part_sizes
from workers.models.base import PredictsCost
from workers.models.registry import make_family


@dataclass(frozen=True)
class Cost:
    """Of the training of one configuration.

    Attributes:
        name: of the configuration.
        parameters: of generator and discriminator.
        gmac: giga multiply-accumulates per training shower, as published.
        mib: memory of a training step.
        seconds: of the training of one trial at the full budget.
    """

    name: str
    parameters: tuple[int, int]
    gmac: float
    mib: float
    seconds: float


def costs_of(plan: Plan) -> list[Cost]:
    """The space's named configurations, after a short calibration on this machine."""
    space, geometry = plan.space, plan.geometry
    family = make_family(space.family)
    if not isinstance(family, PredictsCost):
        return []
    seconds = family.calibrated(space.preset, geometry, plan.config.resources)
    showers = plan.config.budget.epochs * plan.config.budget.showers
    costs = []
    for baseline in space.baselines:
        m = family.static_metrics(space.preset, baseline.point, geometry)
        sizes = int(m["generator_parameters"]), int(m["discriminator_parameters"])
        total = showers * seconds(baseline.point)
        costs.append(Cost(baseline.name, sizes, m["training_gmac"], m["training_mib"], total))
    return costs


def plan_table(plan: Plan, costs: list[Cost], recorded: int = 0) -> Table:
    """The study, of which trials may be recorded, in rows of (what, value)."""
    config, sizes = plan.config, part_sizes(plan.data, plan.geometry)
    budget, trials = config.budget, config.search.trials
    reference = Reference.load(plan.reference)
    rows = [
        ("study", f"goes on; trials recorded: {recorded}" if recorded else "new"),
        ("showers", ", ".join(f"{n:,} {part}" for part, n in sizes.items())),
        ("training energies", _energies(reference)),
        ("sampling fraction", _sampling(reference)),
        ("space", f"{len(plan.space.parameters)} parameters of {plan.space.preset!r}"),
        ("budget of a trial", f"{budget.epochs} epochs of {budget.showers:,} showers"),
        ("trials", f"{trials} by {config.search.strategy!r}"),
    ]
    for cost in costs:
        generator, discriminator = cost.parameters
        rows += [
            (f"{cost.name}: parameters", f"{generator:,} + {discriminator:,}"),
            (f"{cost.name}: work", f"{cost.gmac:.1f} GMAC per training shower"),
            (f"{cost.name}: memory of a step", f"{cost.mib:,.0f} MiB"),
            (f"{cost.name}: training of a trial", f"about {duration(math.ceil(cost.seconds))}"),
        ]
    if costs:
        # Pruning stops most trials early; other configurations cost more or less.
        total = trials * costs[0].seconds / max(config.workers.count, 1)
        workers = f" on {config.workers.count} workers" if config.workers.count > 1 else ""
        rows.append(("all trials like the first", f"about {duration(math.ceil(total))}{workers}"))
    return Table(config.name, ("", ""), tuple(rows), left=(0, 1))


def _energies(reference: Reference) -> str:
    """What shows showers that fill a part of the geometry's range only."""
    ends = [f"{end:.3g}" for end in (*reference.trained["energy"], *reference.geometry.energy)]
    return "{} to {} GeV, of {} to {} GeV in the geometry".format(*ends)


def _sampling(reference: Reference) -> str:
    """What shows cells in a wrong unit, which no check can know."""
    column = reference.sample.values[:, reference.names.index("sampling_fraction")]
    low, middle, high = (f"{100 * q:.3g}" for q in np.quantile(column, (0.05, 0.5, 0.95)))
    return f"{middle} % of the primary energy (90 % of the showers: {low} to {high} %)"
