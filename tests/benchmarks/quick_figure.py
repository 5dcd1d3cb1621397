"""The picture of the README: ten searches on the bundled showers.

    python tests/benchmarks/quick_figure.py

draws docs/quick-study.svg from the table in docs/performance.md, which
tests/benchmarks/quick_seeds.py measured.
"""

from __future__ import annotations

import re
from pathlib import Path

from svg import INK, SIZE, Panel, document

DOCS = Path(__file__).parents[2] / "docs"
TABLE, FIGURE = DOCS / "performance.md", DOCS / "quick-study.svg"
FOUND = "#d55e00"
WIDTH, HEIGHT = 760, 300
TITLE = "Distance from Geant4 of the published configuration and of the best of 16 trials"
ROW = re.compile(r"^\| (\d+) \| ([\d.]+) \| ([\d.]+) ± ([\d.]+) \|", re.MULTILINE)


def main() -> None:
    FIGURE.write_text(draw(TABLE.read_text()), encoding="utf-8")


def draw(table: str) -> str:
    """The SVG of the table's rows: seed, S of trial 0, best S with its error."""
    rows = [tuple(map(float, row)) for row in ROW.findall(table)]
    seeds, published, best, errors = zip(*rows, strict=True)
    panel = Panel(72, 52, 460, 190, (0.5, len(rows) + 0.5), (1.3, 2.3))
    panel.axes(TITLE, "search (seed)", "S (lower is better)", whole=True)
    for seed, above, below in zip(seeds, published, best, strict=True):
        panel.line((seed, seed), (above, below), FOUND, dash="3 3", width=1.2)
    panel.points(seeds, published, [0.0] * len(rows), INK, filled=True)
    panel.points(seeds, best, errors, FOUND, filled=False)
    words = (
        (published, INK, True, "published configuration"),
        (best, FOUND, False, "best found in 16 trials"),
    )
    for values, colour, filled, name in words:
        left, middle = panel.left + panel.width + 24, panel.at(0, sum(values) / len(values))[1]
        panel.marker(left, middle, colour, filled=filled)
        panel.text(left + 14, middle + 0.35 * SIZE, name, "start", colour=colour)
        mean = f"mean of ten searches {sum(values) / len(values):.2f}"
        panel.text(left + 14, middle + 0.35 * SIZE + 18, mean, "start", colour=colour)
    return document(WIDTH, HEIGHT, TITLE, [panel])


if __name__ == "__main__":
    main()
