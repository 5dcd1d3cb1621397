"""Particle types in shower files: places in the geometry's list, or PDG codes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: Numbers of the Particle Data Group (Monte Carlo particle numbering scheme).
PDG = {
    "gamma": 22,
    "e-": 11,
    "e+": -11,
    "mu-": 13,
    "mu+": -13,
    "pi0": 111,
    "pi+": 211,
    "pi-": -211,
    "kaon+": 321,
    "kaon-": -321,
    "kaon0L": 130,
    "proton": 2212,
    "neutron": 2112,
}


def places(stored: NDArray[np.int64], particles: tuple[str, ...]) -> NDArray[np.int32]:
    """Each shower's place in ``particles``.

    A number below ``len(particles)`` is a place already; the PDG code of a listed particle
    becomes its place. Any other number stays, to be refused with the showers.
    """
    found = stored.astype(np.int32)
    for place, name in enumerate(particles):
        code = PDG.get(name, 0)
        if not 0 <= code < len(particles):
            found[stored == code] = place
    return found
