"""A stack of slabs as one effective medium, after Grindhammer and Peters, hep-ex/0001020.

Notation, with the sums over all slabs i of a layer:

    w_i       share of the mass, rho_i d_i / sum
    Z         sum w_i Z_i
    1/X0      sum w_i / X0_i                          X0 in g/cm2
    Ec        X0 sum w_i Ec_i / X0_i                  critical energy [MeV]
    1/R_M     sum w_i Ec_i / (X0_i E_s)               Moliere radius, E_s = 21.2 MeV
    F_S       X0 / sum rho_i d_i                      layers per radiation length
    e         1 / (1 + 0.007 (Z_a - Z_p))             response to electrons over that to muons;
                                                      1 where the absorber is the lighter one

a is the absorber, p the sensor. Lengths in mm are those of the stack with its gaps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from search_spaces.geometry import Geometry
from workers.simulation.detector import Detector

#: Scale energy of multiple scattering [MeV].
SCALE_MEV = 21.2
#: Stochastic term of a sensor [sqrt(GeV)] per sqrt(mm over its share of minimum ionisation): PDG,
#: Review of Particle Physics, Particle Detectors at Accelerators, after Wigmans.
SAMPLING_TERM = 0.027


@dataclass(frozen=True)
class Medium:
    """A calorimeter as one material.

    Attributes:
        z: effective atomic number.
        radiation_mm: radiation length [mm].
        critical_mev: critical energy [MeV].
        moliere_mm: Moliere radius [mm].
        frequency: F_S, layers per radiation length; infinite for a homogeneous calorimeter.
        e_over_mip: response to electrons over that to minimum ionising particles.
        mip_fraction: share of the minimum ionisation that is in sensors.
        sampling_fraction: visible over deposited energy of an electron's shower.
        sampling_term: sigma(E)/E sqrt(E) [sqrt(GeV)] of the sampling.
        maximum_shift: added to the depth of the shower maximum [radiation lengths].
    """

    z: float
    radiation_mm: float
    critical_mev: float
    moliere_mm: float
    frequency: float
    e_over_mip: float
    mip_fraction: float
    sampling_fraction: float
    sampling_term: float
    maximum_shift: float

    @property
    def homogeneous(self) -> bool:
        """Whether all of it is read out."""
        return math.isinf(self.frequency)


def medium(geometry: Geometry) -> Medium:
    """The medium of a geometry; what its ``[gflash]`` does not say is estimated.

    Raises:
        GeometryError: the geometry cannot be simulated.
    """
    detector = Detector.of(geometry)
    sensor, absorber = detector.sensor, detector.absorber
    masses = [0.1 * slab.mm * slab.material.density for slab in detector.slabs]
    mass = sum(masses)
    pairs = [(m / mass, slab.material) for m, slab in zip(masses, detector.slabs, strict=True)]
    radiation = 1 / sum(w / m.radiation for w, m in pairs)
    scattering = sum(w * m.critical_mev / m.radiation for w, m in pairs)
    mm = detector.layer_mm / mass  # of 1 g/cm2
    ionisation = sum(w * m.minimum_ionisation for w, m in pairs)
    seen = 0.1 * sensor.mm * sensor.material.density / mass * sensor.material.minimum_ionisation
    mip_fraction = seen / ionisation
    e_over_mip = 1.0
    if absorber is not None:
        # The fit is of heavy absorbers: beyond, sensors would see more than there is.
        e_over_mip = 1 / (1 + 0.007 * max(absorber.material.z - sensor.material.z, 0))
    term = 0.0 if absorber is None else SAMPLING_TERM * math.sqrt(sensor.mm / mip_fraction)
    tuned = geometry.gflash
    return Medium(
        z=sum(w * m.z for w, m in pairs),
        radiation_mm=radiation * mm,
        critical_mev=radiation * scattering,
        moliere_mm=SCALE_MEV / scattering * mm,
        frequency=math.inf if absorber is None else radiation / mass,
        e_over_mip=e_over_mip,
        mip_fraction=mip_fraction,
        sampling_fraction=tuned.sampling_fraction or mip_fraction * e_over_mip,
        sampling_term=tuned.sampling_term or term,
        maximum_shift=tuned.maximum_shift,
    )
