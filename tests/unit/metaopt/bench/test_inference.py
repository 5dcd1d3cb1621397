"""``metaopt bench inference``: forms side by side."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from metaopt.bench.inference import Inference, Quality, judge_forms, simulation_ms, time_forms
from metaopt.bench.inference_tables import inference_tables
from objectives.showers import Array, Conditions
from search_spaces.loader import load_geometry

GEOMETRY = load_geometry("clic-12x12x12")


def busy(rounds: int) -> Array:
    return np.array([np.linalg.svd(np.ones((40, 40)))[1] for _ in range(rounds)], np.float32)


def quick(conditions: Conditions, seed: int) -> Array:
    return busy(2)


def slow(conditions: Conditions, seed: int) -> Array:
    return busy(40)


def test_forms_take_turns_and_are_compared_with_the_first() -> None:
    calls: list[tuple[str, int, float]] = []

    def noted(name: str):  # type: ignore[no-untyped-def]
        def generate(conditions: Conditions, seed: int) -> Array:
            calls.append((name, seed, float(conditions.energy[0])))
            return quick(conditions, seed) if name == "b" else slow(conditions, seed)

        return generate

    first, second = time_forms({"a": noted("a"), "b": noted("b")}, GEOMETRY, 4, 3)
    assert [name for name, *_ in calls] == ["a", "b"] * 4
    assert [seed for _, seed, _ in calls] == [0, 0, 1, 1, 2, 2, 3, 3]
    assert len({energy for *_, energy in calls}) == 1
    assert (first.form, first.batch, first.speed) == ("a", 4, 1.0)
    assert second.speed > 2 and second.cpu_ms < first.cpu_ms


def test_forms_are_judged_on_the_same_conditions(shower_files: Path) -> None:
    seen = []

    def empty(conditions: Conditions, seed: int) -> Array:
        seen.append((conditions.energy, seed))
        return np.zeros((len(conditions), *GEOMETRY.shape), np.float32)

    found = judge_forms({"a": empty, "b": empty}, str(shower_files / "reference.h5"), GEOMETRY)
    assert [q.form for q in found] == ["a", "b"] and found[0].score == found[1].score > 2
    (energy, draw), (other, again) = seen
    np.testing.assert_array_equal(energy, other)
    assert draw == again


def test_the_simulations_own_time_is_known_where_the_file_says_it(
    shower_files: Path, tmp_path: Path
) -> None:
    assert simulation_ms(str(shower_files / "reference.h5")) is None
    with h5py.File(tmp_path / "timed.h5", "w") as file:
        file["cpu_seconds"] = [0.1, 0.3]
    spent = simulation_ms(str(tmp_path / "timed.h5"))
    assert spent == pytest.approx(200)
    timings = tuple(time_forms({"metaopt": quick}, GEOMETRY, 2, 1))
    times, scores = inference_tables(Inference(1, timings, (Quality("metaopt", 1.5, 0.1),), spent))
    assert times.rows[0][:2] == ("simulation", "1") and times.rows[0][3] == "200.00"
    assert scores.rows == (("metaopt", "1.500 ± 0.100"),)
