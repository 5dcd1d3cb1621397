"""Laws of the search space, and its TOML form."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import numpy as np
import pytest
import tomli_w

from search_spaces.errors import SpaceError
from search_spaces.loader import load_space, space_document, space_from_tables
from search_spaces.parameters import Categorical, Condition, Float, Int
from search_spaces.space import Baseline, SearchSpace, describe

POINT = {"layers": 2, "lr": 1e-3, "k1": 3, "k2": 4, "act": "relu"}


def space(**changes: object) -> SearchSpace:
    parameters = (
        Int("layers", 1, 3),
        Float("lr", 1e-4, 1e-2, log=True),
        Int("k1", 2, 6),
        Int("k2", 2, 6, when=Condition("layers", ">=", 2)),
        Int("k3", 2, 6, when=Condition("layers", ">=", 3)),
        Categorical("act", ("relu", "elu")),
    )
    made = {"name": "s", "family": "toy", "preset": "default", "parameters": parameters}
    return SearchSpace(**(made | changes))  # type: ignore[arg-type]


def test_samples_lie_in_the_space_and_carry_active_parameters_only() -> None:
    s, rng = space(), np.random.default_rng(0)
    for _ in range(100):
        point = s.sample(rng)
        s.check(point)
        assert ("k3" in point) == (point["layers"] == 3)


def test_unit_cube_round_trip() -> None:
    s, rng = space(), np.random.default_rng(0)
    for _ in range(50):
        point = s.sample(rng)
        again = s.from_unit(s.to_unit(point))
        assert s.key(again) == s.key({**point, "lr": again["lr"]})
        assert again["lr"] == pytest.approx(point["lr"])


deeper = Condition("layers", ">=", 2)


def test_encoding_puts_choices_at_distance_one_and_keeps_its_width() -> None:
    s = space()
    a, b = s.encode([POINT, POINT | {"act": "elu"}])
    assert len(a) == s.width == 7
    assert np.linalg.norm(a - b) == pytest.approx(1)
    half = np.sqrt(0.5)
    assert a[-2:] == pytest.approx([half, 0]) and b[-2:] == pytest.approx([0, half])
    # What is absent lies in the middle: of a range, and of all choices.
    deep = space(parameters=(*s.parameters[:4], Categorical("act", ("a", "b"), deeper)))
    assert deep.encode([{"layers": 1, "lr": 1e-3, "k1": 3}])[0, -3:].tolist() == [0.5, 0.25, 0.25]


@pytest.mark.parametrize(
    ("point", "rule"),
    [
        (POINT | {"lrr": 1}, "did you mean 'lr'"),
        (POINT | {"lr": 1.0}, r"lr must lie in \[0.0001, 0.01\] \(log\), got 1.0"),
        (POINT | {"k3": 3}, "exists only when layers >= 3"),
        ({k: v for k, v in POINT.items() if k != "k2"}, "'k2' is active"),
    ],
)
def test_a_bad_point_is_refused_with_its_rule(point: dict[str, object], rule: str) -> None:
    with pytest.raises(SpaceError, match=rule):
        space().check(point)  # type: ignore[arg-type]


def test_equal_points_have_equal_keys_whether_whole_or_real() -> None:
    s = SearchSpace("s", "toy", "default", (Float("w", 0.0, 5.0),))
    assert s.key({"w": 2}) == s.key({"w": 2.0})


def test_a_step_has_one_key_whatever_its_last_digit() -> None:
    parameters = (Float("w", 0.0, 1.0, step=0.1), Float("v", 0.0, 1.0), Int("n", 0, 8, step=2))
    s = SearchSpace("s", "toy", "default", parameters)
    third = s.from_unit(np.array([0.3, 0.5, 0.0]))
    assert third["w"] != 0.3
    assert s.key({**third, "w": 0.3}) == s.key(third)
    assert len({s.key({**third, "w": s["w"].clip(k / 10)}) for k in range(11)}) == 11
    assert s.key({**third, "v": 0.3}) != s.key({**third, "v": 0.1 * 3})
    assert s.key({"n": 2}) != s.key({"n": 4})


def test_a_parent_stands_before_its_child() -> None:
    with pytest.raises(SpaceError, match="stand before"):
        space(parameters=(Int("k", 1, 2, when=Condition("n", ">=", 1)), Int("n", 0, 2)))


@pytest.mark.parametrize(
    ("parameters", "rule"),
    [
        ((), "at least one parameter, got none in 's'"),
        ((Int("n", 1, 2), Int("n", 1, 3)), "names must differ, got 'n' twice"),
        (
            (Categorical("c", (1, "a")), Int("n", 1, 2, when=Condition("c", ">=", 1))),
            "'>=' needs a parent of numbers, got when = 'c >= 1' for 'n'",
        ),
    ],
)
def test_a_bad_list_of_parameters_is_refused(parameters: tuple[object, ...], rule: str) -> None:
    with pytest.raises(SpaceError, match=rule):
        space(parameters=parameters)


def test_ranges_in_words() -> None:
    ranges = [describe(p) for p in (EVERY_KIND[i] for i in (2, 3, 4, 6, 7))]
    assert ranges == [
        *("{1, 2.5}", "[2, 10] in steps of 4", "[1, 512] (log)"),
        *("[0.0, 1.0] in steps of 0.25", "[1e-05, 0.1] (log)"),
    ]


def test_a_constraint_is_respected_and_an_impossible_one_named() -> None:
    even = space().constrained(lambda p: None if p["k1"] == 4 else "k1 must be 4")
    assert even.sample(np.random.default_rng(0))["k1"] == 4
    never = space().constrained(lambda p: "does not fit")
    with pytest.raises(SpaceError, match=r"no point .* can be built.*does not fit"):
        never.sample(np.random.default_rng(0))


def test_the_document_gives_an_equal_space_again() -> None:
    s = space(baselines=(Baseline("published", POINT),))
    again = space_from_tables(space_document(s), "stored", "s")
    assert again == s and again.digest == s.digest


EVERY_KIND = (
    Categorical("flip", (True, False)),
    Categorical("word", ("true", "3", "it's", "a b", "")),
    Categorical("number", (1, 2.5)),
    Int("n", 2, 10, step=4),
    Int("wide", 1, 512, log=True),
    Float("x", 0.0, 8.0, step=1.0),
    Float("y", 0.0, 1.0, step=0.25),
    Float("rate", 1e-5, 1e-1, log=True),
)
CONDITIONS = (
    *(Condition("flip", "==", truth) for truth in (True, False)),
    *(Condition("word", "==", word) for word in ("true", "3", "it's", "a b", "")),
    *(Condition("number", "==", number) for number in (1, 2.5)),
    *(Condition("n", operator, 6) for operator in ("==", ">=")),
    *(Condition("n", ">=", 5), Condition("n", "==", 6.0)),
    *(Condition("x", operator, 8.0) for operator in ("==", ">=")),
    Condition("rate", ">=", 1e-3),
)


@pytest.mark.parametrize("when", CONDITIONS, ids=str)
def test_every_kind_of_parameter_and_condition_survives_the_store(when: Condition) -> None:
    children = (
        Categorical("c1", ("a", "b"), when),
        Int("c2", 1, 3, when=when),
        Float("c3", 0.0, 2.0, step=1.0, when=when),
    )
    s = space(parameters=EVERY_KIND + children)
    s.check_conditions()
    stored = json.loads(json.dumps(space_document(s)))
    again = space_from_tables(stored, "stored", "s")
    assert again == s and again.digest == s.digest
    assert again.digest == space_from_tables(tomllib.loads(tomli_w.dumps(stored)), "", "s").digest


def test_a_condition_on_a_truth_of_an_older_store_holds() -> None:
    assert Condition.parse("flip == True").holds({"flip": True})
    assert not Condition.parse("flip == False").holds({"flip": True})


@pytest.mark.parametrize(
    ("when", "values"),
    [
        ("word == flase", r"\{true, 3, it's, a b, \}"),
        ("flip == 'true'", r"\{True, False\}"),
        ("n == 3", r"\[2, 10\] in steps of 4"),
        ("n == 6.5", r"\[2, 10\] in steps of 4"),
        ("n >= 11", r"\[2, 10\] in steps of 4"),
        ("n == two", r"\[2, 10\] in steps of 4"),
        ("x == 0.5", r"\[0.0, 8.0\] in steps of 1.0"),
        ("number >= 3", r"\{1, 2.5\}"),
    ],
)
def test_a_condition_that_never_holds_is_refused(tmp_path: Path, when: str, values: str) -> None:
    path, child = tmp_path / "own.toml", Int("child", 1, 3, when=Condition.parse(when))
    path.write_text(tomli_w.dumps(space_document(space(parameters=(*EVERY_KIND, child)))))
    with pytest.raises(SpaceError, match=f"own.toml: .*{values}; 'child' would never exist"):
        load_space(str(path))


def test_the_digest_knows_bounds_but_not_names_of_files() -> None:
    wider = (*space().parameters[:-1], Categorical("act", ("relu", "elu", "tanh")))
    assert space().digest != space(parameters=wider).digest
    assert space().digest == space(name="other").digest


TOML = """
family = "toy"
preset = "default"
[parameters.rate]
type = "float"
low = 0.1
high = 1.0
"""


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (("low = 0.1", "low = 2.0"), r"parameters.rate: low <= high must hold"),
        (('type = "float"', 'type = "flaot"'), "must be one of 'float'"),
        (("high = 1.0", "hihg = 1.0"), "unknown key 'hihg'; did you mean 'high'"),
        (("low = 0.1", 'low = "small"'), "low must be a number"),
        (("low = 0.1", ""), "parameters.rate: low and high are required"),
        (("high = 1.0", ""), "parameters.rate: low and high are required"),
        (('"float"', '"int"'), "low of an int parameter must be a whole number, got 0.1"),
        (('"float"', '"categorical"'), "'low' has no meaning for type = 'categorical'"),
        (("high = 1.0", "high = 1.0\nchoices = [1]"), "'choices' has no meaning for type = 'flo"),
        (("low = 0.1", "low = "), "not a TOML file"),
        (('preset = "default"', ""), "preset is required"),
        (("high = 1.0", "high = 1.0\n[baselines.a]\nrate = 9.0"), "baseline 'a': rate must lie"),
    ],
)
def test_a_bad_file_is_refused_with_file_key_and_rule(
    tmp_path: Path, change: tuple[str, str], rule: str
) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(TOML.replace(*change))
    with pytest.raises(SpaceError, match=rule) as caught:
        load_space(str(path))
    assert "bad.toml" in str(caught.value)


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(SpaceError, match="did you mean 'quick'"):
        load_space("quik")


def test_parameters_of_one_value_are_not_encoded() -> None:
    fixed = (Float("f", 0.5, 0.5), Int("i", 3, 3), Categorical("c", ("only",)))
    wide = SearchSpace("wide", "toy", "default", (*fixed, Float("x", 0.0, 1.0)))
    point = {"f": 0.5, "i": 3, "c": "only", "x": 0.25}
    assert [p.name for p in wide.varying] == ["x"]
    assert wide.encode([point]).tolist() == [[0.25]] and wide.width == 1
    still = SearchSpace("still", "toy", "default", fixed)
    assert still.encode([point, point]).shape == (2, 0) and still.varying == ()
