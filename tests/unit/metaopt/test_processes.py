"""Work that is shared among processes."""

from __future__ import annotations

from functools import partial
from pydoc import locate

import pytest

from metaopt.processes import in_order
from search_spaces.errors import ExecutorError, MetaoptError


@pytest.mark.parametrize("processes", [1, 2])
def test_results_come_in_the_order_of_the_items(processes: int) -> None:
    items = [-3, 2, -1]
    assert list(in_order(partial(locate, "builtins.abs"), items, processes)) == [
        abs(item) for item in items
    ]


def test_a_killed_process_is_an_error() -> None:
    with pytest.raises(ExecutorError, match="as if killed"):
        list(in_order(partial(locate, "os._exit"), [9, 9], 2))


def test_an_error_of_the_work_is_the_callers() -> None:
    start = partial(locate, "search_spaces.loader.load_geometry")
    with pytest.raises(MetaoptError, match="neither a built-in name"):
        list(in_order(start, ["par04", "nowhere"], 2))
