"""What was converted, as a table for people."""

from __future__ import annotations

from collections.abc import Sequence

from metaopt.formats.conversion import Converted
from metaopt.reports.tables import Table


def conversion_table(made: Sequence[Converted]) -> Table:
    """One row per file."""
    rows = tuple(
        (
            c.form,
            c.path.name,
            f"{c.size / 1e6:.1f} MB",
            f"{c.difference:.0e}",
            f"{100 * (c.energy - 1):+.2f} %",
            f"{100 * (c.lowest - 1):+.2f} %",
        )
        for c in made
    )
    headers = (
        *("format", "file", "size", "largest difference", "deposited energy"),
        "of the lowest energy",
    )
    return Table("against the model's showers in single precision", headers, rows, left=(1,))
