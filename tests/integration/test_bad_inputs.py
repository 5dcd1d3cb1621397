"""Bad input as users make it: one line that names what, the value and the remedy, and an exit code.

Nothing is lost or left: the working directory and the study store are as they were.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import shlex
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest

from metaopt.cli.main import main

#: What commands say on their way.
PROGRESS = re.compile(r"\d+:\d\d  .* \.\.\.|\d+ of \d+ showers")
STUDY = (
    "run --study toy --space toy --strategy random --pruning none --executor inline "
    "--trials 4 --epochs 1 --showers 100 --evaluation-showers 50"
)
#: Every configuration of this space diverges.
HOPELESS = """
family = "toy"
preset = "default"
[parameters.rate]
type = "float"
low = 2.0
high = 3.0
"""
STUDY_TOML = '[data]\nfiles = ["sample"]\ngeometry = "clic-12x12x12"\n'
CELLS = "[cells]\nshape = [12, 12, 12]\npitch = [10, 10, 10]\n"
GEOMETRY = f"energy = [10, 200]\n{CELLS}"
RATE = 'family = "toy"\npreset = "default"\n[parameters.rate]\ntype = "float"\n'

TEXTS = {
    "empty.toml": "",
    "syntax.toml": f"{STUDY_TOML}[search]\ntrials = = 5\n",
    "twice.toml": f"{STUDY_TOML}[search]\ntrials = 5\ntrials = 6\n",
    "deep.toml": f"x = {'[' * 5000}{']' * 5000}\n",
    "dotted.toml": f"{'a.' * 200_000}a = 1\n",
    "section.toml": f"{STUDY_TOML}[serach]\n",
    "key.toml": f"{STUDY_TOML}[search]\ntrails = 5\n",
    "type.toml": f'{STUDY_TOML}[search]\ntrials = "many"\n',
    "table.toml": f"search = 5\n{STUDY_TOML}",
    "nan.toml": f"{STUDY_TOML}split = [nan, 0.2, 0.2]\n",
    "inf.toml": f"{STUDY_TOML}[workers]\ngpus = inf\n",
    "long.toml": f"{STUDY_TOML}[study]\nseed = 1{'0' * 50}\n",
    "longer.toml": f"{STUDY_TOML}[study]\nseed = 1{'0' * 5000}\n",
    "split.toml": f"{STUDY_TOML}split = [0.7, 0.2, 0.2]\n",
    "option.toml": f"{STUDY_TOML}[search.options]\npopulaton = 12\n",
    "control.toml": f'{STUDY_TOML}["a\\nb\\u001b[31m"]\n',
    "few.toml": '[data]\nfiles = ["few.h5"]\ngeometry = "clic-12x12x12"\n',
    # Search spaces.
    "hopeless.toml": HOPELESS,
    "inverted.toml": f"{RATE}low = 3.0\nhigh = 1.0\n",
    "unbounded.toml": f"{RATE}low = 0.0\nhigh = inf\n",
    "choices.toml": f"{RATE}choices = [1, 2]\n",
    "unknown.toml": RATE.replace("rate", "raet") + "low = 0.1\nhigh = 1.0\n",
    "when.toml": f'{RATE}low = 0.1\nhigh = 1.0\nwhen = "sharpness > 2"\n',
    "words.toml": (
        'family = "toy"\npreset = "default"\n[parameters.cells]\ntype = "categorical"\n'
        'choices = ["gamma", "smooth"]\n'
        '[parameters.rate]\ntype = "float"\nlow = 0.1\nhigh = 1.0\nwhen = "cells >= 2"\n'
    ),
    "preset.toml": f"{RATE}low = 0.1\nhigh = 1.0\n".replace('"default"', '"published"'),
    "family.toml": f"{RATE}low = 0.1\nhigh = 1.0\n".replace('"toy"', '"gan4d"'),
    "kind.toml": f"{RATE}low = 0.1\nhigh = 1.0\n".replace('"toy"', '"json:loads"'),
    # Kernels of one cell cannot bring an up-sampling of 2 x 3 to 21 layers.
    "never.toml": 'family = "gan3d"\npreset = "fixed-angle"\n'
    + "".join(f'[parameters.g{i}_kernel]\ntype = "int"\nlow = 1\nhigh = 1\n' for i in (1, 2, 3)),
    # Geometries.
    "odd.toml": GEOMETRY.replace("12, 12]", "12, 21]"),
    "angle.toml": f'theta = [60, 120]\n{GEOMETRY}[storage]\ntheta = "theta"\n',
    "flat.toml": GEOMETRY.replace("[10, 10, 10]", "[10, 10, 0]"),
    "energies.toml": GEOMETRY.replace("[10, 200]", "[200, 10]"),
    "layers.toml": (
        "energy = [10, 200]\n[cells]\nkind = 'cylinder'\nradii = [0, 5]\nalpha = 1\n"
        "depth = 1.0\ncount = 1000000000\n"
    ),
    # Trials and tables of trials.
    "text.json": "{'single': 'quotes'}",
    "deep.json": "[" * 100_000,
    "list.json": "[1, 2]",
    "key.json": '{"studdy": "toy"}',
    "table.jsonl": '{"format": "metaopt trials 9"\n',
    # Neither HDF5 nor a database, but long enough to look like one.
    "text": "years of work " * 100,
}
BYTES = {
    "binary.toml": b"\x89HDF\r\n\x1a\n\x00",
    "latin.toml": STUDY_TOML.encode() + "# Teilchen aus der Höhe\n".encode("latin-1"),
    "damaged.jsonl.gz": gzip.compress(b"{}" * 500)[:-15] + b"\xff" * 9,
}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working directory: input that is wrong in one way each, and a store of two studies."""
    folder = tmp_path_factory.mktemp("desk")
    for name, text in TEXTS.items():
        (folder / name).write_text(text)
    for name, content in BYTES.items():
        (folder / name).write_bytes(content)
    with (folder / "large.toml").open("wb") as file:
        file.truncate(100_000_000)
    write_showers(folder)
    connection = sqlite3.connect(folder / "foreign.db")
    connection.execute("CREATE TABLE places (url)")
    connection.close()
    make_studies(folder)
    return folder


