"""Scores of fixed samples: scores of one format compare, so what is computed may not drift.

Where a change is meant, raise ``FORMAT`` in ``objectives/reference.py`` (references of older
ones are then built again), and record with ``python tests/golden/test_scores.py``.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import metaopt
from objectives.objective import evaluate
from objectives.reference import FORMAT, Reference
from objectives.showers import Conditions, Showers
from search_spaces.loader import load_geometry

FILE = Path(__file__).with_name("scores.json")
SAMPLE = Path(metaopt.__file__).parent / "sample" / "clic-12x12x12.h5"


def scores() -> dict[str, Any]:
    """S of Geant4 showers, of scaled and of repeated ones, for two kinds of calorimeter.

    The second has angles and particle types, which are made up: its numbers mean nothing,
    but all that depends on them is computed.
    """
    with h5py.File(SAMPLE) as file:
        cells, energy = file["ECAL"][:1000], file["energy"][:1000].ravel()
    plain = load_geometry("clic-12x12x12")
    many = replace(plain, theta=(60.0, 120.0), particles=("e-", "gamma"))
    number = np.arange(1000)
    theta = np.radians(90 + 29 * np.sin(number))
    of = {
        "plain": (plain, Conditions.of(energy)),
        "angles and types": (many, Conditions.of(energy, theta, number // 7 % 2)),
    }
    found: dict[str, Any] = {"format": FORMAT}
    for name, (geometry, conditions) in of.items():
        real = Showers(cells, conditions)
        reference = Reference.build(real[:650], real[650:850], geometry)
        new = real[850:]
        found[name] = {
            "as they are": asdict(evaluate(new, reference)),
            "scaled": asdict(
                evaluate(Showers(new.cells * np.float32(1.03), new.conditions), reference)
            ),
            "repeated": asdict(evaluate(new[number[:150] // 3 * 3], reference, asked=160)),
            "few": asdict(evaluate(new[:3], reference)),
            "kept": len(reference.names),
            "tau": reference.floors.tau.tolist(),
        }
    return rounded(found)


def rounded(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {k: rounded(v) for k, v in tree.items()}
    if isinstance(tree, list):
        return [rounded(v) for v in tree]
    return round(tree, 5)


def test_scores_are_as_recorded() -> None:
    recorded, got = json.loads(FILE.read_text()), scores()
    assert flat(got) == pytest.approx(flat(recorded), abs=2e-3), __doc__


def flat(tree: dict[str, Any] | list[float], name: str = "") -> dict[str, float]:
    """The numbers of a tree by their path."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree)
    found: dict[str, float] = {}
    for key, value in items:
        path = f"{name}/{key}"
        found |= flat(value, path) if isinstance(value, (dict, list)) else {path: float(value)}
    return found


if __name__ == "__main__":
    FILE.write_text(json.dumps(scores(), indent=1) + "\n")
