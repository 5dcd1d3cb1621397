"""A study in two figures, for the Optuna dashboard: what the gain cost, and where it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from metaopt.reports.figures import FULL, GENERATED, layout
from metaopt.reports.panels import Labels
from metaopt.reports.study.charts import Chart
from metaopt.reports.study.drawing import draw
from metaopt.reports.study.facts import StudyFacts
from metaopt.reports.study.history import history
from metaopt.reports.study.population import population
from metaopt.store.standings import Standing
from metaopt.store.views import TrialView
from objectives.groups import GROUPS
from search_spaces.errors import ConfigError

#: Which chart of the history is shown: S by compute.
BY_COMPUTE = 1
#: Room for a title above the legend [pixels].
TITLE_MARGIN = 90


def highlights(
    name: str, document: Mapping[str, Any], trials: Sequence[TrialView]
) -> dict[str, go.Figure]:
    """Figures by their name in the dashboard; none while nothing is complete."""
    try:
        facts = StudyFacts.of(name, document, trials)
    except ConfigError:
        return {}
    if facts.best is None:
        return {}
    title, chart = _course(facts, trials)
    found = {title.replace(" ", "-"): _titled(go.Figure(draw(chart)), title)}
    if facts.published and facts.published.best.groups and facts.best.best.groups:
        found["published-and-best"] = _levels(facts.published, facts.best)
    return found


def _course(facts: StudyFacts, trials: Sequence[TrialView]) -> tuple[str, Chart]:
    """What the gain cost; of a population, how its members trained."""
    part = population(facts, trials)
    if part is not None:
        return "S by epoch", next(item for item in part.items if isinstance(item, Chart))
    charts = [item for item in history(facts).items if isinstance(item, Chart)]
    return "S by compute", charts[BY_COMPUTE]


def _levels(published: Standing, best: Standing) -> go.Figure:
    """The level of each group of the objective, side by side."""
    names = [g for g in GROUPS if g in published.best.groups]
    sides = (("published", published.best, FULL), ("best found", best.best, GENERATED))
    bars = [
        go.Bar(
            x=names,
            y=[trial.groups.get(g) for g in names],
            name=f"{kind} (trial {trial.number})",
            marker={"color": colour},
        )
        for kind, trial, colour in sides
    ]
    labels = Labels("", "", y="level L of the group (lower is better)")
    return _titled(go.Figure(bars, layout(labels, 400)), "Published configuration and best found")


def _titled(figure: go.Figure, title: str) -> go.Figure:
    text = {"text": title, "x": 0, "xref": "paper", "y": 0.98, "yanchor": "top"}
    figure.update_layout(title=text, margin={"t": TITLE_MARGIN}, template="none")
    return figure
