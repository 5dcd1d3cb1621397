"""Laws of the parameters: round trips, bounds, conditions."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_spaces.errors import SpaceError
from search_spaces.parameters import Categorical, Condition, Float, Int, Parameter

PARAMETERS: list[Parameter] = [
    Float("a", -1.0, 3.0),
    Float("a", 1e-5, 1e-1, log=True),
    Float("a", 0.0, 1.0, step=0.25),
    Float("a", 2.0, 2.0),
    Int("a", 3, 9),
    Int("a", 2, 10, step=4),
    Int("a", 3, 11, step=4),
    Int("a", 1, 512, log=True),
    Int("a", 7, 7),
    Categorical("a", ("relu", "elu", "tanh")),
    Categorical("a", (1, 2, 5)),
]


@pytest.mark.parametrize("parameter", PARAMETERS, ids=str)
@given(u=st.floats(0, 1))
def test_every_place_of_the_unit_interval_is_a_value(parameter: Parameter, u: float) -> None:
    assert parameter.contains(parameter.from_unit(u))


@pytest.mark.parametrize("parameter", PARAMETERS, ids=str)
@given(u=st.floats(0, 1))
def test_a_value_survives_the_unit_interval(parameter: Parameter, u: float) -> None:
    value = parameter.from_unit(u)
    again = parameter.from_unit(parameter.to_unit(value))
    assert again == pytest.approx(value)
    assert 0 <= parameter.to_unit(value) <= 1


def test_every_whole_number_has_a_cell() -> None:
    values = {Int("a", 1, 40, log=True).from_unit(i / 9999) for i in range(10000)}
    assert values == set(range(1, 41))


def test_what_cannot_vary_is_in_the_middle() -> None:
    assert [p.to_unit(v) for p, v in ((Float("a", 2.0, 2.0), 2.0), (Int("a", 7, 7), 7))] == [
        0.5
    ] * 2


def test_every_choice_and_whole_number_has_its_cell() -> None:
    u = [(i + 0.5) / 3000 for i in range(3000)]
    words = [Categorical("a", ("x", "y", "z")).from_unit(x) for x in u]
    assert [words.count(word) for word in "xyz"] == [1000] * 3
    numbers = [Int("a", 1, 3, log=True).from_unit(x) for x in u]
    widths = [math.log((n + 0.5) / (n - 0.5)) / math.log(3.5 / 0.5) for n in (1, 2, 3)]
    assert [numbers.count(n) / 3000 for n in (1, 2, 3)] == pytest.approx(widths, abs=1e-3)


def test_logarithmic_floats_are_uniform_in_the_logarithm() -> None:
    assert Float("a", 1e-4, 1e-2, log=True).from_unit(0.5) == pytest.approx(1e-3)


@pytest.mark.parametrize(
    ("parameter", "value", "clipped"),
    [
        (Float("a", 0.0, 1.0), 7.0, 1.0),
        (Int("a", 2, 10, step=4), 5, 6),
        (Int("a", 2, 10, step=4), -5, 2),
        (Int("a", 2, 10, step=4), 99, 10),
        (Categorical("a", ("x", "y")), "z", "x"),
        (Categorical("a", ("x", "y")), "y", "y"),
    ],
)
def test_clip(parameter: Parameter, value: float | str, clipped: float | str) -> None:
    assert parameter.clip(value) == clipped


def test_a_real_number_with_a_step_is_on_its_grid() -> None:
    parameter = Float("a", 0.1, 1.0, step=0.3)
    assert [parameter.from_unit(u) for u in (0.0, 0.4, 1.0)] == pytest.approx([0.1, 0.4, 1.0])
    assert all(parameter.contains(parameter.from_unit(i / 99)) for i in range(100))
    assert parameter.contains(0.7) and not parameter.contains(0.5)
    assert parameter.clip(0.5) == pytest.approx(0.4)


def test_true_is_not_one() -> None:
    assert not Categorical("a", (1, 2)).contains(True)
    assert not Int("a", 0, 3).contains(True)
    assert not Float("a", 0.0, 3.0).contains(True)
    assert not Float("a", 0.0, 3.0).contains("1") and not Float("a", 0.0, 3.0).contains(None)


@pytest.mark.parametrize(
    ("make", "rule"),
    [
        (lambda: Float("lr", 3.0, 1.0), "low <= high"),
        (lambda: Float("lr", 0.0, 1.0, log=True), "low > 0"),
        (lambda: Float("lr", float("nan"), 1.0), "low <= high"),
        (lambda: Float("lr", 0.0, float("inf")), "low <= high"),
        (lambda: Int("n", 1, 4, step=2), "divide"),
        (lambda: Int("n", 1, 5, step=3), "divide"),
        (lambda: Float("lr", 0.0, 1.0, step=0.35), "divide"),
        (lambda: Int("n", 1, 5, log=True, step=2), "logarithmic"),
        (lambda: Categorical("c", ()), "distinct"),
        (lambda: Categorical("c", (1, 1)), "distinct"),
        (lambda: Int("n", 4, 1), "low <= high"),
        (lambda: Float("lr", 0.0, 1.0, step=0.0), "a step must be positive"),
        (lambda: Float("lr", 0.0, 1.0, step=-0.5), "a step must be positive"),
        (lambda: Float("lr", 0.1, 1.1, log=True, step=0.5), "not logarithmic"),
        (lambda: Condition.parse("layers > 3"), "condition"),
        (lambda: Condition.parse("layers >="), "condition"),
        (lambda: Condition.parse("layers >= three"), "'>=' needs a number"),
        (lambda: Condition.parse("layers >= true"), "'>=' needs a number"),
    ],
)
def test_a_bad_range_is_refused_with_its_rule(make: object, rule: str) -> None:
    with pytest.raises(SpaceError, match=rule):
        make()  # type: ignore[operator]


def test_conditions() -> None:
    deep = Condition.parse("layers >= 3")
    assert deep.holds({"layers": 3}) and not deep.holds({"layers": 2}) and not deep.holds({})
    assert Condition.parse("kind == 'relu'").holds({"kind": "relu"})
    assert str(Condition.parse("kind == 'relu'")) == "kind == 'relu'"
    assert str(Condition("flip", "==", True)) == "flip == true"
    assert [Condition.parse(f"kind == {word}").value for word in ("'", "'a")] == ["'", "'a"]
