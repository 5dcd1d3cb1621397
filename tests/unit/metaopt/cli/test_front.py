"""The Pareto front on the command line: ``show`` tells it, ``export`` chooses from it."""

from __future__ import annotations

import json
import re

import pytest
from click.testing import CliRunner

from metaopt.cli.main import cli
from metaopt.errors import MetaoptError, exit_code
from metaopt.store.database import StudyStore
from search_spaces.loader import load_space
from workers.trial import Outcome, TrialResult


def call(*arguments: str) -> tuple[int, str]:
    """Exit code and output, or the message of an error."""
    result = CliRunner().invoke(cli, list(arguments))
    if isinstance(result.exception, MetaoptError):
        return exit_code(result.exception), str(result.exception)
    return result.exit_code, result.output


@pytest.fixture(scope="module")
def timed_study(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The storage of a study of three trials: the better, the slower; the last was not timed."""
    url, space = f"sqlite:///{tmp_path_factory.mktemp('store')}/store.db", load_space("toy")
    document = {"strategy": "nsga2", "folder": "results/s"}
    study = StudyStore(url, create=True).create("s", document)
    for proposal, (score, ms) in enumerate(((1.0, 8.0), (1.5, 0.8125), (0.9, None))):
        metrics = {} if ms is None else {"ms_per_shower": ms}
        point = dict(space.baselines[0].point) | {"rate": 0.1 * (proposal + 1)}
        number = study.start(space, point, proposal, {})
        study.finish(number, TrialResult(Outcome.COMPLETE, score, 0.01, metrics=metrics))
    return url


def test_show_tells_the_front_where_there_is_one(timed_study: str) -> None:
    code, text = call("show", "s", "--storage", timed_study)
    assert code == 0 and re.search(r"0 +1\.000 ± 0\.010 +8 +published", text)
    assert re.search(r"1 +1\.500 ± 0\.010 +0\.812 +rate 0\.2", text)
    code, text = call("show", "s", "--storage", timed_study, "--json")
    shown = json.loads(text)
    assert [p["trial"] for p in shown["pareto_front"]] == [0, 1]
    assert shown["best"]["number"] == 2 and len(shown["trials"]) == 3


def test_a_trial_in_full_says_how_it_ended_and_why(timed_study: str) -> None:
    study = StudyStore(timed_study).study("s")
    number = study.start(load_space("toy"), study.trials()[0].point, 3, {"operators": "design"})
    study.finish(number, TrialResult(Outcome.FAILED, reason="it overshoots; lower the rate"))
    code, text = call("show", "s", "--trial", str(number), "--storage", timed_study)
    assert code == 0 and re.search(r"3 +fail: failed .* it overshoots; lower the rate", text)


def test_candidates_for_export_by_speed(timed_study: str) -> None:
    def listed(*options: str) -> list[int]:
        _, text = call("export", "s", "--list", "--json", "--storage", timed_study, *options)
        return [t["number"] for t in json.loads(text)]

    assert listed() == [2, 0, 1]
    assert listed("--max-ms-per-shower", "8") == [0, 1]
    code, text = call(
        "export", "s", "-o", "o", "--storage", timed_study, "--max-ms-per-shower", "0.5"
    )
    assert code == 3 and "the fastest, trial 1 with S 1.500, takes 0.8125" in text
    code, text = call("export", "--list", "--storage", timed_study, "--max-ms-per-shower", "1")
    assert code == 2 and "give STUDY" in text
