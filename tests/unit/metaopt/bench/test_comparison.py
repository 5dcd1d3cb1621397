"""Comparisons: incumbents, ranks and costs, and the command."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from metaopt.bench.clock import Ended, Setting, Simulation
from metaopt.bench.comparison import Comparison, Design, compare
from metaopt.bench.results import Result, Step, summarise
from metaopt.bench.statistics import lines, overall, targets
from metaopt.bench.tables import markdown, note, tables
from metaopt.cli.main import cli
from metaopt.strategies.base import State
from search_spaces.errors import ConfigError

SMALL = Design(("hartmann6", "gan15:0.1"), ("random", "genetic"), Setting(12, 3), seeds=2)


def test_the_incumbent_is_chosen_by_what_is_seen_and_reported_by_what_is_true() -> None:
    seen = [
        (0, State.FAILED, 2.8, 2.8),
        (1, State.COMPLETE, 1.0, 1.1),
        (2, State.PRUNED, 0.1, 0.1),
        (3, State.COMPLETE, 0.5, 0.9),
        (4, State.COMPLETE, 0.7, 0.2),
    ]
    ended = tuple(Ended(n, 10.0 * n, 2.0, state, s, truth) for n, state, s, truth in seen)
    made = summarise("p", "s", 3, Simulation(ended, 0.1, 0.2))
    assert made.steps == (Step(2, 4.0, 10.0, 1.1), Step(4, 8.0, 30.0, 0.9))
    assert (made.final, made.compute, made.time) == (0.9, 10.0, 40.0)
    assert (made.trials, made.failed, made.pruned) == (5, 1, 1)
    assert made.compute_to(1.0) == 8.0 and made.compute_to(0.3) == math.inf
    nothing = summarise("p", "s", 3, Simulation(ended[:1], 0.0, 0.0))
    assert (nothing.final, nothing.steps) == (2.8, ())


def result(
    strategy: str, seed: int, final: float, problem: str = "p", compute: float = 8.0
) -> Result:
    steps = (Step(1, 1.0, 1.0, 2.0), Step(4, compute, 9.0, final))
    return Result(problem, strategy, seed, 10, final, 20.0, 9.0, 2, 1, 0.1, 0.002, steps)


def made_up() -> Comparison:
    """Good is below bad in 3 of 4 seeds; the yardstick is 0.5 after 40 worker seconds."""
    design = replace(SMALL, strategies=("random", "genetic"), seeds=4)
    good, bad = (0.2, 0.3, 0.4, 0.9), (0.5, 0.5, 0.4, 0.8)
    results = []
    for problem in design.problems:
        results += [result("random", s, v, problem) for s, v in enumerate(bad)]
        results += [result("genetic", s, v, problem) for s, v in enumerate(good)]
    yardstick = [
        replace(result("random", s, v, problem), compute=40.0, trials=200)
        for problem in design.problems
        for s, v in enumerate((0.4, 0.5, 0.5, 0.6))
    ]
    return Comparison(design, tuple(results), tuple(yardstick))


def test_medians_ranks_and_costs() -> None:
    comparison = made_up()
    target = targets(comparison)[0]
    assert (target.score, target.compute, target.trials) == (0.5, 40.0, 200)
    first, second = lines(comparison)[:2]
    assert (first.strategy, second.strategy) == ("genetic", "random")
    assert (first.lower, first.median, first.upper) == pytest.approx((0.275, 0.35, 0.525))
    # Ranks 1, 1, 1.5, 2 and 2, 2, 1.5, 1.
    assert (first.rank, second.rank) == (1.375, 1.625)
    assert first.rank_error == pytest.approx(math.sqrt(0.6875 / 3 / 4))
    assert first.cost == pytest.approx(8.0 / 40.0) and first.reached == 0.75
    assert (first.failed, first.pruned) == (0.1, 0.2)


def test_over_all_problems() -> None:
    comparison = made_up()
    first = overall(comparison)[0]
    one = lines(comparison)[0]
    assert (first.strategy, first.rank) == ("genetic", one.rank)
    assert first.rank_error == pytest.approx(one.rank_error / math.sqrt(2))
    assert first.cost == pytest.approx(0.2)
    assert (first.idle, first.controller_seconds) == pytest.approx((0.1, 0.002))
    never = replace(comparison, results=tuple(replace(r, steps=()) for r in comparison.results))
    assert all(math.isinf(o.cost) and o.reached == 0 for o in overall(never))


def test_tables_say_what_was_run() -> None:
    made = tables(made_up())
    assert [t.title.split(":")[0] for t in made] == ["hartmann6", "gan15", "all problems"]
    assert made[0].rows[0][:6] == (
        "genetic", "0.350", "0.275 to 0.525", "1.38 ± 0.24", "20%", "75%",
    )  # fmt: skip
    assert made[-1].rows[0] == ("genetic", "1.38 ± 0.17", "20%", "75%", "10%", "2.0 ms")
    text = markdown(made, note(made_up()))
    assert "| genetic | 0.350 |" in text and "4 studies each from seed 0" in text
    one = replace(made_up().design, problems=("hartmann6",))
    assert len(tables(replace(made_up(), design=one))) == 1


def plain(results: tuple[Result, ...]) -> list[Result]:
    """Without the processor's time, which nothing repeats."""
    return [replace(r, controller_seconds=0.0) for r in results]


