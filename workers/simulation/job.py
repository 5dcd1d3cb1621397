"""One simulation: what decides its content, checked before the first shower."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, replace
from importlib import metadata
from importlib.util import find_spec
from typing import Literal

from search_spaces.errors import ConfigError, MissingExtraError
from search_spaces.geometry import Geometry, GFlash
from search_spaces.records import suggestion
from search_spaces.seeds import check_seed
from workers.data.layouts import check_keys
from workers.simulation import gflash
from workers.simulation.detector import Detector
from workers.simulation.em_data import data_sets
from workers.simulation.primaries import PARTICLES, Beam

#: Data set of the time that each shower took.
CPU_SECONDS = "cpu_seconds"
Engine = Literal["geant4", "gflash"]
ENGINES: tuple[Engine, ...] = ("geant4", "gflash")
#: Production cut of Geant4 [mm]: larger ones save less than a fifth of the time.
CUT_MM = 0.7
#: Showers that are simulated and stored together: what a kill can lose, per process.
BLOCK = {"geant4": 10, "gflash": 500}


@dataclass(frozen=True)
class Job:
    """Equal jobs give equal showers.

    Attributes:
        geometry: of the showers.
        engine: by which they are made.
        release: of the engine: a job that is resumed must not mix two.
        events: number of showers.
        beam: of the primaries.
        cut_mm: production cut of Geant4 [mm].
    """

    geometry: Geometry
    engine: Engine
    release: str
    events: int
    beam: Beam
    cut_mm: float = CUT_MM

    @property
    def blocks(self) -> int:
        """Number of blocks."""
        return math.ceil(self.events / BLOCK[self.engine])

    def showers(self, block: int) -> tuple[int, int]:
        """The first shower of a block, and the one after its last."""
        size = BLOCK[self.engine]
        return block * size, min((block + 1) * size, self.events)


def make_job(
    geometry: Geometry,
    engine: Engine,
    events: int,
    *,
    energy: tuple[float, float] | None = None,
    theta: tuple[float, float] | None = None,
    particles: tuple[str, ...] = (),
    seed: int = 0,
    cut_mm: float | None = None,
) -> Job:
    """A job that can be done; what is not given is the geometry's.

    Args:
        geometry: of the showers.
        engine: geant4 or gflash.
        events: number of showers.
        energy: range of the primary energy [GeV].
        theta: range of the angle of incidence [degrees].
        particles: types of the primaries.
        seed: of all random draws.
        cut_mm: production cut of Geant4 [mm], by default 0.7; the parametrisation has none.

    Raises:
        GeometryError: the geometry cannot be simulated.
        ConfigError: a value breaks a rule.
        MissingExtraError: Geant4 is not installed.
    """
    check_seed("--seed", seed)
    if events < 1:
        raise ConfigError(f"events >= 1 must hold, got {events}")
    cut = _cut(engine, cut_mm)
    beam = Beam(
        _within("energy", energy or geometry.energy, geometry.energy, "GeV"),
        _within("theta", theta or geometry.theta, geometry.theta, "degrees"),
        particles or geometry.particles,
        seed,
    )
    check_simulable(geometry, engine, beam.particles)
    if engine == "geant4":
        # A better tuned parametrisation must not keep a full simulation from being resumed.
        geometry = replace(geometry, gflash=GFlash())
    return Job(geometry, engine, release(engine), events, beam, cut)


def check_simulable(geometry: Geometry, engine: Engine, particles: tuple[str, ...]) -> None:
    """Refuse what an engine cannot simulate, installed or not.

    Raises:
        GeometryError: the geometry is of another kind, or its file could not be written.
        ConfigError: angles could not be stored, or particles neither made nor stored.
    """
    Detector.of(geometry)
    check_keys(geometry, CPU_SECONDS)
    _check_angle(geometry)
    _check_particles(geometry, engine, particles)


def release(engine: Engine) -> str:
    """Package and version that an engine comes from, and the data set that it reads.

    Raises:
        MissingExtraError: it is not installed.
    """
    package = "metaopt" if engine == "gflash" else "geant4-pybind"
    if engine == "geant4" and find_spec("geant4_pybind") is None:
        raise MissingExtraError(
            "--engine geant4 needs geant4-pybind, which is not installed; "
            "pip install 'metaopt[geant4]', or --engine gflash for a parametrisation"
        )
    given = data_sets(os.environ) if engine == "geant4" else None
    return f"{package} {metadata.version(package)}" + (f", {given.name}" if given else "")


def _cut(engine: Engine, given: float | None) -> float:
    """Equal for all jobs that it does not change."""
    if given is None:
        return CUT_MM
    if engine == "gflash":
        raise ConfigError(
            f"--cut is a production cut of Geant4, got {given:g} for --engine gflash; leave it out"
        )
    if not 0 < given < math.inf:
        raise ConfigError(f"a production cut > 0 mm must hold, got {given:g}; correct --cut")
    return given


def _within(
    what: str, asked: tuple[float, float], allowed: tuple[float, float], unit: str
) -> tuple[float, float]:
    low, high = asked
    if not allowed[0] <= low <= high <= allowed[1]:
        raise ConfigError(
            f"--{what} must be LOW:HIGH within the geometry's [{allowed[0]:g}, {allowed[1]:g}] "
            f"{unit}, got {low:g}:{high:g}; or widen {what} in the geometry file"
        )
    return asked


def _check_angle(geometry: Geometry) -> None:
    if not geometry.storage.theta and geometry.has_angle:
        raise ConfigError(
            f"geometry {geometry.name!r} stores no angle, so theta must be one, got "
            f"{geometry.theta[0]:g}:{geometry.theta[1]:g}; name a data set in storage.theta"
        )


def _check_particles(geometry: Geometry, engine: Engine, particles: tuple[str, ...]) -> None:
    known = gflash.PARTICLES if engine == "gflash" else PARTICLES
    for name in particles:
        if name not in known:
            other = "; --engine geant4 can" if name in PARTICLES else ""
            raise ConfigError(
                f"engine {engine!r} cannot simulate {name!r}{other}; {suggestion(name, known)}"
            )
    several = len(particles) > 1 or bool(geometry.storage.particle)
    if several and not (geometry.storage.particle and set(particles) <= set(geometry.particles)):
        raise ConfigError(
            f"several particle types need storage.particle and particles in the geometry file, "
            f"got {', '.join(particles)} for {list(geometry.particles)}; add them, or give one"
        )
