"""The file of a simulation, and the blocks on disk that it is put together from.

While it runs, a simulation lives in a folder beside its file, ``FILE.parts``: the job, the label,
and one file per block of showers, each of which appears whole. A kill loses the blocks at work;
the same job goes on with those that are missing. At the end the file appears whole, and the folder
goes. As every shower has its own random stream, the file is that of an undisturbed simulation.
"""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import h5py
import numpy as np
from numpy.typing import NDArray

from objectives.showers import Conditions, Showers
from search_spaces.documents import read_json
from search_spaces.errors import ConfigError
from search_spaces.geometry import Geometry
from search_spaces.records import decode, encode
from search_spaces.whole import whole
from workers.data.writing import ShowerWriter, new_file
from workers.simulation.job import CPU_SECONDS, Job
from workers.simulation.label import Label, label_of
from workers.simulation.primaries import Primary

Array = NDArray[np.float32]

Told = TypeVar("Told", Job, Label)
_JOB, _LABEL, _LOCK, _DATA = "job.json", "label.json", "lock", "geant4-data"


@dataclass(frozen=True, eq=False)
class Block:
    """Some showers, and the CPU time [s] of each (n,)."""

    showers: Showers
    cpu_seconds: NDArray[np.float64]

    @classmethod
    def of(
        cls, made: Iterable[tuple[Array, float]], shot: Sequence[Primary], geometry: Geometry
    ) -> Block:
        """Cells (x, y, z) [GeV] with CPU times, and the primaries that made them."""
        cells, seconds = zip(*made, strict=True)
        # A type that the geometry does not name is the only one: nothing stores it.
        places = {name: place for place, name in enumerate(geometry.particles)}
        conditions = Conditions.of(
            [primary.energy for primary in shot],
            [primary.theta for primary in shot],
            [places.get(primary.particle, 0) for primary in shot],
        )
        return cls(Showers(np.stack(cells), conditions), np.array(seconds))


class Parts:
    """The folder of an unfinished simulation.

    Args:
        out: the file that the simulation is to make.
    """

    def __init__(self, out: Path) -> None:
        self.out = out
        self.folder = out.with_name(f"{out.name}.parts")

    @property
    def data(self) -> Path:
        """Folder of the data files that are computed for Geant4."""
        return self.folder / _DATA

    @property
    def job(self) -> Job:
        """The job that is being done; raises ConfigError if its file is damaged."""
        return self._told(Job, _JOB)

    @property
    def label(self) -> Label:
        """What makes the showers, there as soon as a block is; raises as :attr:`job`."""
        return self._told(Label, _LABEL)

    def begin(self, job: Job) -> None:
        """Begin a job, or go on with it.

        Raises:
            ConfigError: the folder holds another job, or cannot be written.
        """
        try:
            self.folder.mkdir(exist_ok=True)
            self.data.mkdir(exist_ok=True)
        except OSError as failure:
            raise ConfigError(
                f"{self.out}: cannot be written ({failure.strerror}); choose another file"
            ) from failure
        if not (self.folder / _JOB).exists():
            self._whole(_JOB, json.dumps(encode(job)).encode())
        elif self.job != job:
            raise ConfigError(
                f"{self.folder}: holds the showers of another, unfinished simulation; give its "
                "options to go on, choose another file, or remove the folder"
            )

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep a second simulation out; the kernel opens the lock of one that died.

        Raises:
            ConfigError: there is one.
        """
        with (self.folder / _LOCK).open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as failure:
                raise ConfigError(
                    f"{self.out}: another process is simulating it; wait for its end"
                ) from failure
            except OSError:
                pass  # a file system without locks
            yield

    def missing(self, job: Job) -> list[int]:
        """Numbers of the blocks that are still to be made."""
        return [b for b in range(job.blocks) if not self._path(b).exists()]

    def name(self, label: Label) -> None:
        """Say what makes the showers."""
        self._whole(_LABEL, json.dumps(encode(label)).encode())

    def write(self, number: int, block: Block) -> None:
        """Store a block."""
        with whole(self._path(number)) as part, part.open("wb") as file:
            np.savez_compressed(
                file,
                cells=block.showers.cells,
                cpu_seconds=block.cpu_seconds,
                **vars(block.showers.conditions),
            )

    def read(self, number: int) -> Block:
        """A stored block."""
        with np.load(self._path(number), allow_pickle=False) as file:
            conditions = Conditions(file["energy"], file["theta"], file["particle"])
            return Block(Showers(file["cells"], conditions), file["cpu_seconds"])

    def finish(self, job: Job) -> None:
        """Put the file together, and remove the folder.

        Raises:
            ConfigError: there is no room for it; the showers stay.
        """
        part = self.folder / "whole.part"
        try:
            with new_file(part) as file:
                _fill(file, job, (self.read(b) for b in range(job.blocks)))
                self.label.write(file)
                _describe(file, job)
            part.replace(self.out)
        except OSError as failure:
            raise ConfigError(
                f"{self.out}: cannot be written ({failure}); make room, and give the same "
                "command again"
            ) from failure
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:06d}.npz"

    def _told(self, kind: type[Told], name: str) -> Told:
        try:
            return decode(kind, read_json(self.folder / name, ConfigError), str(self.folder))
        except ConfigError as failure:
            raise ConfigError(f"{failure}; or remove the folder to begin again") from failure

    def _whole(self, name: str, content: bytes) -> None:
        with whole(self.folder / name) as part:
            part.write_bytes(content)


def is_done(out: Path, job: Job) -> bool:
    """Whether the file is there already.

    Raises:
        ConfigError: it holds anything else, which is never overwritten.
    """
    if not out.exists():
        return False
    with suppress(OSError, KeyError, ValueError), h5py.File(out, "r") as file:
        if json.loads(file.attrs["job"]) == json.loads(json.dumps(encode(job))):
            return True
    label = label_of(out)
    holds = f"{label.engine} showers of another simulation" if label else "something else"
    raise ConfigError(
        f"{out}: a file that is there must be of this job, got {holds}; choose another"
    )


def _fill(file: h5py.File, job: Job, blocks: Iterator[Block]) -> None:
    """The showers as the geometry's ``[storage]`` has them, and the CPU time of each."""
    writer = ShowerWriter(file, job.geometry, job.events)
    seconds = file.create_dataset(CPU_SECONDS, (job.events,), "f4")
    for block in blocks:
        seconds[writer.written : writer.written + len(block.showers)] = block.cpu_seconds
        writer.append(block.showers)


def _describe(file: h5py.File, job: Job) -> None:
    """What else a reader wants to know, and the job itself."""
    beam = job.beam
    file.attrs["job"] = json.dumps(encode(job))
    file.attrs["geometry"] = job.geometry.name
    file.attrs["particles"] = ", ".join(beam.particles)
    file.attrs["energy_gev"], file.attrs["theta_degrees"] = beam.energy, beam.theta
    file.attrs["seed"] = beam.seed
    file.attrs["tilt_axis"] = "y"
    file.attrs["units"] = (
        f"cells: {job.geometry.storage.gev_per_unit:g} GeV, deposited in the sensors; theta: rad, "
        "pi/2 is normal incidence; cpu_seconds: of each shower"
    )
