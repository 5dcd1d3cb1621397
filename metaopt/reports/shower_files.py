"""Two shower files to a validation, read in blocks: memory does not grow with the cells.

Notation:

    fitted    showers of the reference file that pulls and floors are fitted to
    judged    those that generated showers are compared with
    null      those that take the place of generated showers: Geant4 against Geant4

The parts are those of a fixed random permutation, as files may be in any order. The
reference file is read twice: which cells no shower fills is an observable of the others.

Generated showers are compared with those of their own particle types. Where there are several,
each type is scored alone too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import reduce
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from metaopt.reports.conditions import covered
from metaopt.reports.particles import (
    Places,
    narrowed,
    other_types,
    places_of,
    renumbered,
    rows_of,
    shared_places,
)
from metaopt.reports.validation import FullSimulation, Validation, compare
from objectives.crosschecks import Profiles, as_stored
from objectives.observables import features
from objectives.reference import MIN_TRAINING, MIN_VALIDATION, Reference, check_usable
from objectives.showers import Conditions, Showers
from objectives.views import Observed, View, observe, view
from search_spaces.errors import DataError
from search_spaces.geometry import Geometry
from workers.data import ShowerFile
from workers.data.files import check
from workers.simulation.label import parametrised

Index = NDArray[np.int64]
Say = Callable[[str], None]
#: Of the cells of files.
Types = tuple[np.dtype[np.generic], ...]

#: Shares of the reference file: fitted, judged; the rest is null.
FITTED, JUDGED = 0.5, 0.25
#: Number of the part that is left.
NULL = 2
#: Fewest showers of the reference file.
MIN_EVENTS = round(MIN_TRAINING / FITTED)


def validate(
    generated: str, reference: str, geometry: Geometry, events: int, seed: int, say: Say
) -> Validation:
    """Compare a file of generated showers with one of the full simulation.

    Args:
        generated: path of a file with each shower's own conditions; cells may hold anything.
            Showers outside of the reference's conditions are left out, and told.
        reference: path of a file with at least 160 usable showers of the generated ones' types.
        geometry: of both.
        events: at most so many showers of each file, drawn at random; 0 = all.
        seed: of the draw, and of the parts of the reference.
        say: takes a line of progress.

    Raises:
        DataError: a file cannot be read or does not fit, or has too few showers.
    """
    given, known = (conditions_of(path, geometry) for path in (generated, reference))
    places = shared_places(given, known, geometry, reference)
    files = _Files(generated, reference, given, geometry, events, seed, say)
    whole = files.compared(places)
    notes = [*parametrised((generated, reference)), *other_types(given, known, places, geometry)]
    alone = {}
    for place in places if len(places) > 1 else ():
        name = geometry.particles[place]
        try:
            alone[name] = files.compared((place,))
        except DataError as reason:
            notes.append(f"{name} is not scored alone: {reason}")
    return replace(whole, notes=(*whole.notes, *notes), particles=alone)


@dataclass(frozen=True)
class _Files:
    """Two files, and how their showers are drawn: see :func:`validate`."""

    generated: str
    reference: str
    given: Conditions
    geometry: Geometry
    events: int
    seed: int
    say: Say

    def compared(self, places: Places) -> Validation:
        """The showers of some types, those of the generated file at the ``given`` conditions."""
        geometry, generated = narrowed(self.geometry, places), self.generated
        coarse = coarse_types((generated, self.reference), self.geometry)
        full = full_simulation(
            self.reference, self.geometry, self.events, self.seed, self.say, coarse, places
        )
        rows = rows_of(self.given, places, self.geometry)
        rows = rows[drawn(len(rows), self.events, self.seed)]
        whole = Conditions.joined([full.judged.features.conditions, full.fitted.conditions])
        inside = rows[covered(self.given[rows], whole, geometry)]
        if len(inside) < MIN_VALIDATION:
            few = len(rows) < MIN_VALIDATION
            remedy = "generate more" if few else "generate for the reference's range"
            raise DataError(
                f"{generated}: at least {MIN_VALIDATION} showers must be at the reference's "
                f"energies and angles, got {len(inside)} of {len(rows)}; {remedy}"
            )
        self.say(f"{generated}: {len(inside):,} generated showers")
        showers = blocks(generated, self.geometry, inside, coarse, places)
        seen = observe(showers, geometry, full.reference.features)
        result = compare((Path(generated).name, Path(self.reference).name), *seen, full)
        notes = _left_out(len(rows) - len(inside), whole, geometry)
        return replace(result, notes=(*result.notes, *notes))


def full_simulation(
    path: str,
    geometry: Geometry,
    events: int,
    seed: int,
    say: Say,
    coarse: Types = (),
    places: Places | None = None,
) -> FullSimulation:
    """The reference file's side: two passes over the file, its cells read as ``coarse``.

    With ``places`` only the showers of these particle types, whose numbers are then among them.

    Raises:
        DataError: they are too few, or one cannot be a shower of a full simulation.
    """
    places = places_of(geometry) if places is None else places
    rows = rows_of(conditions_of(path, geometry), places, geometry)
    rows = rows[drawn(len(rows), events, seed)]
    if len(rows) < MIN_EVENTS:
        raise DataError(
            f"{path}: a reference needs at least {MIN_EVENTS} showers, as only half of them are "
            f"fitted to, got {len(rows)}; give a larger file, or more --events"
        )
    shuffled = np.random.default_rng(seed).permutation(len(rows))
    part = np.digitize(shuffled, np.array([FITTED, FITTED + JUDGED]) * len(rows))
    say(f"{path}: {len(rows):,} full-simulation showers, first pass")
    alone = narrowed(geometry, places)
    known, other = _views(blocks(path, geometry, rows, coarse, places, full=True), alone, part)
    say(f"{path}: second pass")
    again = blocks(path, geometry, rows, coarse, places)
    fitted, judged, null = _observed(again, alone, part, known.hits)
    for seen in (fitted, judged, null):
        check_usable(seen.features.bad, geometry, "full-simulation")
    say("fitting pulls, measuring floors")
    reference = Reference.of_features(fitted.features, judged.features, alone, known.hits == 0)
    used = fitted.features.sample(reference.names)
    return FullSimulation(reference, judged, null, used, known + other)


def _views(showers: Iterator[Showers], geometry: Geometry, part: Index) -> tuple[View, View]:
    """Views of the showers that make the reference, and of the null showers."""
    totals: dict[bool, View] = {}
    for block, parts in _with_parts(showers, part):
        for null in (False, True):
            chosen = (parts == NULL) == null
            if chosen.any():
                seen = view(block[chosen], geometry)
                totals[null] = totals[null] + seen if null in totals else seen
    return totals[False], totals[True]


def _observed(
    showers: Iterator[Showers], geometry: Geometry, part: Index, hits: Index
) -> tuple[Observed, Observed, Observed]:
    """The three parts, each in the order of the file.

    Cells that only one shower of the reference fills are unseen for that shower, as the
    reference itself has it.
    """
    found: tuple[list[Observed], ...] = ([], [], [])
    for block, parts in _with_parts(showers, part):
        for i, unseen in enumerate((hits <= 1, hits <= 1, hits == 0)):
            if (parts == i).any():
                some = block[parts == i]
                seen = features(some, geometry, unseen)
                found[i].append(Observed(seen, Profiles.of(some, geometry)))
    fitted, judged, null = (Observed.joined(f) for f in found)
    return fitted, judged, null


def _with_parts(showers: Iterator[Showers], part: Index) -> Iterator[tuple[Showers, Index]]:
    start = 0
    for block in showers:
        yield block, part[start : start + len(block)]
        start += len(block)


def drawn(total: int, events: int, seed: int) -> Index:
    """Which of all showers are used, in the file's order."""
    if not events or events >= total:
        return np.arange(total)
    return np.sort(np.random.default_rng([seed, total]).permutation(total)[:events])


