"""A table of real trials as a problem: a strategy meets trainings that were done before.

The file holds one JSON object a line, and may be compressed (``.jsonl.gz``). The first
says what the trials have in common, every other one is a trial::

    {"format": "metaopt trials 1", "space": {...}, "epochs": 8, "showers": 500, ...}
    {"point": {...}, "seed": 1, "outcome": "complete", "score": 0.71, "seconds": 80.2,
     "rungs": [{"epoch": 1, "showers": 500, "score": 1.32, "seconds": 10.1}, ...]}

``space`` holds the tables of a search-space TOML. S of a rung and of the end come from
different draws of latent vectors, as in a study. A configuration may stand with several
seeds; S without noise is then their mean.

**A proposal is answered with the nearest configuration of the table that was not tried
before**, by the distance in the unit cube (``SearchSpace.encode``; two different choices
are at distance 1), and it is this configuration, not the proposed one, that the strategy
is told. So no score is made up; but a strategy cannot be finer than the table is dense,
and after as many trials as there are rows all strategies are equal.
"""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from metaopt.bench.problem import Rung, Training, failed
from objectives.objective import WORST
from search_spaces.documents import DAMAGE
from search_spaces.errors import DataError, InputError
from search_spaces.loader import space_from_tables
from search_spaces.parameters import Point, Value
from search_spaces.records import decode
from search_spaces.space import Array, Key, SearchSpace

FORMAT = "metaopt trials 1"
#: Of all lines, unpacked.
MAX_BYTES = 256 * 2**20


@dataclass(frozen=True)
class Header:
    """What the trials of a table have in common; ``about`` is for people."""

    format: str
    space: Mapping[str, Any]
    epochs: int
    showers: int
    about: Mapping[str, Any]


@dataclass(frozen=True)
class ScoredEpoch:
    """A rung as it is stored: showers and seconds are counted from the start."""

    epoch: int
    showers: int
    score: float
    seconds: float


@dataclass(frozen=True)
class Row:
    """One trial; ``reason`` says why a failed one failed."""

    point: Mapping[str, Value]
    seed: int
    outcome: Literal["complete", "failed"]
    seconds: float
    rungs: tuple[ScoredEpoch, ...]
    score: float = WORST
    reason: str = ""

    @property
    def training(self) -> Training:
        """The course of the trial."""
        rungs = tuple(Rung(r.epoch, r.score, r.seconds) for r in self.rungs)
        if self.outcome == "failed":
            return failed(rungs, self.seconds)
        return Training(rungs, self.score, self.seconds)


@dataclass(frozen=True)
class TrialTable:
    """The problem that a table poses.

    Attributes:
        configurations: the rows of each configuration, in the order of the file.
    """

    name: str
    space: SearchSpace
    epochs: int
    configurations: tuple[tuple[Row, ...], ...]

    @property
    def size(self) -> int:
        """Number of configurations."""
        return len(self.configurations)

    @cached_property
    def _features(self) -> Array:
        return self.space.encode(rows[0].point for rows in self.configurations)

    @cached_property
    def _keys(self) -> dict[Key, int]:
        return {self.space.key(rows[0].point): i for i, rows in enumerate(self.configurations)}

    def settle(self, point: Point, taken: Set[Key]) -> Point:
        """The nearest configuration that is not taken; of equals the first of the file.

        Raises:
            DataError: all are taken.
        """
        distance = np.linalg.norm(self._features - self.space.encode([point]), axis=1)
        distance[[self._keys[key] for key in taken if key in self._keys]] = math.inf
        nearest = int(np.argmin(distance))
        if math.isinf(distance[nearest]):
            raise DataError(
                f"{self.name}: at most {self.size} trials (its configurations) can be made; "
                "ask for fewer"
            )
        return self.configurations[nearest][0].point

    def train(self, point: Point, seed: int) -> Training:
        """The course of one of the configuration's trials, chosen by ``seed``."""
        rows = self._rows(point)
        return rows[seed % len(rows)].training

    def truth(self, point: Point) -> float:
        """The mean final S over the configuration's seeds; the worst one counts for a failure."""
        rows = self._rows(point)
        return sum(row.training.score for row in rows) / len(rows)

    def _rows(self, point: Point) -> Sequence[Row]:
        return self.configurations[self._keys[self.space.key(point)]]


