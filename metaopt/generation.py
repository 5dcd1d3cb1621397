"""Many showers of a trained model, written to a file as they are made.

They are made in blocks of a size that the geometry fixes, each from a random generator of
(seed, block) and on one thread: neither the number of processes nor their order changes a bit of
the file. In memory are only the blocks at work.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import metaopt
from metaopt.export import FILES, NEAR, PRODUCTION, Production, Ranges, load_model, load_production
from metaopt.processes import in_order
from metaopt.provenance import versions
from objectives.showers import Conditions, Showers
from search_spaces.errors import ConfigError, DataError
from search_spaces.geometry import Geometry
from search_spaces.records import encode, suggestion
from search_spaces.seeds import check_seed
from workers.data.writing import ShowerWriter, appearing, new_file
from workers.models.base import GenerativeModel
from workers.simulation.label import Label

#: Cells of one block of showers [bytes], and bounds of its showers.
BLOCK_BYTES, BLOCK_SHOWERS = 16 * 2**20, (1, 256)

Range = tuple[float, float]
#: Of the conditions that are ranges.
UNITS = {"energy": "GeV", "theta": "degrees"}
#: Files and models hold conditions in single precision.
LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Order:
    """Which showers are made.

    Attributes:
        events: their number.
        energy: lowest and highest primary energy [GeV], flat in between.
        theta: lowest and highest angle of incidence [degrees], flat in between.
        particles: places in the geometry's ``particles``, each as likely as the others.
        seed: of every random draw.
    """

    events: int
    energy: Range
    theta: Range
    particles: tuple[int, ...]
    seed: int = 0

    def conditions(self, block: int, n: int) -> tuple[Conditions, int]:
        """Conditions of the n showers of a block, and the seed of their noise."""
        rng = np.random.default_rng([self.seed, block])
        energy = rng.uniform(*self.energy, n)
        theta = np.radians(rng.uniform(*self.theta, n))
        particle = rng.choice(np.array(self.particles), n)
        return Conditions.of(energy, theta, particle), int(rng.integers(2**63))


def make_order(
    geometry: Geometry,
    events: int,
    *,
    trained: Ranges | None = None,
    energy: Range | None = None,
    theta: Range | None = None,
    particle: str | None = None,
    seed: int = 0,
    extrapolate: bool = False,
) -> Order:
    """An order that a model trained for ``geometry`` can serve.

    What is not given is as in the training: the whole ranges, all particles. ``trained`` are those
    of its showers, by default the geometry's.

    Raises:
        ConfigError: a value is out of range, or outside of what the model was trained for without
            ``extrapolate``.
    """
    names = geometry.particles
    if particle is not None and particle not in names:
        raise ConfigError(
            f"the model makes no showers of {particle!r}; {suggestion(particle, names)}"
        )
    check_seed("--seed", seed)
    if events < 1:
        raise ConfigError(f"events >= 1 must hold, got {events}")
    chosen = tuple(range(len(names))) if particle is None else (names.index(particle),)
    known = trained or Ranges(geometry.energy, geometry.theta)
    made = Order(events, energy or known.energy, theta or known.theta, chosen, seed)
    remedy = "" if extrapolate else "use --extrapolate to go on"
    _check("energy", made.energy, known.energy, geometry.energy, remedy)
    if not made.energy[0] > 0:
        raise ConfigError(f"energy must be above 0 GeV, got {made.energy[0]:g}")
    if not geometry.has_angle:
        remedy = "the model has no other"
    _check("theta", made.theta, known.theta, geometry.theta, remedy)
    if not (made.theta[0] > 0 and made.theta[1] < 180):
        raise ConfigError(
            "theta must lie between 0 and 180 degrees, where the front face is, got "
            f"{made.theta[0]:g}:{made.theta[1]:g}; give angles in degrees"
        )
    return made


def _check(name: str, got: Range, trained: Range, whole: Range, remedy: str) -> None:
    """Raise :class:`ConfigError` for a range that is none, and one beyond ``trained``.

    The first and the last training event are not at the ends of what was simulated: as much as
    that may be, the order may go beyond them, though not beyond the geometry's ``whole`` range.
    Without a remedy it may go anywhere.
    """
    unit = UNITS[name]
    if not (all(abs(end) <= LARGEST for end in got) and got[0] <= got[1]):
        raise ConfigError(
            f"{name} must be LOW:HIGH with LOW <= HIGH, up to {LARGEST:.0e}, "
            f"got {got[0]:g}:{got[1]:g}"
        )
    slack = NEAR * (trained[1] - trained[0])
    low = max(min(whole[0], trained[0]), trained[0] - min(slack, trained[0] / 10))
    high = min(max(whole[1], trained[1]), trained[1] + slack)
    if remedy and (got[0] < low or got[1] > high):
        raise ConfigError(
            f"{name} must lie in {trained[0]:g}:{trained[1]:g} {unit}, for which the model was "
            f"trained, got {got[0]:g}:{got[1]:g}; {remedy}"
        )


@dataclass(frozen=True)
class Blocks:
    """What a process needs to know: the model's folder, and the order."""

    folder: Path
    order: Order

    def worker(self) -> Callable[[int], Showers]:
        """Load the model; what is returned makes the showers of a block."""
        geometry = load_production(self.folder).geometry
        # One thread: the sums of a convolution may depend on how many share it.
        model = load_model(self.folder, cpus=1)
        return lambda block: make_block(model, geometry, self.order, block)