def test_a_comparison_repeats_itself_in_any_number_of_processes() -> None:
    seen: list[tuple[int, int]] = []
    alone = compare(SMALL, 1, lambda done, of: seen.append((done, of)))
    together = compare(SMALL, 2)
    assert plain(alone.results) == plain(together.results)
    assert plain(alone.yardstick) == plain(together.yardstick)
    assert seen == [(i, 12) for i in range(1, 13)]
    names = [(r.problem, r.strategy, r.seed) for r in alone.results]
    assert names == [(p, s, i) for p in SMALL.problems for s in SMALL.strategies for i in (0, 1)]
    assert {r.trials for r in alone.yardstick} == {200}


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"problems": ()}, "at least one problem"),
        ({"seeds": 0}, "at least one problem, strategy and seed"),
        ({"strategies": ("random", "random")}, "must differ"),
        ({"strategies": ("randon",)}, "did you mean 'random'?"),
        ({"problems": ("hartman6",)}, "did you mean 'hartmann6'?"),
        ({"pruning": "halfing"}, "did you mean 'halving'?"),
        ({"pruning": "halving,first_rung"}, "options read 'name,key=value,...'"),
        ({"pruning": "halving,first_rung=0"}, "first_rung >= 1"),
        ({"strategies": ("tpe-hyperband",)}, "needs workers = 1, got 3"),
        ({"strategies": ("pbt",)}, "pbt is one training of several members"),
    ],
)
def test_bad_designs(change: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        replace(SMALL, **change)
    assert text in str(caught.value)


COMMAND = ("bench", "strategies", "--problem", "hartmann6", "--trials", "3", "--seeds", "2",
           "--strategy", "random", "--strategy", "genetic,population=4")  # fmt: skip


def test_the_command_prints_tables_and_json(tmp_path: Path) -> None:
    file = tmp_path / "bench.md"
    made = CliRunner().invoke(cli, [*COMMAND, "--markdown", str(file)])
    assert made.exit_code == 0 and "6 of 6 studies" in made.stderr
    assert "genetic,population=4" in made.stdout and "hartmann6" in made.stdout
    assert file.read_text().count("| genetic,population=4 |") == 1
    document = json.loads(CliRunner().invoke(cli, [*COMMAND, "--json"]).stdout)
    assert document["design"]["setting"] == {"trials": 3, "workers": 1, "proposal_seconds": 0.0}
    assert [len(document[key]) for key in ("lines", "studies", "yardstick")] == [2, 4, 2]
    # Three trials do not come to where two hundred do.
    assert [line["cost"] for line in document["lines"]] == [None, None]


def test_the_command_explains_itself_within_80_columns() -> None:
    text = CliRunner().invoke(cli, ["bench", "strategies", "--help"]).output
    assert max(len(line) for line in text.splitlines()) <= 80
    assert "optuna-gp" in text


def test_tables_go_into_a_folder_that_exists(tmp_path: Path) -> None:
    made = CliRunner().invoke(cli, [*COMMAND, "--markdown", str(tmp_path / "none" / "x.md")])
    assert isinstance(made.exception, ConfigError) and "make the folder" in str(made.exception)
