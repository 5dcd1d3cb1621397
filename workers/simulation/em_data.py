"""The data files from which Geant4 reads electromagnetic physics, computed for a few elements.

``G4EmStandardPhysics`` (option 0) opens a handful of text files per element of the G4EMLOW data
set. They are made here, so that nothing has to be downloaded:

    brem_SB/br{Z}                       bremsstrahlung below 1 GeV, after Seltzer and Berger
    epics2017/phot/pe-{cs,high,low}-{Z}.dat   photoelectric effect, one effective shell
    epics2017/rayl/re-cs-{Z}.dat        Rayleigh scattering, switched off
    ENSDFSTATE.dat                      nuclides: none

Bremsstrahlung is Bethe-Heitler with the screening functions of Tsai (Rev. Mod. Phys. 46 (1974)
815) and the Coulomb correction, times an empirical correction at low energy.

Notation:

    T, E      kinetic and total energy of the electron     [MeV]
    k         photon energy over T
    y         photon energy over E
    beta      velocity of the electron
    a         Z alpha
    chi       (beta^2/Z^2) k dsigma/dk                     [mb]
"""

from __future__ import annotations

import math
import os
import secrets
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
#: Photoelectric cross section [barn] of element Z at an energy [MeV].
CrossSection = Callable[[int, float], float]

#: The directory below G4LEDATA that Geant4 is told to read photons from.
PHOTONS = "epics2017"
ALPHA = 1 / 137.035999
ELECTRON_MEV = 0.51099895
#: Square of the classical electron radius [mb].
RADIUS2_MB = 79.40788

#: Grid of k, denser where photons take nearly all of the energy.
K_GRID = np.concatenate(
    [
        [1e-12, *np.linspace(0.025, 0.1, 4), *np.linspace(0.15, 0.9, 16)],
        [0.925, 0.95, 0.97, 0.99, 0.995, 0.999, 0.9995, 0.9999, 0.99995, 0.99999, 1.0],
    ]
)
#: Grid of T [MeV]: eight points per decade from 1 keV to 10 GeV.
T_GRID = np.append(np.outer(10.0 ** np.arange(-3, 4), [1, 1.5, 2, 3, 4, 5, 6, 8]).ravel(), 1e4)
#: Energies of the photoelectric effect [MeV].
PHOTON_GRID = np.unique([*np.geomspace(1e-3, 0.6, 400), *np.geomspace(0.6, 1e5, 200)])

#: Logarithm of the correction: a polynomial of u = 1/(1 + T/0.7 MeV), k and a, with powers 1 to 3,
#: 0 to 2 and 0 to 2 along the axes, and a constant. Fitted to the NRC tables of Seltzer and
#: Berger's cross sections, 0.02 MeV to 1 GeV, Z = 6 to 92.
CORRECTION = np.array(
    [
        *(1.35497, -1.91469, 2.82163, -3.27427, 9.36278, -27.4242, 0.867893, 2.92196, 33.7238),
        *(-6.02268, 10.6038, -9.67164, 11.7749, -36.0442, 93.5688, -10.3928, 25.0064, -119.035),
        *(6.73786, -9.23935, 6.89587, -9.45888, 31.2993, -71.5481, 9.76416, -28.4267, 86.9377),
    ]
).reshape(3, 3, 3)
CONSTANT = -0.0171448
#: Screening of the lightest elements, elastic and inelastic (Tsai), Z = 1 to 4.
LIGHT_ELASTIC = (5.3104, 4.7935, 4.7402, 4.7112)
LIGHT_INELASTIC = (5.9173, 5.6125, 5.5377, 5.4728)

#: Files that say: no further shells, and practically no Rayleigh scattering.
NO_SHELLS = "1 1 1e6\n0.001 0 0 0 0 0 0\n"
NO_RAYLEIGH = "1e-3 1e5 2\n2\n1e-3 1e-40\n1e5 1e-40\n"


def data_sets(environment: Mapping[str, str]) -> Path | None:
    """Geant4's own electromagnetic data set, where the environment names one that is there."""
    named = environment.get("G4LEDATA")
    if named and Path(named).is_dir():
        return Path(named)
    around = environment.get("GEANT4_DATA_DIR")
    found = sorted(Path(around).glob("G4EMLOW*")) if around else []
    return found[-1] if found else None


def bremsstrahlung(z: int, kinetic: float, k: Array) -> Array:
    """Chi [mb] of element ``z`` for electrons of a kinetic energy [MeV]; (n,) for k (n,)."""
    energy = kinetic + ELECTRON_MEV
    beta2 = kinetic * (kinetic + 2 * ELECTRON_MEV) / energy**2
    y = k * kinetic / energy
    # At k = 1 the photon would take all: the screening parameter stays finite.
    photon = np.minimum(k * kinetic, kinetic * (1 - 1e-7))
    delta = photon / np.maximum(energy - photon, ELECTRON_MEV) / energy
    shape = _light(z, y) if z < 5 else _screened(z, y, delta)
    born = 16 * ALPHA * RADIUS2_MB / 3 * np.maximum(shape, 0.0) * beta2
    chi: Array = born * _correction(z, kinetic, k)
    return chi


