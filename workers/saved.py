"""A trained model in a folder: its own files, its summary, and showers that it must give again."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from objectives.reference import Reference
from objectives.showers import Conditions
from workers.models.base import GenerativeModel

#: The file of showers by which a loaded model is checked, how many they are, and their draw:
#: another one than those of the scores.
CHECK, CHECK_SHOWERS, CHECK_DRAW = "check.npz", 16, 3


def save(model: GenerativeModel, folder: Path, reference: Reference) -> None:
    """Write a model, and showers of it at conditions of the reference."""
    folder.mkdir(parents=True, exist_ok=True)
    model.save(folder)
    conditions = reference.conditions(CHECK_SHOWERS)
    cells = model.generate(conditions, CHECK_DRAW)
    np.savez_compressed(folder / CHECK, cells=cells, **vars(conditions))
    (folder / "summary.txt").write_text(model.summary(), encoding="utf-8")


def difference(model: GenerativeModel, folder: Path) -> float:
    """The largest difference of a loaded model's showers, relative to the highest cell.

    Raises:
        Exception: one of :data:`search_spaces.documents.DAMAGE`, if the file is not whole.
    """
    with np.load(folder / CHECK, allow_pickle=False) as check:
        conditions = Conditions.of(check["energy"], check["theta"], check["particle"])
        stored = check["cells"]
    again = model.generate(conditions, CHECK_DRAW)
    return float(np.max(np.abs(again - stored)) / max(float(np.max(stored)), 1e-12))