def make_block(model: GenerativeModel, geometry: Geometry, order: Order, block: int) -> Showers:
    """The showers of a block; cells below the geometry's threshold read zero, as in the data.

    Raises:
        DataError: a shower is not finite, as may be far from what the model was trained for.
    """
    size = block_size(geometry)
    conditions, draw = order.conditions(block, min(size, order.events - block * size))
    cells = model.generate(conditions, draw)
    finite = np.isfinite(cells).all(axis=(1, 2, 3))
    if not finite.all():
        energy = conditions.energy[~finite][0]
        raise DataError(
            f"showers must be finite, the model's of {energy:g} GeV is not; "
            "stay nearer to what it was trained for, or export another"
        )
    return Showers(np.where(cells < geometry.threshold, np.float32(0), cells), conditions)


def generate(
    folder: Path, order: Order, out: Path, processes: int, tell: Callable[[int], None]
) -> None:
    """Write the showers of an order to a new file, which appears when it is whole.

    Args:
        folder: of a model: an export, or the result of a training.
        order: which showers.
        out: HDF5 file that is not there yet.
        processes: that make showers; they change nothing in the file.
        tell: told the number of showers that there are.

    Raises:
        ConfigError: the folder holds no model, or the file cannot be written.
        DataError: the model's files are damaged, or it makes showers that are not finite.
        ExecutorError: a process was killed.
    """
    production = load_production(folder)
    geometry = production.geometry
    blocks = -(-order.events // block_size(geometry))
    with appearing(out) as part:
        made = in_order(Blocks(folder, order).worker, range(blocks), min(processes, blocks))
        _write(part, production, order, made, model_digest(folder), tell)


def _write(
    part: Path,
    production: Production,
    order: Order,
    made: Iterator[Showers],
    digest: str,
    tell: Callable[[int], None],
) -> None:
    with new_file(part) as file:
        writer = ShowerWriter(file, production.geometry, order.events)
        tell(0)
        for showers in made:
            writer.append(showers)
            tell(writer.written)
        what = f"generated by {production.model.preset}, model {digest[:12]}"
        Label(production.model.family, metaopt.__version__, what, parametrised=True).write(file)
        file.attrs.update(_provenance(production, order, digest))


def _provenance(production: Production, order: Order, digest: str) -> dict[str, object]:
    """What a reader of the file wants to know, as attributes."""
    geometry = production.geometry
    return {
        "model_digest": digest,
        "model": json.dumps(encode(production.model)),
        "model_provenance": json.dumps(encode(production.provenance)),
        "geometry": json.dumps(encode(geometry)),
        "particles": ", ".join(geometry.particles[place] for place in order.particles),
        "energy_gev": order.energy,
        "theta_degrees": order.theta,
        "threshold_gev": geometry.threshold,
        "seed": order.seed,
        "versions": json.dumps(versions()),
    }


def block_size(geometry: Geometry) -> int:
    """Showers of one block: the same on every machine."""
    return int(np.clip(BLOCK_BYTES // (4 * np.prod(geometry.shape)), *BLOCK_SHOWERS))


def model_digest(folder: Path) -> str:
    """SHA-256 of the names and contents of a model's files, and not of what lies beside them.

    Where the export does not name them, all files count.
    """
    named = load_production(folder).provenance.get(FILES)
    of_model = {PRODUCTION, *map(str, named)} if isinstance(named, list) else None
    digest = hashlib.sha256()
    for file in sorted(f for f in folder.iterdir() if f.is_file()):
        if of_model is not None and file.name not in of_model:
            continue
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        digest.update(f"{file.name} {content}\n".encode())
    return digest.hexdigest()
