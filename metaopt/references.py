"""The reference artefact of a data set, made once and kept in a file."""

from __future__ import annotations

from pathlib import Path

from objectives.exchangeable import MAX_EVENTS, check_exchangeable
from objectives.reference import Reference
from search_spaces.errors import DataError
from search_spaces.geometry import Geometry
from workers import data
from workers.trial import DataSpec


def reference_at(folder: Path, spec: DataSpec, geometry: Geometry) -> tuple[Reference, Path]:
    """The artefact of the validation events, and its file.

    The file is named by the digests of data and geometry and by the split; one of another format
    or list of observables is made again. The test events are read only when it is made, to see
    that they and the validation events are of one kind.

    Args:
        folder: of the file; made if need be.
        spec: the showers.
        geometry: of them.

    Raises:
        DataError: the events are not of one kind, or cannot make a reference.
    """
    shares = "-".join(f"{round(1000 * s)}" for s in spec.split)
    shares += "-by-file" if spec.by == "file" else ""
    path = (folder / f"{spec.digest[:16]}-{geometry.digest[:8]}-{shares}.npz").resolve()
    if path.is_file():
        try:
            return Reference.load(path), path
        except DataError:
            path.unlink()  # of another version, or damaged: made again below
    reference = data.build_reference(spec, geometry)
    data.check_part(spec, geometry, "test")  # after all training it would be too late
    check_exchangeable(reference, data.load(spec, geometry, "test", limit=MAX_EVENTS))
    path.parent.mkdir(parents=True, exist_ok=True)
    reference.save(path)
    return reference, path
