"""Export: whole, readable, checked, and honest about what it cannot do."""

from __future__ import annotations

import dataclasses
import json
import math
import shutil
from collections.abc import Callable
from contextlib import nullcontext
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from metaopt.choice import candidates, choose
from metaopt.cli.main import cli
from metaopt.config import StudyConfig
from metaopt.controller import Controller
from metaopt.export import export, load_model, load_production, verify
from metaopt.generation import model_digest
from metaopt.monitoring import Quiet
from metaopt.preflight import prepare
from metaopt.store.dashboard import picture_folders
from metaopt.store.database import StudyStore
from metaopt.store.study import StoredStudy
from metaopt.store.views import StudyView, TrialView
from objectives.showers import Conditions
from search_spaces.errors import ConfigError, DataError, NoCompleteTrialError
from workers.executors.inline import InlineExecutor
from workers.saved import CHECK, CHECK_DRAW

from ...full_disk import full_disk


@pytest.fixture
def study(toy_config: Callable[..., StudyConfig]) -> StoredStudy:
    return done(toy_config(search__trials=4))


def done(config: StudyConfig) -> StoredStudy:
    plan = prepare(config)
    study = StudyStore(config.study.storage, create=True).create("toy", plan.document)
    Controller(plan, study, InlineExecutor(), Quiet()).run()
    return study


def test_the_export_is_whole_and_gives_the_trials_showers(
    study: StoredStudy, tmp_path: Path
) -> None:
    trials, out = study.trials(), tmp_path / "production"
    best = choose(study.view(), trials, None)
    assert best == candidates(trials)[0]
    production = export(study.view(), best, out)
    assert production == load_production(out) == load_production(str(out))
    assert production.model.parameters == best.point
    assert production.score["S"] == best.score and production.score["groups"] == best.groups
    assert production.provenance["trial"] == best.number
    assert len(production.data["digest"]) == 64 and "numpy" in production.provenance["versions"]
    low, high = production.data["trained"]["energy"]
    assert 10 < low < 11 and 199 < high < 200
    assert production.trained == ((10.0, 200.0), (90.0, 90.0))
    text = (out / "production.toml").read_text()
    assert str(tmp_path) not in text
    source = Path(str(study.document["folder"])) / "trials" / f"{best.number:04d}"
    with np.load(source / CHECK, allow_pickle=False) as check:
        again = load_model(str(out)).generate(
            Conditions.of(check["energy"], check["theta"]), CHECK_DRAW
        )
        np.testing.assert_array_equal(again, check["cells"])


def test_notes_beside_a_model_leave_its_digest(study: StoredStudy, tmp_path: Path) -> None:
    out = tmp_path / "production"
    export(study.view(), choose(study.view(), study.trials(), None), out)
    digest = model_digest(out)
    (out / "notes.txt").write_text("the good one")
    (out / "fast.h5").write_bytes(b"showers")
    assert model_digest(out) == digest
    weights = out / "toy.json"
    weights.write_text(weights.read_text() + " ")
    assert model_digest(out) != digest
    (out / "production.toml").write_text("# mine\n" + (out / "production.toml").read_text())
    assert model_digest(out) != digest


def test_weights_of_another_trial_are_noticed(study: StoredStudy, tmp_path: Path) -> None:
    first, second = candidates(study.trials())[:2]
    export(study.view(), first, tmp_path / "a")
    export(study.view(), second, tmp_path / "b")
    (tmp_path / "a" / "toy.json").write_text((tmp_path / "b" / "toy.json").read_text())
    with pytest.raises(DataError, match="differ from the trial's"):
        verify(tmp_path / "a")


@pytest.mark.parametrize(("gpus", "fits"), [(0.0, False), (0.5, True)])
def test_what_a_gpu_generated_is_held_to_its_own_precision(
    study: StoredStudy, tmp_path: Path, gpus: float, fits: bool
) -> None:
    """In TensorFloat-32; a network of other weights is still noticed."""
    best, other = candidates(study.trials())[:2]
    folder = Path(str(study.document["folder"])) / "trials"
    trial = folder / f"{best.number:04d}"
    with np.load(trial / CHECK, allow_pickle=False) as check:
        stored = dict(check)
    np.savez(trial / CHECK, **stored | {"cells": stored["cells"] * np.float32(1.005)})
    told = json.loads((trial / "trial.json").read_text())
    told["resources"]["gpus"] = gpus
    (trial / "trial.json").write_text(json.dumps(told))
    with nullcontext() if fits else pytest.raises(DataError, match="differ from the trial's"):
        export(study.view(), best, tmp_path / "production")
    shutil.copy(folder / f"{other.number:04d}" / "toy.json", trial)
    with pytest.raises(DataError, match="differ from the trial's"):
        export(study.view(), best, tmp_path / "wrong")


