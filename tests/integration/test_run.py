"""The product as a user types it: real Ray, real SQLite, real Geant4 showers, real signals."""

from __future__ import annotations

import json
import re
import signal
import urllib.request
from pathlib import Path

import optuna
import pytest

from ..optuna_store import opened
from ..processes import MARK, left_behind
from ..running import metaopt, started, wait_for

TOY = ("--space", "toy", "--study", "toy", "--epochs", "3", "--showers", "100")


def proposals(folder: Path, study: str) -> list[tuple[int, str]]:
    trials = json.loads(metaopt(folder, "show", study, "--json").stdout)["trials"]
    done = [t for t in trials if t["state"] in ("complete", "pruned") or t["outcome"] == "failed"]
    return sorted((t["proposal"], json.dumps(t["point"], sort_keys=True)) for t in done)


def test_a_study_on_ray_from_run_to_export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MARK, str(tmp_path))
    done = metaopt(tmp_path, "run", *TOY, "--strategy", "genetic", "--trials", "8")
    assert not left_behind(str(tmp_path))
    assert "2 workers" in done.stderr or "1 worker" in done.stderr
    assert re.search(r"S \(lower is better\)", done.stdout) and "metaopt export toy" in done.stderr
    assert "Traceback" not in done.stderr

    url = f"sqlite:///{tmp_path}/results/metaopt.db"
    with opened(url) as storage:
        study = optuna.load_study(study_name="toy", storage=storage)
        first, best = study.trials[0], study.best_trial
        # Beside those that were stopped, and went on under a new number.
        assert sum("retry_of" not in t.user_attrs for t in study.trials) == 8
    assert first.value is not None and best.value is not None and best.value < first.value
    assert best.intermediate_values and {"L_energy", "epochs", "proposal"} <= set(best.user_attrs)

    shown = metaopt(tmp_path, "show", "toy").stdout
    assert "published" in shown and "best found" in shown
    (listed,) = json.loads(metaopt(tmp_path, "studies", "--json").stdout)
    assert listed["name"] == "toy" and listed["best"]["score"] == best.value

    (listed,) = json.loads(metaopt(tmp_path, "export", "--list", "--json").stdout)
    assert listed["best"]["number"] == best.number
    metaopt(tmp_path, "export", "toy", code=2)
    metaopt(tmp_path, "export", "toy", "-o", "production")
    text = (tmp_path / "production" / "production.toml").read_text()
    assert "[model.parameters]" in text and "digest" in text and "trial" in text

    spec = tmp_path / "results" / "toy" / "trials" / f"{best.number:04d}" / "trial.json"
    alone = metaopt(tmp_path, "trial", str(spec)).stdout.splitlines()
    assert json.loads(alone[-1])["score"] == best.value


NINE = (
    "run", *TOY, "--workers", "1", "--strategy", "genetic", "--trials", "9", "--pruning", "none",
)  # fmt: skip


def test_an_interrupted_study_is_resumed_without_losing_or_repeating(tmp_path: Path) -> None:
    inline = ("--executor", "inline")
    for sign, trial, where in (signal.SIGINT, 2, ()), (signal.SIGTERM, 4, inline):
        with started(tmp_path, *NINE, *where) as (process, stderr):
            wait_for(stderr, f"trial {trial} started")
            process.send_signal(sign)
            assert "interrupted; the same command goes on" in stderr.read()
            assert process.wait(240) == 130
    with started(tmp_path, *NINE) as (process, stderr):
        wait_for(stderr, "trial 6 started")
        process.kill()
    done = metaopt(tmp_path, *NINE, *inline)
    assert "resumed with" in done.stderr
    (tmp_path / "whole").mkdir()
    metaopt(tmp_path / "whole", *NINE, *inline)
    assert proposals(tmp_path, "toy") == proposals(tmp_path / "whole", "toy")


def test_nobody_needs_to_read_what_a_study_says(tmp_path: Path) -> None:
    """``metaopt run ... | tee log``: Ctrl-C ends tee at once."""
    with started(tmp_path, "run", *TOY, "--executor", "inline", "--trials", "400") as (run, stderr):
        wait_for(stderr, "trial 1 started")
        stderr.close()
        run.send_signal(signal.SIGINT)
        assert run.wait(240) == 130
    assert "has ended: interrupted" in metaopt(tmp_path, "watch", "toy", "--once").stdout


def test_a_full_disk_is_charged_to_no_configuration(tmp_path: Path) -> None:
    folder = tmp_path / "results" / "toy" / "trials" / "0000"
    folder.mkdir(parents=True)
    (folder / "trial.json").symlink_to("/dev/full")
    command = ("run", *TOY, "--workers", "1", "--trials", "2")
    ended = metaopt(tmp_path, *command, code=2).stderr.splitlines()
    assert re.search("No space left on device; free some space.*the same command", ended[-1])
    (folder / "trial.json").unlink()
    metaopt(tmp_path, *command, "--executor", "inline")
    trials = json.loads(metaopt(tmp_path, "show", "toy", "--json").stdout)["trials"]
    assert [t["outcome"] for t in trials if t["proposal"] == 0][:2] == ["interrupted", ""]
    assert {t["attempt"] for t in trials} == {1}


def test_the_dashboard_serves_the_study_until_it_is_told_to_end(tmp_path: Path) -> None:
    metaopt(tmp_path, "run", *TOY, "--strategy", "random", "--trials", "3", "--executor", "inline")
    for sign in signal.SIGINT, signal.SIGTERM:
        with started(tmp_path, "dashboard", "--port", "0") as (process, stderr):
            said = wait_for(stderr, r"http://127\.0\.0\.1:\d+")
            address = re.search(r"http://127\.0\.0\.1:\d+", said)
            assert address is not None
            with urllib.request.urlopen(f"{address[0]}/api/studies", timeout=30) as answer:
                studies = json.load(answer)
            assert [s["study_name"] for s in studies["study_summaries"]] == ["toy"]
            process.send_signal(sign)
            assert process.wait(240) == 0
