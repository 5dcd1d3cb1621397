"""``metaopt train``: whole results, exact resumption, and refusals that cost nothing."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import h5py
import pytest
import tomli_w
from click.testing import CliRunner, Result

import metaopt
from metaopt.cli.main import cli
from metaopt.errors import INTERRUPTED, MetaoptError, exit_code
from metaopt.export import load_production, verify
from metaopt.training import Order, alone, prepare, train
from objectives.reference import Reference
from search_spaces.loader import load_geometry
from search_spaces.records import encode
from workers import data
from workers.models.toy import Toy
from workers.production.record import EpochRecord
from workers.trial import Resources

from ...full_disk import full_disk

GEOMETRY = load_geometry("clic-12x12x12")
POINT = {"rate": 0.6}


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """An export of an untrained toy model, with 600 showers to train it on."""
    folder = tmp_path / "production"
    folder.mkdir()
    Toy().build("default", POINT, GEOMETRY, 1, Resources()).save(folder)
    tables = {
        "model": {"family": "toy", "preset": "default", "parameters": POINT},
        "geometry": encode(GEOMETRY),
        "data": {"split": [0.6, 0.2, 0.2], "by": "event"},
        "budget": {},
        "score": {"S": 2.5},
        "provenance": {"training_seed": 4158717079, "epochs": 2},
    }
    (folder / "production.toml").write_text(tomli_w.dumps(tables))
    (folder / "showers").mkdir()
    sample = Path(metaopt.__file__).parent / "sample" / "clic-12x12x12.h5"
    with h5py.File(sample) as source, h5py.File(folder / "showers" / "few.h5", "w") as file:
        for key in source:
            file[key] = source[key][:600]
    return folder


USUAL = ("--no-tensorboard", "--evaluation-showers", "100")


def call(export: Path, *arguments: str) -> Result:
    data = () if "--data" in arguments else ("--data", f"{export}/showers/*.h5")
    return CliRunner().invoke(cli, ["train", str(export), *USUAL, *data, *arguments])


def weights(folder: Path) -> str:
    return (folder / "toy.json").read_text()


def files(out: Path) -> dict[str, bytes]:
    """Of a training's result, without its record."""
    return {f.name: f.read_bytes() for f in out.glob("*.*") if f.name != "training.jsonl"}


def record(folder: Path) -> list[dict[str, float]]:
    lines = (folder / "training.jsonl").read_text().splitlines()
    epochs = [json.loads(line) for line in lines]
    return [{k: v for k, v in e.items() if "seconds" not in k} for e in epochs]


def test_the_result_is_an_export_with_its_figure_on_the_test_split(
    export: Path, tmp_path: Path
) -> None:
    done = call(export, "--epochs", "3")
    assert done.exit_code == 0, done.output
    out = tmp_path / "production-trained"
    assert verify(out) == 0
    production, epochs = load_production(out), record(out)
    assert production.model == load_production(export).model
    assert [e["epoch"] for e in epochs] == [1, 2, 3] and epochs[0]["showers"] == 360
    assert production.score["split"] == "test" and production.score["error"] > 0
    least = min(e["score"] for e in epochs)
    assert production.score["validation_S"] == least < epochs[0]["score"]
    assert f"S = {production.score['S']:.3f}" in done.stdout
    assert "test split" in (out / "validation.html").read_text()[:20_000]
    assert str(tmp_path) not in (out / "production.toml").read_text()


