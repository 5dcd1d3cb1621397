"""By what the showers of a file were made: written into every file that metaopt simulates.

A parametrisation is quick, and looks like a full simulation in every array. The label is what
tells them apart; whoever prints a file's name as the full simulation asks for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import h5py

from search_spaces.errors import MetaoptError
from workers.data.remote import local_path

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
        """Into the attributes of the file, and of every data set: those are copied alone."""
        for place in _places(file):
            for field in fields(self):
                place.attrs[field.name] = getattr(self, field.name)


def label_of(path: str | Path) -> Label | None:
    """The label of a file, or of a data set in it; None if there is none, or no HDF5 file."""
    try:
        with h5py.File(local_path(str(path)), "r") as file:
            for place in _places(file):
                if all(field.name in place.attrs for field in fields(Label)):
                    return _read(place)
    except (OSError, RuntimeError, KeyError, MetaoptError):
        return None  # damage is told by those who read the showers
    return None


def _places(file: h5py.File) -> list[h5py.HLObject]:
    """The file, its data sets and groups."""
    found: list[h5py.HLObject] = [file]
    file.visititems(lambda _, place: found.append(place))  # which ends if it returns anything
    return found


def _read(place: h5py.HLObject) -> Label:
    texts = {f.name: str(place.attrs[f.name]) for f in fields(Label) if f.name != "parametrised"}
    return Label(**texts, parametrised=bool(place.attrs["parametrised"]))


def parametrised(paths: Sequence[str]) -> list[str]:
    """A sentence on each file that holds no full simulation."""
    labels = [(path, label_of(path)) for path in paths]
    return [
        f"{Path(path).name} is not a full simulation: its showers are parametrised "
        f"({label.engine}, {label.version})"
        for path, label in labels
        if label is not None and label.parametrised
    ]
