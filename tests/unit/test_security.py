"""What the sources must not do: load what may run code, or listen to other machines unasked."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted(
    path
    for package in ("metaopt", "workers", "objectives", "search_spaces")
    for path in (ROOT / package).rglob("*.py")
)
#: Modules whose files run code when they are read.
PICKLING = {"pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
#: Functions by which text or a saved network becomes code.
RUNNING = {"eval", "exec", "compile", "load_model", "deserialize_keras_object", "model_from_json"}


def problems(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = {alias.name.partition(".")[0] for alias in node.names}
            yield from sorted(names & PICKLING)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in PICKLING:
            yield str(node.module)
        elif isinstance(node, ast.Call):
            yield from problems_of_call(node)


def problems_of_call(call: ast.Call) -> Iterator[str]:
    name = ast.unparse(call.func)
    keywords = {k.arg: ast.unparse(k.value) for k in call.keywords}
    of_keras = name.startswith(("keras.", "tf.keras.")) and keywords.get("safe_mode") != "True"
    if of_keras or name in ("eval", "exec", "compile"):
        yield from {name.rpartition(".")[2]} & RUNNING
    if name == "np.load" and keywords.get("allow_pickle") != "False":
        yield f"np.load without allow_pickle=False in line {call.lineno}"
    if "shell" in keywords:
        yield f"{name} with a shell in line {call.lineno}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_source_loads_nothing_that_runs_code(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not list(problems(ast.parse(text)))
    assert "0.0.0.0" not in text  # every port is on 127.0.0.1 unless the user says otherwise


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("import pickle", 1),
        ("from joblib import load", 1),
        ("eval('1')", 1),
        ("keras.models.load_model('m.keras')", 1),
        ("keras.models.load_model('m.keras', safe_mode=False)", 1),
        ("keras.models.load_model('m.keras', safe_mode=True)", 0),
        ("np.load('a.npy')", 1),
        ("np.load('a.npy', allow_pickle=True)", 1),
        ("run('ls', shell=True)", 1),
        ("np.load('a.npy', allow_pickle=False); re.compile('a')", 0),
    ],
)
def test_the_rules_find_what_they_are_for(source: str, count: int) -> None:
    assert len(list(problems(ast.parse(source)))) == count