def write_showers(folder: Path) -> None:
    rng = np.random.default_rng(0)
    cells = rng.gamma(0.1, 0.01, (120, 12, 12, 12)).astype(np.float32)
    energy = rng.uniform(10, 200, 120).astype(np.float32)
    nan, negative = cells.copy(), cells.copy()
    nan[7, 0, 0, 0], negative[7, 0, 0, 0] = np.nan, -0.5
    for name, sets in {
        "few": {"ECAL": cells, "energy": energy},
        "keys": {"showers": cells, "energy": energy},
        "shape": {"ECAL": cells[:, :11], "energy": energy},
        "nan": {"ECAL": nan, "energy": energy},
        "negative": {"ECAL": negative, "energy": energy},
        "none": {"ECAL": cells[:0], "energy": energy[:0]},
        "mev": {"ECAL": cells, "energy": 1000 * energy},
        "words": {"ECAL": cells, "energy": ["ten"] * 120},
        "short": {"ECAL": cells, "energy": energy[:100]},
    }.items():
        with h5py.File(folder / f"{name}.h5", "w") as file:
            for key, value in sets.items():
                file[key] = value
    whole = (folder / "few.h5").read_bytes()
    (folder / "cut.h5").write_bytes(whole[: len(whole) // 2])


def make_studies(folder: Path) -> None:
    """The study ``toy``, some of whose trials are damaged, and one without a complete trial."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert typed(patch, STUDY) == 0
        assert typed(patch, f"{STUDY} --study hopeless --space hopeless.toml --trials 1") == 3
        assert typed(patch, "export toy --trial 0 -o production") == 0
    for name, text in {"production.toml": "[[[", "toy.json": "{}"}.items():
        damaged = folder / f"damaged-{name}"
        shutil.copytree(folder / "production", damaged)
        (damaged / name).write_text(text)
    trials = folder / "results" / "toy" / "trials"
    assert len(list(trials.iterdir())) == 4, "all trials must be complete: choose another seed"
    os.truncate(trials / "0001" / "check.npz", 700)
    (trials / "0002" / "toy.json").write_text("[" * 100_000)
    shutil.copy(trials / "0000" / "toy.json", trials / "0003" / "toy.json")


def typed(patch: pytest.MonkeyPatch, line: str) -> int | str | None:
    """The exit code of a command as a user types it."""
    patch.setattr(sys, "argv", ["metaopt", *shlex.split(line)])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


def contents(folder: Path) -> dict[str, str]:
    """Every file with what it holds; the side files of a database come and go."""
    paths = [p for p in sorted(folder.rglob("*")) if not p.name.endswith(("-wal", "-shm"))]
    return {str(p.relative_to(folder)): content(p) for p in paths}


def content(path: Path) -> str:
    size = path.stat().st_size
    if path.is_dir() or size > 10_000_000:
        return str(size) if path.is_file() else ""
    if path.suffix == ".db":
        connection = sqlite3.connect(path)
        rows = "\n".join(connection.iterdump())
        connection.close()
        return hashlib.sha256(rows.encode()).hexdigest()
    return hashlib.sha256(path.read_bytes()).hexdigest()


Call = Callable[[str], tuple[int | str | None, str]]


@pytest.fixture
def call(
    desk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Call]:
    """Type a command at the desk: exit code and the one line, after which nothing has changed."""
    monkeypatch.chdir(desk)
    before = contents(desk)

    def type_in(line: str) -> tuple[int | str | None, str]:
        code = typed(monkeypatch, line)
        out, err = capsys.readouterr()
        assert out == ""
        *before, last = err.splitlines()
        assert all(PROGRESS.fullmatch(line) for line in before), err
        return code, last

    yield type_in
    assert contents(desk) == before


DATA = "run --executor inline --space toy --geometry clic-12x12x12 --data"
CASES: list[tuple[str, int, str]] = [
    # The command line.
    ("rnu", 2, "No such command 'rnu'; did you mean 'run'"),
    ("bench strategis", 2, "No such command 'strategis'"),
    ("run --trails 5", 2, "No such option '?--trails"),
    ("run --trials many", 2, "'many' is not a valid integer; see `metaopt run --help`"),
    ("show", 2, "Missing argument 'STUDY'"),
    ("run a.toml b.toml", 2, "unexpected extra argument"),
    # Values.
    ("run --trials 0", 2, "search.trials >= 1 must hold, got 0"),
    ("run --showers 10000000000", 2, "trial.showers <= 1000000000 must hold, got 10000000000"),
    ("run --seed -1", 2, "study.seed >= 0 must hold, got -1"),
    ("run --gpus nan", 2, "a share of one GPU .* got nan"),
    ("run --gpu-memory-mib -1", 2, "workers.gpu_memory_mib >= 0"),
    ("run --time-budget soon", 2, "reads like 90s, 4m, 2h or 1d .* got 'soon'"),
    ("run --study a/b", 2, "a study name has .* got 'a/b'; give another --study"),
    ("run --study ..", 2, r"it names a folder\), got '\.\.'"),
    ("run --evaluation-showers 5000", 2, r"<= 400 \(the validation events\) must hold, got 5000"),
    # Names.
    ("run --strategy genetics", 2, "unknown strategy 'genetics'; did you mean 'genetic'"),
    ("run --strategy nowhere.swarm:Swarm", 2, "'nowhere.swarm' cannot be imported"),
    ("run --strategy json:loads", 2, "must be a class with a method 'propose', got <function"),
    ("run --pruning halfing", 2, "unknown pruning 'halfing'; did you mean 'halving'"),
    ("run --space quik", 2, "'quik' is neither a built-in name .*did you mean 'quick'"),
    ("run --geometry clic-12x12", 2, "'clic-12x12' is neither .*did you mean 'clic-12x12x12'"),
    ("run --executor slurm", 2, "unknown executor 'slurm'; known: inline, ray, or name your own"),
    ("run --executor json:JSONEncoder", 2, "must be a class with a method 'submit'"),
    # study.toml.
    ("run none.toml", 2, "none.toml: cannot be read .No such file or directory.; check the path"),
    ("run empty.toml", 2, r"empty.toml: a study needs a \[data\] table"),
    ("run binary.toml", 2, "must be UTF-8 text, got the byte 0x89 at 0"),
    ("run latin.toml", 2, "must be UTF-8 text, got the byte 0xf6 at .*; save it as UTF-8"),
    ("run syntax.toml", 2, r"not a TOML file: .*line 5, column 10.; mend it there"),
    ("run twice.toml", 2, "this key stands there twice .at line 6"),
    ("run large.toml", 2, "must be at most 4 MB of text, got 100 MB"),
    ("run /dev/zero", 2, "must be at most 4 MB of text"),
    ("run .", 2, "cannot be read .Is a directory"),
    ("run deep.toml", 2, "must nest at most 32 deep, got more; flatten them"),
    ("run dotted.toml", 2, "must nest at most 32 deep"),
    ("run section.toml", 2, "unknown key 'serach'; did you mean 'search'"),
    ("run key.toml", 2, "key.toml.search: unknown key 'trails'; did you mean 'trials'"),
    ("run type.toml", 2, "search.trials must be a whole number, got 'many'"),
    ("run table.toml --trials 3", 2, "search must be a table, got 5"),
    ("run nan.toml", 2, r"data.split\[0\] must be a finite number, got nan"),
    ("run inf.toml", 2, "workers.gpus must be a finite number, got inf"),
    ("run long.toml", 2, "study.seed must fit in 64 bits"),
    ("run longer.toml", 2, "not a TOML file: Exceeds the limit"),
    ("run split.toml", 2, r"add up to 1, got \[0.7, 0.2, 0.2\]"),
    ("run option.toml", 2, "unknown key 'populaton'; did you mean 'population'"),
    ("run control.toml", 2, r"unknown key 'a\\nb\\x1b\[31m'"),
    # Showers.
    (f"{DATA} gone.h5", 2, "data.files: no file matches 'gone.h5'; check the path"),
    (f"{DATA} '~nobody-of-this-name/*.h5'", 2, "no file matches '~nobody"),
    ("run --data few.h5", 2, "data.geometry is required; add it"),
    (f"{DATA} text", 2, "text: not a readable HDF5 file"),
    (f"{DATA} cut.h5", 2, "cut.h5: not a readable HDF5 file .*truncated"),
    (f"{DATA} keys.h5", 2, "needs the data sets ECAL, energy .*got energy, showers; set .storage"),
    (f"{DATA} shape.h5", 2, r"must be \(n, 12, 12, 12\) .* got \(120, 11, 12, 12\)"),
    (f"{DATA} nan.h5", 2, "nan.h5, event 7: every cell must be finite"),
    (f"{DATA} negative.h5", 2, "negative.h5, event 7: every cell must be >= 0 GeV, got -0.5"),
    (f"{DATA} none.h5", 2, "each split needs at least 100 events to score with, got 0 events"),
    (f"{DATA} few.h5", 2, "each split needs at least 100 events .* got 120 .*; give more files"),
    (f"{DATA} mev.h5", 2, r"energy must lie in \[10, 200\] GeV, got \d+ .*; is it in MeV"),
    (f"{DATA} words.h5", 2, "energy must hold numbers"),
    (f"{DATA} short.h5", 2, "one entry per shower, got .100.* for 120 showers; is the file whole"),
    (f"{DATA} few.h5 --geometry angle.toml", 2, "needs the data sets ECAL, energy, theta"),
    (f"{DATA} few.h5 --geometry clic-25x25x25", 2, "needs the data sets|must be .n, 25, 25, 25"),
    # Search spaces and geometries.
    ("run --space inverted.toml", 2, r"parameters.rate: low <= high must hold, got \(low=3.0, hi"),
    ("run --space unbounded.toml", 2, "parameters.rate.high must be a finite number, got inf"),
    ("run --space choices.toml", 2, "'choices' has no meaning for type = 'float'; remove it"),
    ("run --space unknown.toml", 2, "unknown key 'raet'; did you mean 'rate'"),
    ("run --space when.toml", 2, "when.toml: parameters.rate: a condition reads"),
    (
        "run --space words.toml",
        2,
        "'>=' needs a parent of numbers, got when = 'cells >= 2'",
    ),
    ("run --space preset.toml", 2, "has the preset 'default', got 'published'"),
    ("run --space family.toml", 2, "unknown model family 'gan4d'; did you mean 'gan3d'"),
    ("run --space kind.toml", 2, "model family 'json:loads' must be a class with a method 'prob"),
    ("run --space never.toml --geometry odd.toml", 2, "no point of space 'never' can be built"),
    ("run --space toy --geometry flat.toml", 2, r"pitch must be positive .mm., got \[10.0, 10.0,"),
    ("run --geometry energies.toml", 2, r"0 < low < high .GeV., got \[200.0, 10.0\]"),
    ("run --geometry layers.toml", 2, "cells.count <= 1024 must hold, got 1000000000 layers"),
    # Where studies are kept.
    ("run --results text", 2, "need a folder that can be written to, got a file, .*; give another"),
    ("run --results text/below", 2, "need a folder that can be written to, got a file"),
    ("run --storage results.db", 1, "a storage URL reads like sqlite:///results/metaopt.db"),
    ("run --storage sqlite://", 1, "must be a file, got SQLite in memory, which ends with the"),
    ("run --storage sqlite:///:memory:", 1, "must be a file, got SQLite in memory"),
    ("run --storage mydb://host/x", 1, "mydb://host/x cannot be used: Can't load plugin"),
    ("run --storage sqlite:///results", 1, "the study store results is a folder; name a file"),
    ("run --storage sqlite:///text", 1, "not a database; give the file of a study store"),
    (f"{STUDY} --storage sqlite:///text/below.db", 1, "text cannot be made|text/below.db"),
    (f"{STUDY} --seed 2", 2, "'toy' was begun with another seed: .*; restore it, or give another"),
    (f"{STUDY} --space hopeless.toml", 2, "'toy' was begun with another space"),
    (f"{STUDY} --study hopeless --epochs 2 --space hopeless.toml", 2, "begun with another budget"),
    ("studies --storage sqlite:///none.db", 1, "no study store none.db; `metaopt run` makes one"),
    ("show toy --storage sqlite:///none.db", 1, "no study store none.db"),
    ("export --list --storage sqlite:///none.db", 1, "no study store none.db"),
    ("show toyy", 1, "no study 'toyy' in sqlite:///results/metaopt.db; did you mean 'toy'"),
    ("show toy --storage sqlite:///foreign.db", 1, "another program .*'places'"),
    ("show toy --trial 99", 1, "has trials 0 to 3, got --trial 99"),
    # Export.
    ("export toy", 2, "give STUDY and -o DIR, or --list"),
    ("export toyy -o new", 1, "no study 'toyy'"),
    ("export hopeless -o new", 3, "'hopeless' has no complete trial to export; run it on"),
    ("export toy --trial 99 -o new", 3, "trial 99 of study 'toy' is not complete; `metaopt exp"),
    ("export toy --trial 0 -o results", 2, "results holds other files; give an empty or new"),
    ("export toy --trial 0 -o text/new", 2, "text is a file; give an empty or new folder"),
    ("export toy --trial 1 -o new", 2, "trial 1 in .*: must hold a whole model"),
    ("export toy --trial 2 -o new", 2, "trial 2 in .*: must hold a whole model .*recursion"),
    ("export toy --trial 3 -o new", 2, "trial 3 in .* differ from the trial's .*; the files do"),
    # Models.
    ("generate gone --events 9 -o x.h5", 2, "gone/production.toml: cannot be read .No such file"),
    ("generate damaged-production.toml --events 9 -o x.h5", 2, "not a TOML file: .*; mend it"),
    ("generate damaged-toy.json --events 9 -o x.h5", 2, "must hold a saved toy model, got"),
    ("generate production --events 0 -o x.h5", 2, "events >= 1 .* must hold, got 0"),
    ("generate production --events 9 -o x.h5 --energy 500:600", 2, "got 500:600; use --extrapol"),
    ("generate production --events 9 -o none/x.h5", 2, "none/x.h5: must be a new file in a folder"),
    ("simulate clic-12 --engine gflash --events 9 -o x.h5", 2, "did you mean 'clic-12x12x12'"),
    ("simulate flat.toml --engine gflash --events 9 -o x.h5", 2, "pitch must be positive .mm."),
    ("geometry show energies.toml", 2, "0 < low < high .GeV., got .200.0, 10.0."),
    # One trial alone.
    ("trial none.json", 2, "none.json: cannot be read .No such file"),
    ("trial text.json", 2, "text.json: not a JSON file: .*line 1 column 2.*; mend it there"),
    ("trial deep.json", 2, "must nest at most 32 deep"),
    ("trial list.json", 2, r"list.json must be a table, got \[1, 2\]"),
    ("trial key.json", 2, "key.json: unknown key 'studdy'; did you mean 'study'"),
    ("trial large.toml", 2, "must be at most 4 MB"),
    # Two files of showers.
    ("validate gone.h5 few.h5 --geometry clic-12x12x12", 2, "gone.h5: no such file; check the"),
    ("validate few.h5 gone.h5", 2, "gone.h5: no such file; check the path"),
    ("validate few.h5 text --geometry clic-12x12x12", 2, "text: not a readable HDF5 file"),
    ("validate none.h5 few.h5 --geometry clic-12x12x12", 2, "needs at least 1 shower, got 0"),
    ("validate few.h5 few.h5 --geometry clic-25x25x25", 2, "needs the data sets|must be .n, 25"),
    ("validate few.h5 few.h5 --events 0", 2, "0 is not in the range x>=1"),
    ("validate few.h5 few.h5 --seed -1", 2, "-1 is not in the range x>=0"),
    ("validate few.h5 few.h5 -o none/page.html", 2, "none/page.html: needs the name of a file"),
    # Strategies against each other.
    ("bench strategies --problem hartman6", 2, "unknown problem 'hartman6'; did you mean 'hartma"),
    ("bench strategies --problem hartmann6:-1", 2, "noise of a problem is a number from 0, got"),
    ("bench strategies --problem none.jsonl", 2, "none.jsonl: cannot be read"),
    ("bench strategies --problem table.jsonl", 2, "table.jsonl, line 1: not JSON"),
    ("bench strategies --problem damaged.jsonl.gz", 2, "damaged.jsonl.gz: cannot be read"),
    ("bench strategies --strategy random,x=1", 2, "strategy 'random': unknown key 'x'; known: no"),
    ("bench strategies --strategy genetic,x", 2, "name,key=value,...' with TOML values, got 'gen"),
    ("bench strategies --trials 0", 2, "0 is not in the range x>=1"),
    ("bench strategies --markdown none/b.md", 2, "none/b.md: needs the name of a file in a"),
    # The dashboard.
    ("dashboard --port 99999", 2, "99999 is not in the range 0<=x<=65535"),
    ("dashboard --storage sqlite:///none.db", 1, "no study store none.db"),
]


@pytest.mark.parametrize(("line", "code", "rule"), CASES, ids=[line for line, *_ in CASES])
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_bad_input_is_one_line_and_changes_nothing(
    call: Call, line: str, code: int, rule: str
) -> None:
    got, last = call(line)
    assert got == code and last.startswith("metaopt: "), last
    assert re.search(rule, last), last


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_port_that_is_taken(call: Call) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, last = call(f"dashboard --port {port}")
    assert code == 1 and f"port {port} on 127.0.0.1 cannot be used" in last
    assert "give another --port or --host" in last


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::FutureWarning")
@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("--ray-address 127.0.0.1:1", "Ray at 127.0.0.1:1 cannot be reached .*; check the address"),
        ("--ray-address 127.0.0.1:99999", "Ray at 127.0.0.1:99999 cannot be reached"),
        ("--gpus 1", "need 1 CPUs and 1 GPUs each, the Ray cluster has .* 0 GPUs; lower workers"),
    ],
)
def test_workers_that_cannot_be_had(call: Call, line: str, rule: str) -> None:
    code, last = call(f"{STUDY} --executor ray {line}")
    assert code == 1 and re.search(rule, last), last


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_the_right_to_write(desk: Path, call: Call) -> None:
    (desk / "results").chmod(0o500)
    try:
        code, last = call(f"{STUDY} --results results/below")
    finally:
        (desk / "results").chmod(0o700)
    assert code == 2 and "a folder without the right to write" in last


def test_a_trial_whose_showers_are_gone(desk: Path, call: Call) -> None:
    spec = json.loads((desk / "results" / "toy" / "trials" / "0000" / "trial.json").read_text())
    spec["data"]["files"], spec["reference"] = ["/nowhere/gone.h5"], ""
    path = desk.parent / "gone.json"
    path.write_text(json.dumps(spec))
    assert call(f"trial {path}") == (
        2, "metaopt: /nowhere/gone.h5: no such file; check the path"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("line", "code", "rule"),
    [
        ("run --trails 5", 2, "No such option"),
        ("show toyy", 1, "no study 'toyy'"),
        (f"{DATA} nan.h5", 2, "must be finite"),
    ],
)
def test_a_process_says_and_ends_the_same(desk: Path, line: str, code: int, rule: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "metaopt", *shlex.split(line)],
        cwd=desk,
        text=True,
        capture_output=True,
        check=False,
    )
    *before, last = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (code, "")
    assert last.startswith("metaopt: ") and rule in last
    assert all(PROGRESS.fullmatch(line) for line in before), done.stderr


def test_who_has_read_enough_ends_the_command_quietly(desk: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as closed:
        done = subprocess.run(
            [sys.executable, "-m", "metaopt", "studies", "--json"],
            cwd=desk, stdout=closed, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (1, "")
