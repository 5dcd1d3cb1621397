"""The primary particles: each shower has its own random stream, whoever simulates it.

Shower i draws from a generator that is seeded by (seed, i) alone. The number of processes, the
order of the work and interruptions therefore change nothing; and engines that are given the same
seed simulate the same primaries.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from search_spaces.cells import Cells

#: What can be simulated. Hadrons would need Geant4's nuclear data sets.
PARTICLES = ("e-", "e+", "gamma", "mu-")


@dataclass(frozen=True)
class Beam:
    """Ranges from which primaries are drawn uniformly.

    Attributes:
        energy: lowest and highest [GeV]; equal ends mean one energy.
        theta: lowest and highest angle of incidence [degrees], in the y-z plane.
        particles: types, equally frequent.
        seed: of all random draws.
    """

    energy: tuple[float, float]
    theta: tuple[float, float]
    particles: tuple[str, ...]
    seed: int


@dataclass(frozen=True, eq=False)
class Primary:
    """One primary particle.

    Attributes:
        energy: [GeV].
        theta: angle of incidence [rad]; pi/2 is normal.
        particle: its type.
        x, y: where its axis crosses the pivot plane, spread over one cell [mm].
        rng: the shower's own random stream, from here on.
    """

    energy: float
    theta: float
    particle: str
    x: float
    y: float
    rng: np.random.Generator

    @property
    def slope(self) -> float:
        """dy/dz of the axis."""
        return 1 / math.tan(self.theta)


def primaries(beam: Beam, cells: Cells, start: int, stop: int) -> Iterator[Primary]:
    """The primaries of the showers from ``start`` to ``stop``."""
    for shower in range(start, stop):
        rng = np.random.default_rng([beam.seed, shower])
        u = rng.random(5)
        low, high = beam.energy
        first, last = (math.radians(angle) for angle in beam.theta)
        yield Primary(
            energy=low + (high - low) * float(u[0]),
            theta=first + (last - first) * float(u[1]),
            particle=beam.particles[int(u[2] * len(beam.particles))],
            x=cells.pitch[0] * (float(u[3]) - 0.5),
            y=cells.pitch[1] * (float(u[4]) - 0.5),
            rng=rng,
        )
