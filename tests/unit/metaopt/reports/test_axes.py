"""Axes of pictures: ends, order, ticks."""

from __future__ import annotations

import pytest

from metaopt.reports.axes import DECADES, Axis, axis, label


@pytest.mark.parametrize("log", [False, True])
def test_values_keep_their_order_between_the_ends(log: bool) -> None:
    made = axis([0.02, 3.0, 700.0], 300, 20, log=log, margin=0.05)
    places = [made.at(v) for v in (made.low, 0.02, 3.0, 700.0, made.high)]
    assert places[0] == pytest.approx(300) and places[-1] == pytest.approx(20)
    assert places == sorted(places, reverse=True)


@pytest.mark.parametrize(
    ("low", "high", "log", "ticks"),
    [
        (0.0, 1.0, False, [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (-3.0, 7.2, False, [-2.0, 0.0, 2.0, 4.0, 6.0]),
        (0.5, 2000.0, True, [1.0, 10.0, 100.0, 1000.0]),
        (1.5, 8.0, True, [2.0, 5.0]),
    ],
)
def test_ticks_are_round_and_inside(low: float, high: float, log: bool, ticks: list[float]) -> None:
    assert Axis(low, high, 0, 100, log).ticks() == pytest.approx(ticks)


def test_what_a_logarithm_has_not_lies_at_the_end() -> None:
    made = axis([0.0, -1.0, 1e-30, 10.0], 0, 100, log=True, margin=0.0)
    assert made.low == pytest.approx(10.0 / 10**DECADES) and made.at(0.0) == made.at(-1.0) == 0.0


@pytest.mark.parametrize("values", [[], [2.0], [0.0, 0.0]])
@pytest.mark.parametrize("log", [False, True])
def test_any_values_give_an_axis(values: list[float], log: bool) -> None:
    made = axis(values, 0, 100, log=log, margin=0.05)
    assert made.high > made.low and made.ticks()


def test_labels_are_short() -> None:
    assert [label(v) for v in (0.0, 0.2, 2000.0, 1e-5, 2e6)] == ["0", "0.2", "2000", "1e-5", "2e6"]
