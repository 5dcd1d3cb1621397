"""What a trial leaves of its generated showers, so that they can be plotted without them.

Some hundred bytes per shower and the sums of :mod:`objectives.views`. The controller turns
the file into a picture and removes it; see :mod:`metaopt.gallery`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectives.observables import Features
from objectives.reference import Reference
from objectives.samples import Sample
from objectives.showers import Conditions, Showers
from objectives.views import View, view
from search_spaces.documents import DAMAGE
from search_spaces.errors import DataError

#: Name of the file in the trial's folder.
FILE = "plotted.npz"
#: Most showers that plots are made of: more would change nothing that an eye sees.
MOST = 1000

_COUNTS = ("events", "not_finite", "negative", "empty")


@dataclass(frozen=True, eq=False)
class Plotted:
    """Some generated showers of a trial.

    Attributes:
        sample: the reference's features of the good ones.
        view: sums over the good ones; of single cells nothing is kept.
    """

    sample: Sample
    view: View

    @classmethod
    def of(cls, showers: Showers, seen: Features, reference: Reference) -> Plotted:
        """At most ``MOST`` of the showers, spread evenly.

        Args:
            showers: of any cells.
            seen: their features, as ``reference.features`` gives them.
            reference: whose features are kept.
        """
        count = min(len(seen.bad), MOST)
        rows = np.linspace(0, len(seen.bad) - 1, count).round().astype(np.intp)
        good = rows[~seen.bad[rows]]
        return cls(seen.sample(reference.names)[good], view(showers[rows], reference.geometry))

    def save(self, path: Path) -> None:
        """Write a file, about 0.2 MB."""
        x, y, z = self.view.profiles
        conditions = self.sample.conditions
        np.savez(
            path,
            values=self.sample.values,
            energy=conditions.energy,
            theta=conditions.theta,
            particle=conditions.particle,
            counts=np.array([getattr(self.view, name) for name in _COUNTS]),
            spectrum=self.view.spectrum,
            x=x,
            y=y,
            z=z,
        )

    @classmethod
    def load(cls, path: Path) -> Plotted:
        """Read a file.

        Raises:
            DataError: it is damaged.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                conditions = Conditions(file["energy"], file["theta"], file["particle"])
                return cls(Sample(file["values"], conditions), _view(file))
        except DAMAGE as failure:
            raise DataError(
                f"{path}: must hold what is plotted of a trial ({failure}); train it again"
            ) from failure


def _view(file: Mapping[str, NDArray[Any]]) -> View:
    """The sums of a file; those of single cells are not in it."""
    events, not_finite, negative, empty = (int(count) for count in file["counts"])
    return View(
        events=events,
        not_finite=not_finite,
        negative=negative,
        empty=empty,
        cells=np.zeros((0, 0, 0)),
        hits=np.zeros((0, 0, 0), np.int64),
        profiles=(file["x"], file["y"], file["z"]),
        spectrum=file["spectrum"],
    )
