"""A table of trials: the format, its rules, and the nearest row that was not tried."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from metaopt.bench.clock import Setting
from metaopt.bench.comparison import Design, compare
from metaopt.bench.problem import Rung
from metaopt.bench.registry import make_problem
from metaopt.bench.table import FORMAT, TrialTable
from objectives.objective import WORST
from search_spaces.errors import ConfigError, DataError
from search_spaces.loader import space_document
from search_spaces.parameters import Categorical, Float
from search_spaces.space import Key, SearchSpace

SPACE = SearchSpace("table", "toy", "default", (Float("x", 0.0, 1.0), Categorical("c", ("a", "b"))))
HEADER = {
    "format": FORMAT,
    "space": space_document(SPACE),
    "epochs": 4,
    "showers": 100,
    "about": {"data": "made up"},
}


def row(x: float, c: str = "a", seed: int = 1, score: float = 0.5, **changes: Any) -> Any:
    rungs = [
        {"epoch": e, "showers": 100 * e, "score": score + 1 / e, "seconds": 2.0 * e} for e in (2, 4)
    ]
    made = {
        "point": {"x": x, "c": c},
        "seed": seed,
        "outcome": "complete",
        "score": score,
        "seconds": 9.0,
        "rungs": rungs,
    }
    return made | changes


def failure(x: float) -> Any:
    rungs = row(x)["rungs"][:1]
    return row(x, outcome="failed", score=WORST, rungs=rungs, seconds=5.0, reason="diverged")


def write(folder: Path, *rows: Any, header: Any = HEADER) -> str:
    text = "\n".join(json.dumps(line) for line in (header, *rows)) + "\n"
    path = folder / "trials.jsonl.gz"
    path.write_bytes(gzip.compress(text.encode()))
    return str(path)


def table(folder: Path, *rows: Any) -> TrialTable:
    problem = make_problem(write(folder, *rows))
    assert isinstance(problem, TrialTable)
    return problem


def test_a_trial_comes_back_as_it_was_recorded(tmp_path: Path) -> None:
    problem = table(tmp_path, row(0.2), failure(0.8))
    assert (problem.name, problem.epochs, problem.size) == ("trials.jsonl.gz", 4, 2)
    assert problem.space.digest == SPACE.digest
    training = problem.train({"x": 0.2, "c": "a"}, 7)
    assert training.rungs == (Rung(2, 1.0, 4.0), Rung(4, 0.75, 8.0))
    assert (training.score, training.seconds, training.failed) == (0.5, 9.0, False)
    diverged = problem.train({"x": 0.8, "c": "a"}, 7)
    assert (len(diverged.rungs), diverged.score, diverged.failed) == (1, WORST, True)


def test_several_seeds_are_drawn_from_and_averaged(tmp_path: Path) -> None:
    scores = (0.5, 0.6, 1.0)
    problem = table(tmp_path, *(row(0.2, seed=s, score=v) for s, v in enumerate(scores)))
    point = problem.settle({"x": 0.9, "c": "a"}, set())
    assert problem.size == 1
    assert {problem.train(point, seed).score for seed in range(6)} == set(scores)
    assert problem.truth(point) == pytest.approx(0.7)


def test_a_proposal_is_answered_with_the_nearest_row_that_was_not_tried(tmp_path: Path) -> None:
    problem = table(tmp_path, row(0.1), row(0.4), row(0.9), row(0.4, "b"))
    taken: set[Key] = set()
    order = []
    for _ in range(4):
        point = problem.settle({"x": 0.45, "c": "a"}, taken)
        taken.add(problem.space.key(point))
        order.append((point["x"], point["c"]))
    # Another choice is at distance 1, farther than any number.
    assert order == [(0.4, "a"), (0.1, "a"), (0.9, "a"), (0.4, "b")]
    with pytest.raises(DataError, match="at most 4 trials"):
        problem.settle({"x": 0.45, "c": "a"}, taken)


def test_a_comparison_on_a_table_is_held_to_half_of_it(tmp_path: Path) -> None:
    file = write(tmp_path, *(row(0.1 * i, score=0.1 * i) for i in range(1, 8)), failure(0.9))
    made = compare(Design((file,), ("random",), Setting(8, 2), seeds=2))
    assert [(r.trials, r.failed, r.final) for r in made.results] == [(8, 1, 0.1)] * 2
    assert [r.trials for r in made.yardstick] == [4, 4]
    with pytest.raises(ConfigError, match="has 8 configurations, got 9 trials"):
        Design((file,), ("random",), Setting(9))


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        ([row(1.2)], r"line 2: x must lie in \[0.0, 1.0\], got 1.2"),
        ([row(0.1), row(0.1)], "line 3: point and seed stand there twice"),
        ([row(0.1, outcome="lost")], "must be one of 'complete', 'failed', got 'lost'"),
        ([row(0.1, score=float("nan"))], "must be finite"),
        ([row(0.1, rungs=[])], "must reach epoch 4"),
        ([row(0.1, rungs=row(0.1)["rungs"][::-1])], "in order of epoch and time"),
        ([row(0.1, seconds=3.0)], "in order of epoch and time"),
        ([row(0.1, scor=0.1)], "unknown key 'scor'; did you mean 'score'?"),
        ([], "at least one trial"),
        (["text"], "must be a table"),
    ],
)
def test_bad_trials(tmp_path: Path, rows: list[Any], text: str) -> None:
    with pytest.raises(DataError, match=text):
        make_problem(write(tmp_path, *rows))


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"format": "metaopt trials 0"}, "format 'metaopt trials 1'"),
        ({"epochs": 0}, "at least one epoch"),
        ({"space": {"family": "toy"}}, "preset is required"),
    ],
)
def test_bad_headers(tmp_path: Path, change: dict[str, Any], text: str) -> None:
    with pytest.raises(DataError, match=text):
        make_problem(write(tmp_path, row(0.1), header=HEADER | change))


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    plain, empty = tmp_path / "broken.jsonl", tmp_path / "empty.jsonl"
    plain.write_text(json.dumps(HEADER) + '\n{"point": ')
    empty.write_text("")
    (tmp_path / "short.jsonl.gz").write_bytes(gzip.compress(b"{}")[:-4])
    for name, text in (
        ("broken.jsonl", "line 2: not JSON"),
        ("empty.jsonl", "an empty file"),
        ("short.jsonl.gz", "cannot be read"),
        ("none.jsonl", "cannot be read"),
    ):
        with pytest.raises(DataError, match=text):
            make_problem(str(tmp_path / name))