@pytest.mark.parametrize("name", [".", "../production"])
def test_an_export_of_any_name_is_trained_beside_it(
    export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(export)
    done = call(Path(name), "--epochs", "1", *FEW)
    assert done.exit_code == 0, done.output
    assert load_production(tmp_path / "production-trained").score["split"] == "test"


@pytest.fixture
def forgetful(export: Path, tmp_path: Path) -> Path:
    """A training of four epochs of which the last one is not the best."""
    # At this rate every epoch forgets the one before, and some have better showers than others.
    tables = load_production(export)
    changed = encode(tables) | {"model": encode(tables.model) | {"parameters": {"rate": 1.0}}}
    (export / "production.toml").write_text(tomli_w.dumps(changed))
    done = call(export, "--epochs", "4", *FEW)
    assert done.exit_code == 0, done.output
    return tmp_path / "production-trained"


FEW = ("--showers-per-epoch", "60")


def best_of(folder: Path) -> int:
    scores = {int(e["epoch"]): e["score"] for e in record(folder)}
    return min(scores, key=lambda epoch: scores[epoch])


def test_the_best_epoch_is_kept_and_not_the_last(forgetful: Path) -> None:
    best = best_of(forgetful)
    assert best != 4
    assert weights(forgetful) == weights(forgetful / "checkpoints" / f"epoch-{best:04d}")
    assert {p.name for p in (forgetful / "checkpoints").glob("epoch-*")} == {
        "epoch-0004",
        f"epoch-{best:04d}",
    }


@pytest.mark.parametrize("lost", ["folder", "weights"])
def test_without_the_best_epoch_the_last_one_goes_on(
    export: Path, forgetful: Path, lost: str
) -> None:
    best = forgetful / "checkpoints" / f"epoch-{best_of(forgetful):04d}"
    shutil.rmtree(best) if lost == "folder" else (best / "toy.json").unlink()
    done = call(export, "--epochs", "4", *FEW)
    assert done.exit_code == 0, done.output
    assert "goes on after epoch 4" in done.stderr
    assert weights(forgetful) == weights(forgetful / "checkpoints" / "epoch-0004")
    assert load_production(forgetful).provenance["epochs"] == 4
    before = record(forgetful)
    assert call(export, "--epochs", "5", *FEW).exit_code == 0
    assert record(forgetful)[:4] == before


def test_damaged_weights_of_the_last_epoch_cost_epochs_only(export: Path, forgetful: Path) -> None:
    best, last = best_of(forgetful), forgetful / "checkpoints" / "epoch-0004"
    whole = weights(last), record(forgetful)
    os.truncate(last / "toy.json", 10)
    done = call(export, "--epochs", "4", *FEW)
    assert done.exit_code == 0, done.output
    assert f"goes on after epoch {best}" in done.stderr
    assert (weights(last), record(forgetful)) == whole


def test_a_killed_training_goes_on_to_the_same_bits(export: Path, tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    assert call(export, "--epochs", "6", "-o", str(whole)).exit_code == 0
    command = [sys.executable, "-m", "metaopt", "train", str(export), *USUAL, "-o", str(cut)]
    command += ["--data", f"{export}/showers/few.h5"]
    started = subprocess.Popen([*command, "--epochs", "100000"], stderr=subprocess.DEVNULL)
    # A quick machine has removed an early checkpoint before it is seen.
    log = cut / "training.jsonl"
    while not log.exists() or len(log.read_text().splitlines()) < 3:
        time.sleep(0.02)
        assert started.poll() is None
    started.send_signal(signal.SIGKILL)
    started.wait()
    # Half a checkpoint and half a line, as a kill may leave them.
    (cut / "checkpoints" / ".part").mkdir(exist_ok=True)
    with (cut / "training.jsonl").open("a") as file:
        file.write('{"epoch": ')
    had = len(list(cut.glob("checkpoints/epoch-*")))
    assert had and not (cut / "production.toml").exists()
    with subprocess.Popen([*command, "--epochs", "6"], stderr=subprocess.PIPE, text=True) as asked:
        assert asked.stderr is not None
        while "goes on after epoch" not in asked.stderr.readline():
            assert asked.poll() is None
        asked.send_signal(signal.SIGINT)
        assert "the same command goes on in" in asked.stderr.read()
    assert asked.returncode == INTERRUPTED
    done = call(export, "--epochs", "6", "-o", str(cut))
    assert done.exit_code == 0, done.output
    assert weights(cut) == weights(whole) and record(cut) == record(whole)


def test_a_full_disk_leaves_the_result_of_fewer_epochs(export: Path, tmp_path: Path) -> None:
    out = tmp_path / "trained"
    before: dict[str, bytes] = {}
    for epochs in ("1", "3"):
        with full_disk(500_000):  # room for all but the page
            failed = call(export, "--epochs", epochs, "-o", str(out))
        assert f"File too large: '{out}'" in str(failed.exception)
        assert files(out) == before
        assert call(export, "--epochs", epochs, "-o", str(out)).exit_code == 0
        assert files(out).keys() > {"production.toml", "toy.json", "validation.html"}
        assert before.get("toy.json") != files(out)["toy.json"]
        before = files(out)


def test_more_epochs_go_on_and_damage_costs_epochs_only(export: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for epochs in ("2", "4"):
        assert call(export, "--epochs", epochs, "-o", str(out)).exit_code == 0
    four = weights(out / "checkpoints" / "epoch-0004"), record(out)
    (out / "checkpoints" / "epoch-0004" / "checkpoint.json").write_text('{"training"')
    assert call(export, "--epochs", "4", "-o", str(out)).exit_code == 0
    assert (weights(out / "checkpoints" / "epoch-0004"), record(out)) == four


def test_the_trials_weights_begin_where_they_ended(export: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    assert call(export, "--epochs", "2", "-o", str(first)).exit_code == 0
    trained = tmp_path / "trained"
    shutil.copytree(first, trained)
    shutil.copytree(export / "showers", trained / "showers")
    shutil.copy(first / "checkpoints" / "epoch-0002" / "toy.json", trained)
    assert load_production(trained).provenance["epochs"] == 2
    assert call(trained, "--epochs", "1", "-o", str(second), "--from-weights").exit_code == 0
    assert call(export, "--epochs", "3", "-o", str(first)).exit_code == 0
    assert record(second)[0]["score"] == record(first)[2]["score"]


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        (("--epochs", "0"), "1 <= --epochs"),
        (("--epochs", "1", "--evaluation-showers", "9000"), "--evaluation-showers <= 120"),
        (("--epochs", "1", "--data", "none/*.h5"), "no file matches"),
        (("--epochs", "1", "-o", "{model}"), "is the export itself"),
        (("--epochs", "1", "-o", "{model}/production.toml"), "is a file"),
        (("--epochs", "1", "-o", "{model}/.."), "holds other files"),
        (("--epochs", "1", "--seed", "-1"), "--seed"),
        (("--epochs", "1", "--seed", "5", "--from-weights"), "leave one of them out"),
    ],
)
def test_bad_orders_are_refused(
    export: Path, tmp_path: Path, arguments: tuple[str, ...], rule: str
) -> None:
    done = call(export, *(a.format(model=export) for a in arguments))
    assert isinstance(done.exception, MetaoptError), done.output
    assert exit_code(done.exception) == 2 and rule in str(done.exception)
    assert [p.name for p in tmp_path.iterdir()] == ["production"]


@pytest.mark.parametrize(
    ("table", "key", "value", "rule"),
    [
        ("data", "split", [0.5, 0.5], "data.split must have 3 entries"),
        ("data", "by", "shower", "data.by must be one of"),
        ("provenance", "training_seed", "seven", "provenance.training_seed must be a whole number"),
    ],
)
def test_an_export_that_was_edited_is_refused(
    export: Path, tmp_path: Path, table: str, key: str, value: object, rule: str
) -> None:
    tables = encode(load_production(export))
    tables[table][key] = value
    (export / "production.toml").write_text(tomli_w.dumps(tables))
    done = call(export, "--epochs", "1")
    assert isinstance(done.exception, MetaoptError) and rule in str(done.exception)
    assert [p.name for p in tmp_path.iterdir()] == ["production"]


def test_another_training_is_not_mixed_in(export: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert call(export, "--epochs", "2", "-o", str(out)).exit_code == 0
    for arguments, rule in (
        (("--epochs", "2", "--seed", "8"), "another seed"),
        (("--epochs", "2", "--showers-per-epoch", "500"), "another showers per epoch"),
        (("--epochs", "1"), "as many or more"),
    ):
        done = call(export, *arguments, "-o", str(out))
        assert isinstance(done.exception, MetaoptError) and rule in str(done.exception)
    with alone(out):
        done = call(export, "--epochs", "2", "-o", str(out))
    assert isinstance(done.exception, MetaoptError) and "at work" in str(done.exception)
    assert verify(out) == 0


class Told:
    """Implements :class:`metaopt.training.Monitor`."""

    def __init__(self) -> None:
        self.epochs: list[int] = []

    def progressed(self, record: EpochRecord) -> None:
        self.epochs.append(record.epoch)

    def restarted(self, reason: str, workers: int) -> None:
        pass


def test_epochs_that_came_while_the_showers_were_read_are_not_trained_again(
    export: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    order = Order(export, (f"{export}/showers/*.h5",), 3, out, evaluation_showers=100)
    order = replace(order, tensorboard=False)
    waiting = prepare(order)
    first, second = Told(), Told()
    with alone(out):
        assert not train(prepare(order), first, lambda: len(first.epochs) == 2)
    with alone(out):
        assert train(waiting, second, lambda: False)
    assert (first.epochs, second.epochs) == ([1, 2], [3])
    assert [e["epoch"] for e in record(out)] == [1, 2, 3]


def test_the_reference_is_that_of_the_split(export: Path, tmp_path: Path) -> None:
    """A training that was killed in its first epoch leaves a reference, and no checkpoint."""
    out = tmp_path / "out"
    order = Order(export, (f"{export}/showers/*.h5",), 1, out, evaluation_showers=100)
    prepare(order)
    tables = encode(load_production(export))
    tables["data"]["split"] = [0.3, 0.5, 0.2]
    (export / "production.toml").write_text(tomli_w.dumps(tables))
    spec = prepare(order).spec
    sizes = data.part_sizes(spec.data, spec.geometry)
    assert len(Reference.load(Path(spec.reference))) == sizes["validation"] == 300


def test_a_file_system_without_locks_is_no_other_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object) -> None:
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with alone(tmp_path / "out"):
        assert (tmp_path / "out" / "checkpoints").is_dir()