def test_a_full_disk_leaves_the_folder_as_it_was(study: StoredStudy, tmp_path: Path) -> None:
    best, out = choose(study.view(), study.trials(), None), tmp_path / "production"
    for _ in range(2):  # a new one, and one of the same trial
        before = sorted((f.name, f.read_bytes()) for f in out.iterdir()) if out.exists() else []
        with full_disk(), pytest.raises(ConfigError, match=f"{out}: cannot be written"):
            export(study.view(), best, out)
        after = sorted((f.name, f.read_bytes()) for f in out.iterdir()) if out.exists() else []
        assert after == before
        (out / ".part-killed").mkdir(parents=True)
        export(study.view(), best, out)
        (out / ".part-killed").rmdir()


def test_a_given_trial_and_one_that_cannot_be_had(study: StoredStudy) -> None:
    view, trials = study.view(), study.trials()
    last = candidates(trials)[-1].number
    assert choose(view, trials, last).number == last
    with pytest.raises(NoCompleteTrialError, match="trial 99"):
        choose(view, trials, 99)
    with pytest.raises(NoCompleteTrialError, match="no complete trial"):
        choose(view, [], None)


def test_a_study_of_plain_optuna_has_nothing_to_export() -> None:
    view = StudyView("theirs", {}, {"complete": 2}, None, None)
    with pytest.raises(ConfigError, match="'theirs' was not made by metaopt"):
        choose(view, [TrialView(0, "complete", "", {}, score=1.0)], None)


def test_the_best_of_those_that_are_fast_enough() -> None:
    view = StudyView("s", {"folder": "s"}, {}, None, None)
    times = (8.0, 0.81234, 2.0, None)
    trials = [
        TrialView(
            i,
            "complete",
            "",
            {},
            i,
            score=1.0 + i / 10,
            metrics={"ms_per_shower": ms} if ms else {},
        )
        for i, ms in enumerate(times)
    ]
    assert choose(view, trials, None).number == 0
    assert choose(view, trials, None, 8.0).number == 0
    assert choose(view, trials, None, 7.9).number == 1
    with pytest.raises(NoCompleteTrialError, match="fastest, trial 1 with S") as none:
        choose(view, trials, None, 0.5)
    least = float(str(none.value).split("--max-ms-per-shower ")[1].split()[0])
    assert choose(view, trials, None, least).number == 1
    stopped = TrialView(4, "pruned", "", {}, 4, score=0.5, metrics={"ms_per_shower": 0.1})
    assert choose(view, [*trials, stopped], None, 1.0).number == 1
    with pytest.raises(NoCompleteTrialError, match="trial 4 of study 's' is not complete"):
        choose(view, [*trials, stopped], 4)
    with pytest.raises(NoCompleteTrialError, match=r"fastest, trial 1 with S 1.100, takes 0.8123"):
        choose(view, [*trials, stopped], None, 0.5)
    with pytest.raises(NoCompleteTrialError, match="was timed"):
        choose(view, trials[3:], None, 1.0)
    with pytest.raises(ConfigError, match="give one of them"):
        choose(view, trials, 2, 1.0)
    with pytest.raises(ConfigError, match="must hold, got nan"):
        choose(view, trials, None, math.nan)


def test_a_speed_does_not_bring_the_published_configuration_forward() -> None:
    """It is trained again whatever its S; a diverged training counts with a speed or without."""
    view = StudyView("s", {"folder": "s"}, {}, None, None)

    def trained(number: int, proposal: int, seed: int, score: float | None, ms: float) -> TrialView:
        state, outcome = ("fail", "failed") if score is None else ("complete", "")
        metrics = {} if score is None else {"ms_per_shower": ms}
        return TrialView(number, state, outcome, {}, proposal, seed, score=score, metrics=metrics)

    published = [trained(0, 0, 0, 2.3, 1.0), trained(4, 0, 1, 2.3, 1.0)]
    slow = [trained(1, 1, 0, 1.5, 9.0), trained(5, 1, 1, 1.5, 9.0)]
    searched = [trained(2, 2, 0, 2.1, 1.0), trained(3, 3, 0, 2.2, 1.1)]
    assert choose(view, published + slow + searched, None).number == 1
    assert choose(view, published + slow + searched, None, 2.0).number == 2
    lucky = [trained(6, 4, seed, score, 1.0) for seed, score in enumerate((1.4, None, None))]
    assert choose(view, published + slow + searched + lucky, None, 2.0).number == 2
    assert choose(view, published + searched[:1], None, 2.0).number == 0  # it is the best of all


