"""A comparison as tables for people, and as Markdown for a document."""

from __future__ import annotations

import math
from collections.abc import Sequence

from metaopt.bench.comparison import Comparison
from metaopt.bench.statistics import Line, Overall, Target, lines, overall, targets
from metaopt.reports.tables import Table


def tables(comparison: Comparison) -> list[Table]:
    """One table per problem, and one over all of them if there are several."""
    design, found = comparison.design, lines(comparison)
    made = [
        _problem_table(target, [line for line in found if line.problem == target.problem])
        for target in targets(comparison)
    ]
    return [*made, _overall_table(overall(comparison))] if len(design.problems) > 1 else made


def _problem_table(target: Target, found: Sequence[Line]) -> Table:
    title = (
        f"{target.problem}: random search reaches {target.score:.3f} with {target.trials} full "
        f"trials in {target.compute:.0f} worker seconds"
    )
    headers = (
        "strategy", "final S", "quartiles", "rank", "cost", "reached", "failed", "pruned",
        "idle", "controller",
    )  # fmt: skip
    return Table(title, headers, tuple(_cells(line) for line in found))


def _cells(line: Line) -> tuple[str, ...]:
    return (
        line.strategy,
        f"{line.median:.3f}",
        f"{line.lower:.3f} to {line.upper:.3f}",
        _with_error(line.rank, line.rank_error),
        _share(line.cost),
        *(_share(x) for x in (line.reached, line.failed, line.pruned, line.idle)),
        _milliseconds(line.controller_seconds),
    )


def _overall_table(found: Sequence[Overall]) -> Table:
    headers = ("strategy", "mean rank", "cost", "reached", "idle", "controller")
    rows = tuple(
        (
            o.strategy,
            _with_error(o.rank, o.rank_error),
            *(_share(x) for x in (o.cost, o.reached, o.idle)),
            _milliseconds(o.controller_seconds),
        )
        for o in found
    )
    return Table("all problems", headers, rows)


def _with_error(rank: float, error: float) -> str:
    return f"{rank:.2f}" + ("" if math.isnan(error) else f" ± {error:.2f}")


def _milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:.1f} ms"


def _share(value: float) -> str:
    return f"{value:.0%}" if math.isfinite(value) else "–"


def note(comparison: Comparison) -> str:
    """What was run, and what the columns mean."""
    design = comparison.design
    setting = design.setting
    workers = "1 worker" if setting.workers == 1 else f"{setting.workers} workers"
    return (
        f"{design.seeds} studies each from seed {design.seed}, of {setting.trials} trials on "
        f"{workers}, pruning {design.pruning}. Final S: of the incumbent, without noise; median. "
        "Cost: worker seconds to the S that random search reaches, as a share of what it takes "
        "(median, over all problems the geometric mean; – if half of the studies never do). "
        "Controller: CPU time per trial."
    )


def markdown(made: Sequence[Table], text: str) -> str:
    """The tables as Markdown, with the note below them."""
    return "\n\n".join([*map(_markdown, made), text]) + "\n"


def _markdown(table: Table) -> str:
    rules = ("---" if i in table.left else "---:" for i in range(len(table.headers)))
    rows = [table.headers, tuple(rules), *table.rows]
    body = "\n".join("| " + " | ".join(cells) + " |" for cells in rows)
    return f"**{table.title}**\n\n{body}"
