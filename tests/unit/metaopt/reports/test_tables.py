"""Tables of a study, cell by cell."""

from __future__ import annotations

from metaopt.reports.tables import pareto_table
from metaopt.store.front import FrontPoint


def test_the_front_tells_score_time_and_what_is_not_published() -> None:
    published = {"power": 0.5, "layers": 3, "kernel": 5}
    first = FrontPoint(4, 1.25, 0.0123, 1, 12.345, {"power": 0.71239, "layers": 2, "norm": "batch"})
    second = FrontPoint(0, 1.5, None, 1, 0.01234, published)
    assert pareto_table([first, second], published).rows == (
        ("4", "1.250 ± 0.012", "12.3", "power 0.7124, layers 2, kernel –, norm batch"),
        ("0", "1.500", "0.0123", "published"),
    )
    ((*_, everything),) = pareto_table([second], {}).rows
    assert everything == "power 0.5, layers 3, kernel 5"