def test_a_family_that_is_not_found_here_is_no_damage(study: StoredStudy, tmp_path: Path) -> None:
    view, trials = study.view(), study.trials()
    space = {**view.document["space"], "family": "no_such_lab.flow:Flow"}
    elsewhere = dataclasses.replace(view, document={**view.document, "space": space})
    with pytest.raises(ConfigError, match=r"'no_such_lab\.flow' cannot be imported.*is installed$"):
        export(elsewhere, choose(elsewhere, trials, None), tmp_path / "production")


def test_a_folder_with_other_things_is_left_alone(study: StoredStudy, tmp_path: Path) -> None:
    best = choose(study.view(), study.trials(), None)
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(ConfigError, match="holds other files"):
        export(study.view(), best, tmp_path)
    export(study.view(), best, tmp_path / "new")
    (tmp_path / "new" / "toy.json").write_text("{}")
    export(study.view(), best, tmp_path / "new")  # an older export is replaced
    assert verify(tmp_path / "new") == 0
    other = candidates(study.trials())[1]
    with pytest.raises(ConfigError, match=f"holds trial {best.number} of study 'toy'; give"):
        export(study.view(), other, tmp_path / "new")
    assert verify(tmp_path / "new") == 0


def test_the_study_of_that_name_in_another_store_is_another_one(
    study: StoredStudy, toy_config: Callable[..., StudyConfig], tmp_path: Path
) -> None:
    elsewhere = {
        "study__storage": f"sqlite:///{tmp_path}/other.db",
        "study__results": str(tmp_path / "others"),
    }
    other = done(toy_config(**elsewhere, search__trials=1, study__seed=7))
    first, second = (next(t for t in s.trials() if t.number == 0) for s in (study, other))
    export(study.view(), first, tmp_path / "new")
    weights = (tmp_path / "new" / "toy.json").read_text()
    with pytest.raises(ConfigError, match="holds trial 0 of study 'toy' in another store; give"):
        export(other.view(), second, tmp_path / "new")
    assert (tmp_path / "new" / "toy.json").read_text() == weights


def test_a_trained_model_is_left_alone(study: StoredStudy, tmp_path: Path) -> None:
    """The result of a training has the provenance of its export, and is worth days of work."""
    best = choose(study.view(), study.trials(), None)
    export(study.view(), best, tmp_path / "new")
    sample = resources.files("metaopt") / "sample" / "clic-12x12x12.h5"
    out = tmp_path / "trained"
    order = ["train", str(tmp_path / "new"), "--data", str(sample), "--epochs", "1", "-o", str(out)]
    assert CliRunner().invoke(cli, [*order, "--no-tensorboard"]).exit_code == 0
    weights = (out / "toy.json").read_text()
    for _ in range(2):
        with pytest.raises(ConfigError, match="trained holds a training; give an empty or new"):
            export(study.view(), best, out)
        assert (out / "toy.json").read_text() == weights
        shutil.rmtree(out / "checkpoints", ignore_errors=True)


def test_a_study_that_went_on_elsewhere_gives_the_trials_of_all_its_folders(
    toy_config: Callable[..., StudyConfig], tmp_path: Path, references: Path
) -> None:
    study = done(toy_config(search__trials=2))
    (tmp_path / "results").rename(tmp_path / "moved")
    (tmp_path / "second").mkdir()
    (tmp_path / "second" / "references").symlink_to(references)
    for folder, trials in ("moved", 2), ("second", 4):
        config = toy_config(search__trials=trials)
        results = dataclasses.replace(config.study, results=str(tmp_path / folder))
        plan = prepare(dataclasses.replace(config, study=results))
        Controller(plan, study, InlineExecutor(), Quiet()).run()
    for trial in candidates(study.trials()):
        export(study.view(), trial, tmp_path / f"production-{trial.number}")
    pictures = picture_folders(StudyStore(config.study.storage))
    assert pictures[:2] == [tmp_path / name / "artifacts" for name in ("second", "moved")]
