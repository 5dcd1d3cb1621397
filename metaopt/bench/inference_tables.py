"""Measured inference as tables for people, and as Markdown."""

from __future__ import annotations

from metaopt.bench.inference import Inference
from metaopt.reports.tables import Table, number

#: What the simulation is called beside the forms.
SIMULATION = "simulation"


def inference_tables(made: Inference) -> list[Table]:
    """Times by form and batch size; S by form where there is a reference."""
    rows = [
        (
            t.form,
            str(t.batch),
            f"{t.ms:.2f} ± {t.spread:.2f}",
            f"{t.cpu_ms:.2f}",
            f"{t.speed:.2f}",
            f"{made.simulation_ms / t.cpu_ms:,.0f}" if made.simulation_ms else "–",
        )
        for t in made.timings
    ]
    if made.simulation_ms:
        rows.insert(0, (SIMULATION, "1", "–", f"{made.simulation_ms:.2f}", "–", "1"))
    threads = f"{made.threads} thread" + "s" * (made.threads > 1)
    headers = ("form", "batch", "ms/shower", "CPU ms/shower", "times metaopt", "times simulation")
    tables = [Table(f"milliseconds per shower, {threads}", headers, tuple(rows))]
    if made.qualities:
        scores = tuple((q.form, number(q.score, q.error)) for q in made.qualities)
        tables.append(Table("S against the reference (lower is better)", ("form", "S"), scores))
    return tables
