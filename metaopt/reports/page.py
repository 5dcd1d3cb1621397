"""A validation as one self-contained HTML file: the answer, its reasons, the plots."""

from __future__ import annotations

from html import escape
from typing import Any

import metaopt
from metaopt.reports.figures import figure
from metaopt.reports.html import document, place, table
from metaopt.reports.panels import Map, Section
from metaopt.reports.plots import sections
from metaopt.reports.validation import Validation
from metaopt.reports.validation_tables import (
    crosschecks_table,
    groups_table,
    headline,
    metrics_table,
    particles_table,
)

#: What S, and the words and lines of a validation, mean.
SCALE = (
    "S is how far generated showers are from Geant4's: lower is better; 0.5 is a 1 % error of the "
    "energy scale, 1 a 5 % error, 2 an untrained generator."
)
LEGEND = (
    "L: level of a group. Geant4 black and solid, generated dashed with open circles; bars are "
    "standard deviations."
)


def page(validation: Validation) -> str:
    """The HTML of a validation, about 5 MB, of which all but some 100 kB draw the plots."""
    figures: dict[str, Any] = {}
    title = f"{validation.generated_name} against {validation.full_name}"
    body = f"""<h1>{escape(title)}</h1>
{comparison(validation, figures)}
<p class="small">metaopt {metaopt.__version__}. {SCALE} {LEGEND}</p>"""
    return document(title, body, figures)


def comparison(validation: Validation, figures: dict[str, Any]) -> str:
    """The answer, its reasons and the plots of a validation; its figures are added."""
    plots = "".join(_section(section, figures) for section in sections(validation))
    return f"{_answer(validation)}\n{_reasons(validation)}\n{plots}"


def _answer(validation: Validation) -> str:
    score, text = headline(validation)
    geometry = validation.reference.geometry
    facts = (
        f"{validation.events:,} generated showers, {validation.full.events:,} of Geant4; "
        f"geometry {geometry.name}" + (f" ({geometry.title})" if geometry.title else "")
    )
    notes = "".join(f'<p class="small">Note: {escape(note)}.</p>' for note in validation.notes)
    return (
        f'<div class="answer"><strong>{escape(score)}</strong><p>{escape(text)}</p></div>\n'
        f'<p class="small">{escape(facts)}.</p>{notes}'
    )


def _reasons(validation: Validation) -> str:
    alone = particles_table(validation)
    return (
        (f"<h2>By particle</h2>{table(alone)}" if alone.rows else "")
        + f"<h2>What is wrong</h2>{table(groups_table(validation))}"
        f'<div class="figures"><div><h2>In numbers</h2>{table(metrics_table(validation))}</div>'
        f"<div><h2>Cross-checks</h2>{table(crosschecks_table(validation))}</div></div>"
    )


def _section(section: Section, figures: dict[str, Any]) -> str:
    inside = "".join(place(panel.labels, figure(panel), figures) for panel in section.panels)
    kind = "maps" if all(isinstance(panel, Map) for panel in section.panels) else "figures"
    return f'<h2>{escape(section.title)}</h2><div class="{kind}">{inside}</div>'
