"""What the Gaussian process expects along a parameter, all others as in the best trial."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from metaopt.reports.panels import Labels
from metaopt.reports.study.charts import Chart, Kind, Part, Series, series
from metaopt.reports.study.facts import StudyFacts
from metaopt.reports.study.history import SCORE
from metaopt.reports.study.importance import Importance
from metaopt.strategies.base import State
from metaopt.strategies.surrogate import Surrogate, final_scores
from search_spaces.parameters import Categorical, Int, Parameter, Point, Value
from search_spaces.space import SearchSpace

#: Parameters shown, and points of a curve.
MOST, STEPS = 6, 61
#: Least difference of S that is told.
VISIBLE = 0.001


def expectation(facts: StudyFacts, found: Sequence[Importance]) -> Part:
    """A curve for each of the most important parameters of the best configuration."""
    title = "What the Gaussian process expects"
    surrogate = facts.surrogate
    if surrogate is None or facts.best is None:
        return Part(title, "Too few trials for a Gaussian process.")
    point = facts.best.best.point
    names = [i.name for i in found if i.name in point][:MOST]
    text = (
        "The same model that the search asks, fitted to at most 300 trials. Along one parameter "
        "all others are those of the best configuration: the band is what another training is "
        "expected to give on average, one deviation up and down, without the noise of a single "
        "training. It is rather narrow: of real trials that such a model was not told, S was 1.1 "
        "to 1.5 of its errors away (root mean square, noise included). The points are trials, "
        "which differ in the other parameters too."
    )
    charts = tuple(_chart(surrogate, facts.space, point, facts.space[n]) for n in names)
    return Part(title, text, charts)


def along(space: SearchSpace, point: Point, p: Parameter) -> tuple[list[Value], list[Point]]:
    """Values of a parameter over its range, and the point with each of them.

    Parameters that exist only at another value than the point's are in the middle of their range.
    """
    if isinstance(p, Categorical):
        values: list[Value] = list(p.choices)
    else:
        values = list(dict.fromkeys(p.from_unit(u) for u in np.linspace(0, 1, STEPS)))
    genes = space.genes(space.to_unit(point)) | dict(point)
    return values, [space.activate(genes | {p.name: v}) for v in values]


def _chart(surrogate: Surrogate, space: SearchSpace, point: Point, p: Parameter) -> Chart:
    values, points = along(space, point, p)
    mean, deviation = surrogate.predict(points)
    best = values[int(np.argmin(mean))]
    own = surrogate.predict([point])[0].tolist()
    gain = own[0] - float(mean.min())
    lowest = (
        f"Lowest at {_shown(best)}, {gain:.3f} below the best configuration's own expectation."
        if gain >= VISIBLE
        else "Lowest where the best configuration is."
    )
    look = f"{lowest} A wide band has not been tried; where the band is flat, any value does."
    x = [_place(p, v) for v in values]
    made = series("expected S ± deviation", "expected", x, mean.tolist(), deviation.tolist())
    here = series("best configuration, expected", "best", [_place(p, point[p.name])], own)
    return Chart(
        Labels(f"Expected S along {p.name}", look, p.name, SCORE),
        _trials(surrogate, p) + made + here,
        log_x=not isinstance(p, Categorical) and p.log,
        whole_x=isinstance(p, Int),
    )


def _trials(surrogate: Surrogate, p: Parameter) -> tuple[Series, ...]:
    """The trials that the process knows; a pruned one with what it would have become."""
    scores = final_scores(surrogate.living)
    groups: tuple[tuple[str, Kind, State], ...] = (
        ("pruned, S at the full budget guessed", "pruned", State.PRUNED),
        ("complete", "complete", State.COMPLETE),
    )
    found: tuple[Series, ...] = ()
    for name, kind, state in groups:
        some = [
            (_place(p, o.point[p.name]), float(s), o.number)
            for o, s in zip(surrogate.living, scores, strict=True)
            if o.state is state and p.name in o.point
        ]
        x, y, numbers = zip(*some, strict=True) if some else ((), (), ())
        found += series(name, kind, x, y, trials=numbers)
    return found


def _place(p: Parameter, value: Value) -> float | str:
    return str(value) if isinstance(p, Categorical) else float(value)


def _shown(value: Value) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
