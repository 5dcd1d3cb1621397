"""Showers as arrays: cells and the conditions they belong to, checked against a geometry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from search_spaces.errors import DataError
from search_spaces.geometry import Geometry

Array = NDArray[np.float32]
Kinds = NDArray[np.int32]
Rows = slice | NDArray[np.intp] | NDArray[np.bool_]
#: The cells of a full simulation do not hold more times the primary energy than this: those of
#: many showers, since a unit is wrong, and those of one shower, which is damaged. A slow
#: antiproton leaves some ten times its energy; published showers of 256 MeV three times.
MOST_DEPOSITED, MOST_OF_ONE = 2.0, 100.0
#: Of so many showers on, they are many.
MANY = 64


@dataclass(frozen=True, eq=False)
class Conditions:
    """What n showers are generated for.

    Attributes:
        energy: primary energy (n,) [GeV].
        theta: angle of incidence (n,) [rad].
        particle: type of the primary (n,), its place in the geometry's ``particles``.
    """

    energy: Array
    theta: Array
    particle: Kinds

    @classmethod
    def of(
        cls, energy: ArrayLike, theta: ArrayLike | None = None, particle: ArrayLike | None = None
    ) -> Conditions:
        """Conditions of any numbers; by default normal incidence of the first particle type.

        Raises:
            DataError: if lengths differ.
        """
        e = np.asarray(energy, dtype=np.float32)
        t = np.full_like(e, np.pi / 2) if theta is None else np.asarray(theta, dtype=np.float32)
        kind = np.zeros(e.shape) if particle is None else particle
        p = np.asarray(kind, dtype=np.int32)
        if e.ndim != 1 or t.shape != e.shape or p.shape != e.shape:
            raise DataError(
                "conditions must be energy (n,), theta (n,) and particle (n,), got "
                f"{e.shape}, {t.shape} and {p.shape}"
            )
        return cls(e, t, p)

    @classmethod
    def joined(cls, parts: Sequence[Conditions]) -> Conditions:
        """The conditions of all showers of at least one part."""
        energy, theta, particle = (
            np.concatenate([getattr(p, name) for p in parts])
            for name in ("energy", "theta", "particle")
        )
        return cls(energy, theta, particle)

    @property
    def usable(self) -> NDArray[np.bool_]:
        """Which of them (n,) are some: finite, with a primary energy above 0."""
        return np.asarray(np.isfinite(self.energy) & (self.energy > 0) & np.isfinite(self.theta))

    def __len__(self) -> int:
        return len(self.energy)

    def __getitem__(self, rows: Rows) -> Conditions:
        return Conditions(self.energy[rows], self.theta[rows], self.particle[rows])

    def check(
        self, geometry: Geometry, where: str = "conditions", *, anywhere: bool = False
    ) -> None:
        """Raise :class:`DataError` unless all lie in the ranges of ``geometry``.

        With ``anywhere`` they only have to be conditions of its particle types.
        """
        if not anywhere:
            self.check_ranges(geometry, where)
        elif not self.usable.all():
            raise DataError(
                f"{where}: energy must be above 0 GeV and theta finite, got "
                f"{self.energy[~self.usable][0]:g} GeV and {self.theta[~self.usable][0]:g} rad "
                f"({int((~self.usable).sum())} events); clean the data"
            )
        _check_particles(self.particle, geometry, where)

    def check_ranges(self, geometry: Geometry, where: str = "conditions") -> None:
        """Raise :class:`DataError` unless energies and angles lie in the ranges of ``geometry``."""
        _check_range(self.energy, geometry.energy, "energy", "GeV", where)
        _check_range(self.theta, geometry.theta_rad, "theta", "rad", where)


@dataclass(frozen=True, eq=False)
class Showers:
    """n showers in one calorimeter.

    Attributes:
        cells: deposited energy (n, x, y, z) [GeV], float32; the axes are the geometry's.
        conditions: of the n showers.
    """

    cells: Array
    conditions: Conditions

    def __post_init__(self) -> None:
        if self.cells.ndim != 4 or len(self.conditions) != len(self.cells):
            raise DataError(
                "showers must be cells (n, x, y, z) with n conditions, got "
                f"{self.cells.shape} and {len(self.conditions)}"
            )

    def __len__(self) -> int:
        return len(self.cells)

    def __getitem__(self, rows: Rows) -> Showers:
        return Showers(self.cells[rows], self.conditions[rows])

    @property
    def energy(self) -> Array:
        """Primary energy (n,) [GeV]."""
        return self.conditions.energy

    @property
    def theta(self) -> Array:
        """Angle of incidence (n,) [rad]."""
        return self.conditions.theta

    def check_grid(
        self, geometry: Geometry, remedy: str = "generate for the reference's geometry"
    ) -> None:
        """Raise :class:`DataError`, with the remedy, unless the cells are the geometry's."""
        if self.cells.shape[1:] != geometry.shape:
            raise DataError(
                f"cells must be {list(geometry.shape)} for geometry {geometry.name!r}, got "
                f"{list(self.cells.shape[1:])}; {remedy}"
            )

    def check(self, geometry: Geometry, where: str = "showers", *, anywhere: bool = False) -> None:
        """Raise :class:`DataError` unless these can be full-simulation showers of ``geometry``.

        With ``anywhere`` at conditions outside of its ranges too. Generated showers are not
        checked: the objective judges them, bad events included.
        """
        if self.cells.shape[1:] != geometry.shape:
            raise DataError(
                f"{where}: cells must be {list(geometry.shape)} for geometry "
                f"{geometry.name!r}, got {list(self.cells.shape[1:])}; check the geometry"
            )
        # One pass without a copy: the minimum is NaN if any cell is.
        lowest = float(self.cells.min()) if self.cells.size else 0.0
        if not np.isfinite(lowest) or not np.isfinite(float(self.cells.max(initial=0.0))):
            raise DataError(f"{where}: every cell must be finite, got NaN or infinity; clean it")
        if lowest < 0:
            raise DataError(f"{where}: every cell must be >= 0 GeV, got {lowest:g}; clean it")
        if geometry.present is not None and self.cells[:, ~geometry.present].any():
            raise DataError(
                f"{where}: cells that a layer does not have must be zero, got energy in them; "
                "check the order of the axes"
            )
        self.conditions.check(geometry, where, anywhere=anywhere)
        self._check_deposited(where)

    def _check_deposited(self, where: str) -> None:
        deposited = self.cells.sum(axis=(1, 2, 3), dtype=np.float64)
        share = float(np.max(deposited / self.energy, initial=0.0))
        if share <= MOST_OF_ONE:
            if len(self) < MANY:
                return
            share = float(deposited.sum() / self.energy.sum(dtype=np.float64))
            if share <= MOST_DEPOSITED:
                return
        raise DataError(
            f"{where}: the cells hold {share:.3g} times the primary energy; clean it, or check "
            "storage.gev_per_unit and the unit of the energies (GeV)"
        )


def _check_particles(particle: Kinds, geometry: Geometry, where: str) -> None:
    unknown = (particle < 0) | (particle >= len(geometry.particles))
    if unknown.any():
        raise DataError(
            f"{where}: particle must be a place in {list(geometry.particles)}, 0 to "
            f"{len(geometry.particles) - 1}, got {int(particle[unknown][0])} "
            f"({int(unknown.sum())} events); list the geometry's particles in the file's order"
        )


def _check_range(
    values: Array, limits: tuple[float, float], name: str, unit: str, where: str
) -> None:
    low, high = limits
    margin = 1e-3 * (high - low) + 1e-5 * high  # float32 storage of the limits
    with np.errstate(invalid="ignore"):
        outside = ~((values >= low - margin) & (values <= high + margin))
    if outside.any():
        got = float(values[outside][0])
        remedy = "widen the geometry's range or select events"
        if unit == "GeV" and low <= got / 1000 <= high:
            remedy = "is it in MeV?"
        elif unit == "rad" and low <= np.radians(got) <= high:
            remedy = "is it in degrees?"
        raise DataError(
            f"{where}: {name} must lie in [{low:g}, {high:g}] {unit}, got {got:g} "
            f"({int(outside.sum())} events); {remedy}"
        )
