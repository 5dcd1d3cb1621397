"""By what the showers of a file were made: written into every file that metaopt simulates.

A parametrisation is quick, and looks like a full simulation in every array. The label is what
tells them apart; whoever prints a file's name as the full simulation asks for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import h5py

GEANT4_NOTICE = (
    "This work uses Geant4 (http://cern.ch/geant4), under the Geant4 Software License. "
    "Publications of output made with it should say so."
)


@dataclass(frozen=True)
class Label:
    """What made some showers.

    Attributes:
        engine: Geant4 or GFlash.
        version: of the engine.
        physics_list: what is simulated, and from which data.
        parametrised: whether it is no full simulation.
        notice: what publications have to say.
    """

    engine: str
    version: str
    physics_list: str
    parametrised: bool
    notice: str = ""

    def write(self, file: h5py.File) -> None:
        """Into the file's attributes; the engine also into those of every data set."""
        for field in fields(self):
            file.attrs[field.name] = getattr(self, field.name)
        for data in file.values():
            data.attrs["engine"] = self.engine
            data.attrs["parametrised"] = self.parametrised


def label_of(path: str | Path) -> Label | None:
    """The label of a file; None if it has none, or is no HDF5 file."""
    try:
        with h5py.File(path, "r") as file:
            found = {f.name: file.attrs[f.name] for f in fields(Label)}
    except (OSError, KeyError):
        return None
    texts = {key: str(value) for key, value in found.items() if key != "parametrised"}
    return Label(**texts, parametrised=bool(found["parametrised"]))


def parametrised(paths: Sequence[str]) -> list[str]:
    """A sentence on each file that holds no full simulation."""
    labels = [(path, label_of(path)) for path in paths]
    return [
        f"{Path(path).name} is not a full simulation: its showers are parametrised "
        f"({label.engine}, {label.version})"
        for path, label in labels
        if label is not None and label.parametrised
    ]
