"""The reference artefact: what the full simulation does, and how far it is from itself.

It is built once for a data set and a geometry, and holds features, not showers:
about 1 MB for 2000 events. The pulls are fitted to the training events; every score
is a comparison with the validation events. Scores compare only between references
with the same digest.

A generator must not hide energy where the reference has none. Cells that no shower of
the reference fills are known, and the share of energy in them is an observable. New
full-simulation showers have some there too, and so that they are judged alike, the
cells unseen for a shower of the reference are those that no other one fills (the
leave-one-out form of I. J. Good, Biometrika 40 (1953) 237).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectives import floors
from objectives.groups import Target
from objectives.observables import (
    UNSEEN,
    Features,
    chunks,
    features,
    filled_cells,
    observables_digest,
)
from objectives.pulls import THETA_UNIT, Pulls
from objectives.samples import Sample, stratified
from objectives.showers import Conditions, Showers
from search_spaces.documents import DAMAGE
from search_spaces.errors import DataError
from search_spaces.geometry import Geometry
from search_spaces.records import decode, encode
from search_spaces.whole import whole

#: To be raised with every change of what is computed: older files are then built again.
FORMAT = 4
MIN_TRAINING, MIN_VALIDATION = 80, 20
#: A feature that equals its median in all but this share of the events is dropped.
MIN_VARYING = 0.01
#: Relative difference from the median that counts: below it the last bits of sums differ.
ROUNDING = 1e-5
Mask = NDArray[np.bool_]

_PULLS = ("x_scale", "y_range", "mean", "log_var", "least")
_CONDITIONS = ("energy", "theta", "particle")
_FLOORS = ("sizes", "distances", "tau", "scores")


@dataclass(frozen=True, eq=False)
class Reference:
    """Full-simulation showers as the objective needs them.

    Attributes:
        geometry: of the showers.
        names: of the k features that vary.
        pulls: conditional mean and spread of the features.
        sample: features (R, k) and conditions of the validation events.
        floors: f_g(N), tau_g, and the score of full-simulation showers.
        unseen: cells (x, y, z) that no shower of the reference fills.
    """

    geometry: Geometry
    names: tuple[str, ...]
    pulls: Pulls
    sample: Sample
    floors: floors.Floors
    unseen: Mask

    def __len__(self) -> int:
        return len(self.sample)

    @property
    def trained(self) -> dict[str, list[float]]:
        """Lowest and highest primary energy [GeV] and angle [degrees] of the training events.

        An angle only where it is a condition.
        """
        found = {"energy": np.exp(self.pulls.x_scale[2:])}
        if self.geometry.has_angle:
            found["theta"] = 90 + np.degrees(THETA_UNIT * self.pulls.y_range)
        # Six digits: the logarithm and back would make 50.00000000000001 of 50.
        return {name: [float(f"{end:.6g}") for end in ends] for name, ends in found.items()}

    @classmethod
    def build(cls, training: Showers, validation: Showers, geometry: Geometry) -> Reference:
        """Build the artefact from disjoint full-simulation showers of one production.

        Args:
            training: at least 80 showers, for the pulls and the floors.
            validation: at least 20 showers, to be compared with.
            geometry: of both.

        Raises:
            DataError: for too few showers, another grid, or showers without energy.
        """
        counts = _counts(training, geometry) + _counts(validation, geometry)
        fitted, judged = (features(p, geometry, counts <= 1) for p in (training, validation))
        return cls.of_features(fitted, judged, geometry, counts == 0)

    @classmethod
    def of_features(
        cls,
        training: Features,
        validation: Features,
        geometry: Geometry,
        unseen: Mask,
        part: str = "validation",
    ) -> Reference:
        """:meth:`build` from features, for showers too many to be kept.

        Args:
            training: features of at least 80 showers, with the cells that at most one shower
                of both parts fills as unseen ones.
            validation: of at least 20 showers, with the same.
            geometry: of both.
            unseen: cells (x, y, z) that no shower of both parts fills.
            part: what errors call the showers to be compared with.

        Raises:
            DataError: for too few showers, or showers without energy.
        """
        names, fitted = _usable(training, geometry, MIN_TRAINING, "training")
        _, judged = _usable(validation, geometry, MIN_VALIDATION, part)
        median = np.median(fitted.values, axis=0)
        differs = np.abs(fitted.values - median) > ROUNDING * np.abs(median)
        kept = differs.mean(axis=0) >= MIN_VARYING
        kept[names.index(UNSEEN)] = bool(unseen.any())
        kept[names.index("sampling_fraction")] = True  # whatever it is, it must be met
        names = tuple(n for n, keep in zip(names, kept, strict=True) if keep)
        fitted, judged = _select(fitted, kept), _select(judged, kept)
        table = floors.measure(names, fitted, judged, geometry)
        pulls = Pulls.fit(names, fitted, geometry)
        return cls(geometry, names, pulls, judged, table, unseen)

    def features(self, showers: Showers) -> Features:
        """All observables of showers to be judged, so that the showers need not be kept.

        Raises:
            DataError: if the grid is not the reference's.
        """
        return features(showers, self.geometry, self.unseen)

    def sample_of(self, showers: Showers, part: str) -> Sample:
        """The reference's features of other full-simulation showers.

        Raises:
            DataError: for too few showers, another grid, or showers without energy; ``part``
                names them.
        """
        names, sample = _usable(self.features(showers), self.geometry, MIN_VALIDATION, part)
        return _select(sample, np.array([name in self.names for name in names]))

    def conditions(self, n: int) -> Conditions:
        """The conditions for which to generate n showers.

        The validation events' own conditions, spread evenly over their range; the same for
        every call. Generated showers may come in any order, each with its condition.
        """
        return self.sample.conditions[stratified(self.sample.conditions, n)]

    @cached_property
    def target(self) -> Target:
        """The validation events' pulls, ready to be compared with."""
        return Target(self.names, self.pulls(self.sample), self.geometry)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of everything that a score depends on."""
        total = hashlib.sha256(json.dumps(self._header(), sort_keys=True).encode())
        for name, array in sorted(self._arrays().items()):
            total.update(f"{name} {array.dtype} {array.shape}".encode())
            total.update(np.ascontiguousarray(array).tobytes())
        return total.hexdigest()

    # -- the file -------------------------------------------------------------------------

    def save(self, path: Path) -> None:
        """Write a .npz file: plain arrays and a JSON header, nothing executable."""
        header = {**self._header(), "geometry": encode(self.geometry), "digest": self.digest}
        with whole(Path(path)) as part, part.open("wb") as file:
            np.savez_compressed(file, header=np.array(json.dumps(header)), **self._arrays())

    @classmethod
    def load(cls, path: Path) -> Reference:
        """Read what :meth:`save` wrote.

        Raises:
            DataError: if the file is no reference, of another format, or damaged.
        """
        remedy = "build the reference again"
        try:
            with np.load(path, allow_pickle=False) as file:
                arrays: dict[str, Any] = {name: file[name] for name in file.files}
            header = json.loads(str(arrays.pop("header")))
            if header["format"] != FORMAT:
                raise DataError(
                    f"{path}: format must be {FORMAT}, got {header['format']}; {remedy}"
                )
            reference = cls._of(header, arrays)
        except DAMAGE as error:
            if isinstance(error, (DataError, FileNotFoundError)):
                raise
            raise DataError(f"{path}: must be a saved reference, got {error}; {remedy}") from error
        if reference.digest != header["digest"]:
            raise DataError(
                f"{path}: must hold what its digest says; damaged, or written by another "
                f"version of the observables: {remedy}"
            )
        return reference

    @classmethod
    def _of(cls, header: dict[str, Any], arrays: dict[str, Any]) -> Reference:
        geometry = decode(Geometry, header["geometry"], "geometry", DataError)
        return cls(
            geometry,
            tuple(header["names"]),
            Pulls(**{name: arrays[name] for name in _PULLS}),
            Sample(arrays["values"], Conditions(*(arrays[name] for name in _CONDITIONS))),
            floors.Floors(
                tuple(header["groups"]), header["events"], **{n: arrays[n] for n in _FLOORS}
            ),
            _unpacked(arrays["unseen"], geometry.shape),
        )

    def _header(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "names": list(self.names),
            "groups": list(self.floors.groups),
            "events": self.floors.events,
            "geometry_digest": self.geometry.digest,
            "observables_digest": observables_digest(self.geometry),
        }

    def _arrays(self) -> dict[str, Any]:
        sample = {k: getattr(self.sample.conditions, k) for k in _CONDITIONS}
        sample["values"], sample["unseen"] = self.sample.values, np.packbits(self.unseen)
        pulls = {k: getattr(self.pulls, k) for k in _PULLS}
        return sample | pulls | {k: getattr(self.floors, k) for k in _FLOORS}


def check_usable(bad: Mask, geometry: Geometry, part: str) -> None:
    """Raise :class:`DataError` if any full-simulation shower of a part is unusable."""
    if bad.any():
        raise DataError(
            f"every {part} shower must be finite, >= 0 and have energy above the threshold of "
            f"{geometry.threshold:g} GeV, got {int(bad.sum())} that do not; clean the data"
        )


def _counts(showers: Showers, geometry: Geometry) -> NDArray[np.int64]:
    """How many of the showers fill each cell (x, y, z)."""
    counts = np.zeros(geometry.shape, dtype=np.int64)
    if showers.cells.shape[1:] == geometry.shape:  # else reported with the features
        for rows in chunks(showers):
            counts += filled_cells(np.asarray(showers.cells[rows]), geometry).sum(axis=0)
    return counts


def _unpacked(bits: NDArray[np.uint8], shape: tuple[int, int, int]) -> Mask:
    return np.unpackbits(bits, count=int(np.prod(shape))).astype(np.bool_).reshape(shape)


def _usable(
    seen: Features, geometry: Geometry, least: int, part: str
) -> tuple[tuple[str, ...], Sample]:
    """Names and values of full-simulation showers, which must all be usable."""
    if len(seen.bad) < least:
        raise DataError(
            f"a reference needs at least {least} {part} showers, got {len(seen.bad)}; "
            "give more files or a larger share of the split"
        )
    check_usable(seen.bad, geometry, part)
    return seen.names, Sample(seen.values, seen.conditions)


def _select(sample: Sample, columns: NDArray[np.bool_]) -> Sample:
    return Sample(sample.values[:, columns], sample.conditions)
