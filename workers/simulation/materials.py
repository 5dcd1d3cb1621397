"""Materials of calorimeters, by the names that geometry files use.

Z, A of compounds are means by weight. Density, radiation length and minimum ionisation: Particle
Data Group, Atomic and Nuclear Properties of Materials; densities of compounds as in Geant4's NIST
list, from which the Geant4 engine takes its own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from search_spaces.errors import GeometryError
from search_spaces.records import suggestion


@dataclass(frozen=True)
class Material:
    """What one material does to electromagnetic showers.

    Attributes:
        name: in geometry files.
        nist: in Geant4's list of NIST materials.
        z, a: atomic number and mass [g/mol].
        density: [g/cm3].
        radiation: radiation length [g/cm2].
        minimum_ionisation: dE/dx of a minimum ionising particle [MeV cm2/g].
    """

    name: str
    nist: str
    z: float
    a: float
    density: float
    radiation: float
    minimum_ionisation: float

    @property
    def radiation_mm(self) -> float:
        """Radiation length [mm]."""
        return 10.0 * self.radiation / self.density

    @property
    def critical_mev(self) -> float:
        """Critical energy [MeV], 2.66 (X0 Z/A)^1.1 with X0 in g/cm2 (hep-ex/0001020)."""
        return 2.66 * math.pow(self.radiation * self.z / self.a, 1.1)


_TABLE = (
    Material("Al", "G4_Al", 13, 26.98, 2.699, 24.01, 1.615),
    Material("Fe", "G4_Fe", 26, 55.845, 7.874, 13.84, 1.451),
    Material("Cu", "G4_Cu", 29, 63.546, 8.96, 12.86, 1.403),
    Material("W", "G4_W", 74, 183.84, 19.3, 6.76, 1.145),
    Material("Pb", "G4_Pb", 82, 207.2, 11.35, 6.37, 1.122),
    Material("U", "G4_U", 92, 238.03, 18.95, 6.00, 1.081),
    Material("Si", "G4_Si", 14, 28.085, 2.329, 21.82, 1.664),
    Material("lAr", "G4_lAr", 18, 39.95, 1.396, 19.55, 1.508),
    Material("lKr", "G4_lKr", 36, 83.80, 2.418, 11.37, 1.357),
    Material("polystyrene", "G4_POLYSTYRENE", 5.61, 11.16, 1.06, 43.79, 1.936),
    Material("PVT", "G4_PLASTIC_SC_VINYLTOLUENE", 5.58, 11.07, 1.032, 43.90, 1.956),
    Material("PbWO4", "G4_PbWO4", 68.36, 170.87, 8.28, 7.39, 1.229),
    Material("CsI", "G4_CESIUM_IODIDE", 54.02, 129.97, 4.51, 8.39, 1.243),
    Material("BGO", "G4_BGO", 62.52, 155.4, 7.13, 7.97, 1.251),
    Material("NaI", "G4_SODIUM_IODIDE", 46.56, 110.97, 3.667, 9.49, 1.305),
    Material("lead-glass", "G4_GLASS_LEAD", 64.31, 161.2, 6.22, 7.87, 1.255),
    Material("air", "G4_AIR", 7.37, 14.8, 1.205e-3, 36.62, 1.815),
)
MATERIALS = {material.name: material for material in _TABLE}
AIR = MATERIALS["air"]


def material(name: str, where: str) -> Material:
    """A material by its name.

    Raises:
        GeometryError: no such material; ``where`` names the key.
    """
    if name not in MATERIALS:
        raise GeometryError(f"{where}: unknown material {name!r}; {suggestion(name, MATERIALS)}")
    return MATERIALS[name]