def _coulomb(z: int) -> float:
    a2 = (z * ALPHA) ** 2
    return a2 * (1 / (1 + a2) + 0.20206 - 0.0369 * a2 + 0.0083 * a2**2 - 0.002 * a2**3)


def _light(z: int, y: Array) -> Array:
    elastic, inelastic = LIGHT_ELASTIC[z - 1] - _coulomb(z), LIGHT_INELASTIC[z - 1] / z
    shape: Array = (1 - y + 0.75 * y**2) * (elastic + inelastic) + (1 - y) * (1 + 1 / z) / 12
    return shape


def _screened(z: int, y: Array, delta: Array) -> Array:
    """Tsai's screening functions phi (elastic) and psi (inelastic)."""
    g = 100 * ELECTRON_MEV * delta / z ** (1 / 3)
    e = 100 * ELECTRON_MEV * delta / z ** (2 / 3)
    phi = 16.863 - 2 * np.log1p(0.311877 * g**2) + 2.4 * np.exp(-0.9 * g) + 1.6 * np.exp(-1.5 * g)
    psi = 24.34 - 2 * np.log1p(13.111641 * e**2) + 2.8 * np.exp(-8 * e) + 1.2 * np.exp(-29.2 * e)
    log_z = math.log(z)
    elastic, inelastic = phi / 4 - log_z / 3 - _coulomb(z), (psi / 4 - 2 * log_z / 3) / z
    rest = 2 / (3 + 19.5 * g + 18 * g**2) + 2 / (3 + 120 * e + 1200 * e**2) / z
    shape: Array = (1 - y + 0.75 * y**2) * (elastic + inelastic) + 0.125 * (1 - y) * rest
    return shape


def _correction(z: int, kinetic: float, k: Array) -> Array:
    u = 1 / (1 + max(kinetic, 0.02) / 0.7)
    of_k = np.minimum(k, 0.95) ** np.arange(3)[:, None]
    powers_u, powers_a = u ** np.arange(1, 4), (z / 137.036) ** np.arange(3)
    corrected: Array = np.exp(
        CONSTANT + np.einsum("i,ijl,jn,l->n", powers_u, CORRECTION, of_k, powers_a)
    )
    return corrected


def write(folder: Path, elements: Iterable[int], photoelectric: CrossSection) -> None:
    """Write the files of some elements that are not there yet.

    Each file appears whole, and always with the same content: processes may do this at the same
    time.

    Args:
        folder: what G4LEDATA and the other variables of Geant4 name.
        elements: atomic numbers.
        photoelectric: cross section [barn] of an element at an energy [MeV].
    """
    for below in ("brem_SB", f"{PHOTONS}/phot", f"{PHOTONS}/rayl"):
        (folder / below).mkdir(parents=True, exist_ok=True)
    _file(folder / "ENSDFSTATE.dat", lambda: "")
    photons = folder / PHOTONS
    for z in elements:
        _file(folder / "brem_SB" / f"br{z}", partial(_bremsstrahlung_text, z))
        cross = photons / "phot" / f"pe-cs-{z}.dat"
        _file(cross, partial(_photoelectric_text, z, photoelectric))
        for name in ("high", "low"):
            _file(photons / "phot" / f"pe-{name}-{z}.dat", lambda: NO_SHELLS)
        _file(photons / "rayl" / f"re-cs-{z}.dat", lambda: NO_RAYLEIGH)


def _file(path: Path, text: Callable[[], str]) -> None:
    if path.exists():
        return
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    part.write_text(text())
    os.replace(part, path)  # noqa: PTH105 - atomic, also over a file that has just appeared


def _bremsstrahlung_text(z: int) -> str:
    rows = [f"0 {len(K_GRID)} {len(T_GRID)}", _row(K_GRID), _row(np.log(T_GRID))]
    rows += [_row(bremsstrahlung(z, float(kinetic), K_GRID)) for kinetic in T_GRID]
    return "\n".join(rows) + "\n"


def _photoelectric_text(z: int, photoelectric: CrossSection) -> str:
    """Cross section times E^3 [barn MeV^3]."""
    rows = [f"{e:.8g} {photoelectric(z, e) * e**3:.8g}" for e in PHOTON_GRID.tolist()]
    head = f"{PHOTON_GRID[0]:.8g} {PHOTON_GRID[-1]:.8g} {len(rows)}\n{len(rows)}"
    return "\n".join([head, *rows]) + "\n"


def _row(values: Array) -> str:
    return " ".join(f"{value:.8g}" for value in values)