def load_table(file: str) -> TrialTable:
    """The problem in a file of trials.

    Raises:
        DataError: the file cannot be read or breaks the format; with file, line and rule.
    """
    lines = list(read_lines(Path(file)))
    if not lines:
        raise DataError(f"{file}: the first line must say what the trials are, got an empty file")
    header = read_header(lines[0], f"{file}, line 1")
    space = read_space(header, file)
    grouped: dict[Key, list[Row]] = {}
    for number, line in enumerate(lines[1:], start=2):
        row = read_row(line, space, header.epochs, f"{file}, line {number}")
        same = grouped.setdefault(space.key(row.point), [])
        if any(other.seed == row.seed for other in same):
            raise DataError(f"{file}, line {number}: point and seed stand there twice; remove one")
        same.append(row)
    if not grouped:
        raise DataError(f"{file}: a table needs at least one trial, got none")
    configurations = tuple(tuple(rows) for rows in grouped.values())
    return TrialTable(Path(file).name, space, header.epochs, configurations)


def read_lines(path: Path) -> Iterator[str]:
    """The lines of a plain or compressed file that are not empty.

    Raises:
        DataError: it cannot be read.
    """
    try:
        # What is packed small may be large.
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        text = content.decode("utf-8")
    except DAMAGE as failure:
        raise DataError(f"{path}: cannot be read ({failure}); check the file") from failure
    if len(content) > MAX_BYTES:
        raise DataError(f"{path}: at most {MAX_BYTES >> 20} MiB of trials can be read, got more")
    return (line for line in text.splitlines() if line.strip())


def read_header(line: str, where: str) -> Header:
    """What the trials of a table have in common."""
    header = decode(Header, _object(line, where), where, DataError)
    if header.format != FORMAT or header.epochs < 1:
        raise DataError(
            f"{where}: format {FORMAT!r} and at least one epoch are needed, got "
            f"{header.format!r} and {header.epochs}"
        )
    return header


def read_space(header: Header, where: str) -> SearchSpace:
    """The search space of a table."""
    try:
        return space_from_tables(header.space, where, "table")
    except InputError as failure:
        raise DataError(f"{where}: {failure}") from failure


def read_row(line: str, space: SearchSpace, epochs: int, where: str) -> Row:
    """One trial, checked against the space and the budget."""
    row = decode(Row, _object(line, where), where, DataError)
    try:
        space.check(row.point, where)
    except InputError as failure:
        raise DataError(str(failure)) from failure
    seen = [rung.epoch for rung in row.rungs]
    times = [rung.seconds for rung in row.rungs] + [row.seconds]
    numbers = [row.score, *times, *(rung.score for rung in row.rungs)]
    if not all(math.isfinite(n) for n in numbers):
        raise DataError(f"{where}: scores and seconds must be finite; leave the trial out")
    if seen != sorted(set(seen)) or times != sorted(times) or min(times) < 0:
        raise DataError(f"{where}: rungs must be in order of epoch and time, got epochs {seen}")
    if seen and (seen[0] < 1 or seen[-1] > epochs):
        raise DataError(f"{where}: epochs must lie in 1 to {epochs}, got {seen}")
    if row.outcome == "complete" and seen[-1:] != [epochs]:
        raise DataError(f"{where}: a complete trial must reach epoch {epochs}, got {seen}")
    return row


def _object(line: str, where: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as failure:
        raise DataError(f"{where}: not JSON ({failure}); remove the line") from failure