def _left_out(count: int, known: Conditions, geometry: Geometry) -> tuple[str, ...]:
    if not count:
        return ()
    ranges = f"{known.energy.min():.3g} to {known.energy.max():.3g} GeV"
    if geometry.has_angle:
        low, high = np.degrees((known.theta.min(), known.theta.max()))
        ranges += f", {low:.3g} to {high:.3g} degrees"
    note = (
        f"{count:,} generated showers are left out: their energies or angles are outside of the "
        f"reference's ({ranges}), where nothing is known of the full simulation"
    )
    return (note,)


def blocks(
    path: str, geometry: Geometry, rows: Index, coarse: Types, places: Places, full: bool = False
) -> Iterator[Showers]:
    """The showers of ascending numbers, in blocks; ``full`` ones must be of a full simulation."""
    with ShowerFile(path, geometry) as file:
        for events, block in file.blocks(rows):
            if full:
                check(events, block, file, anywhere=True)
            stored = reduce(lambda s, kind: as_stored(s, kind, file.gev_per_unit), coarse, block)
            yield renumbered(stored, places)


def coarse_types(paths: tuple[str, ...], geometry: Geometry) -> Types:
    """The types of cells coarser than float32: both files are to be read as if in them.

    A classifier would tell the files by their last bits otherwise.
    """
    found = []
    for path in paths:
        with ShowerFile(path, geometry) as file:
            if file.dtype.kind in "iu" or file.dtype.itemsize < np.dtype(np.float32).itemsize:
                found.append(file.dtype)
    return tuple(dict.fromkeys(found))


def conditions_of(path: str, geometry: Geometry) -> Conditions:
    """The conditions of every shower of a file.

    Raises:
        DataError: if it cannot be read or does not fit the geometry.
    """
    with ShowerFile(path, geometry) as file:
        if not len(file):
            raise DataError(f"{path}: a file needs at least 1 shower, got 0; generate some")
        return file.conditions()
