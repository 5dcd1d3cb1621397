"""Comparisons as one SVG picture, for places without plotly: some 40 kB, nothing to install.

As in :mod:`metaopt.reports.figures`, Geant4 is black and solid with squares, generated is
coloured and dashed with circles. Text is as large as a page needs that shows it smaller.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from itertools import pairwise

from metaopt.reports.axes import Axis, axis, label
from metaopt.reports.figures import FULL, FULL_NAME, GENERATED, GENERATED_NAME, ratio_span
from metaopt.reports.panels import Comparison, Points, bin_ends

#: Size of a panel, and of what lies around its frame [pixels].
WIDTH, HEIGHT = 440, 350
#: Size on a page, as a share: three panels beside each other fit on a laptop.
SHOWN = 0.72
LEFT, RIGHT, TOP, BOTTOM = 74, 12, 34, 46
#: Height of the ratio below, and the gap above it [pixels].
RATIO_HEIGHT, GAP = 64, 12
#: Where the upper frame ends, if there is a ratio below it [pixels].
UPPER_END = HEIGHT - BOTTOM - RATIO_HEIGHT - GAP
#: Panels in a row, and the height of the line above all [pixels].
COLUMNS, HEAD = 3, 34
#: How far generated values may stretch an axis beyond the full simulation's highest.
STRETCH = 2.0

_STYLE = f"""text {{ font: 14px Helvetica, Arial, 'DejaVu Sans', sans-serif; fill: #111 }}
.t {{ font-weight: bold; font-size: 15px }} .h {{ font-weight: bold; font-size: 17px }}
.m {{ text-anchor: middle }} .e {{ text-anchor: end }}
path, rect, line {{ fill: none; stroke: #111; stroke-width: 1 }} .g {{ stroke: #ddd }}
.a {{ stroke: {FULL}; stroke-width: 1.6 }} .b {{ stroke: {GENERATED}; stroke-width: 1.8 }}
.d {{ stroke-dasharray: 7 4 }} .f {{ fill: {FULL}; stroke: none }} .o {{ fill: #fff }}"""


def picture(title: str, panels: Sequence[Comparison]) -> str:
    """An SVG document of some panels.

    Args:
        title: the line above them.
        panels: at least one.
    """
    columns = min(COLUMNS, len(panels))
    width, height = columns * WIDTH, HEAD + -(-len(panels) // columns) * HEIGHT
    inside = "\n".join(
        f'<g transform="translate({i % columns * WIDTH} {HEAD + i // columns * HEIGHT})">'
        f"{''.join(_panel(panel))}</g>"
        for i, panel in enumerate(panels)
    )
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" \
width="{SHOWN * width:.0f}" height="{SHOWN * height:.0f}">
<title>{escape(title)}</title><style>{_STYLE}</style>
<rect width="{width}" height="{height}" style="fill:#fff;stroke:none"/>
{_clip("whole", TOP, HEIGHT - BOTTOM)}{_clip("upper", TOP, UPPER_END)}\
{_clip("ratio", UPPER_END + GAP, HEIGHT - BOTTOM)}
<text class="h" x="12" y="24">{escape(title)}</text>{_legend(width)}
{inside}
</svg>
"""


def _clip(name: str, top: int, bottom: int) -> str:
    """What is drawn in a frame ends at the frame."""
    size = f'width="{WIDTH - LEFT - RIGHT}" height="{bottom - top}"'
    return f'<clipPath id="{name}"><rect x="{LEFT}" y="{top}" {size}/></clipPath>'


def _legend(width: int) -> str:
    return (
        f'<path class="a" d="M{width - 262} 18h34"/>'
        f'<rect class="f" x="{width - 249}" y="14" width="8" height="8"/>'
        f'<text x="{width - 220}" y="23">{FULL_NAME}</text>'
        f'<path class="b d" d="M{width - 142} 18h34"/>'
        f'<circle class="b o" cx="{width - 125}" cy="18" r="4"/>'
        f'<text x="{width - 100}" y="23">{GENERATED_NAME}</text>'
    )


def _panel(panel: Comparison) -> Iterator[str]:
    clip, bottom = ("upper", UPPER_END) if panel.ratio else ("whole", HEIGHT - BOTTOM)
    ends = bin_ends(panel.full.x, panel.log_x) if panel.steps else ()
    x = axis([*_known(panel.full.x), *ends], LEFT, WIDTH - RIGHT, log=panel.log_x, margin=0.04)
    y = axis(_heights(panel), bottom, TOP, log=panel.log_y, margin=0.06)
    yield f'<text class="t" x="{LEFT}" y="{TOP - 10}">{escape(panel.labels.title)}</text>'
    yield from _frame(x, y, panel.labels.y)
    yield f'<g clip-path="url(#{clip})">'
    yield from _side(panel.full, x, y, steps=panel.steps, generated=False)
    yield from _side(panel.generated, x, y, steps=panel.steps, generated=True)
    yield "</g>"
    if panel.ratio:
        span = ratio_span(panel)
        y = Axis(1 - span, 1 + span, HEIGHT - BOTTOM, UPPER_END + GAP)
        yield from _frame(x, y, "ratio", ticks=(1 - span / 2, 1.0, 1 + span / 2))
        yield f'<path class="a" d="M{LEFT} {y.at(1):.1f}H{WIDTH - RIGHT}"/>'
        yield '<g clip-path="url(#ratio)">'
        yield from _side(panel.ratio, x, y, steps=False, generated=True, line=False)
        yield "</g>"
    yield from _below(x, panel.labels.x)


def _known(values: Sequence[float | None]) -> list[float]:
    return [v for v in values if v is not None]


def _heights(panel: Comparison) -> list[float]:
    """Values that the axis has room for: far wilder generated ones are cut off."""
    full, generated = _known(panel.full.y), _known(panel.generated.y)
    if not full or panel.log_y:
        return full + generated
    full += [*_ends(panel.full)]
    low, high = min(full), max(full)
    room = STRETCH * (high - low or abs(high))
    return full + [min(max(v, low - room), high + room) for v in _ends(panel.generated)]


def _ends(points: Points) -> Iterator[float]:
    """Both ends of all error bars."""
    for value, error in zip(points.y, points.error, strict=True):
        if value is not None:
            yield from (value - (error or 0.0), value + (error or 0.0))


def _frame(x: Axis, y: Axis, name: str, ticks: Sequence[float] = ()) -> Iterator[str]:
    """Frame, horizontal grid and the names of the vertical axis."""
    top, height = y.end, y.start - y.end
    for value in ticks or y.ticks():
        place = y.at(value)
        yield f'<path class="g" d="M{x.start} {place:.1f}H{x.end}"/>'
        yield f'<text class="e" x="{LEFT - 6}" y="{place + 5:.1f}">{label(value)}</text>'
    for value in x.ticks():
        yield f'<path d="M{x.at(value):.1f} {y.start}v-5"/>'
    yield f'<rect x="{LEFT}" y="{top}" width="{WIDTH - LEFT - RIGHT}" height="{height}"/>'
    middle = f"translate(16 {top + height / 2:.1f}) rotate(-90)"
    yield f'<text class="m" transform="{middle}">{escape(name)}</text>'


def _below(x: Axis, name: str) -> Iterator[str]:
    for value in x.ticks():
        yield (
            f'<text class="m" x="{x.at(value):.1f}" y="{HEIGHT - BOTTOM + 18}">{label(value)}'
            "</text>"
        )
    middle = (x.start + x.end) / 2
    yield f'<text class="m" x="{middle:.1f}" y="{HEIGHT - 8}">{escape(name)}</text>'


def _side(
    points: Points, x: Axis, y: Axis, *, steps: bool, generated: bool, line: bool = True
) -> Iterator[str]:
    """Line, error bars and markers of one sample."""
    style = "b" if generated else "a"
    if line:
        dash = " d" if generated else ""
        yield f'<path class="{style}{dash}" d="{_line(points, x, y, steps=steps)}"/>'
    bars, marks = [], []
    for a, b, error in zip(points.x, points.y, points.error, strict=True):
        if a is None or b is None or (y.log and b <= 0):
            continue
        place, height, size = x.at(a), y.at(b), error or 0.0
        low, high = y.at(b - size), y.at(b + size)
        if low - high > 4:
            bars.append(f"M{place:.1f} {high:.1f}V{low:.1f}")
        marks.append(
            f'<circle class="b o" cx="{place:.1f}" cy="{height:.1f}" r="3"/>'
            if generated
            else f"M{place - 2:.1f} {height - 2:.1f}h4v4h-4z"
        )
    yield f'<path class="{style}" d="{"".join(bars)}"/>'
    yield "".join(marks) if generated else f'<path class="f" d="{"".join(marks)}"/>'


def _line(points: Points, x: Axis, y: Axis, *, steps: bool) -> str:
    """The path through all points, broken where there is nothing to draw."""
    known = [(x.at(a), b) for a, b in zip(points.x, points.y, strict=True) if a is not None]
    edges = [(a + b) / 2 for (a, _), (b, _) in pairwise(known)]
    if steps and edges:  # the outer bins are as wide as their neighbours
        edges = [2 * known[0][0] - edges[0], *edges, 2 * known[-1][0] - edges[-1]]
    path, pen = [], "M"
    for i, (place, value) in enumerate(known):
        if value is None:
            pen = "M"
            continue
        height = y.at(value)
        if steps and edges:
            path.append(f"{pen}{edges[i]:.1f} {height:.1f}H{edges[i + 1]:.1f}")
        else:
            path.append(f"{pen}{place:.1f} {height:.1f}")
        pen = "L"
    return "".join(path)
