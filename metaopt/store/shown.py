"""What the Optuna dashboard shows of a study beside its trials: notes, pictures, figures.

Notes and figures are attributes of the study in pieces of at most 2,045 characters, pictures
attributes of their trial; keys and pieces are the dashboard's. A note that is there already
may be a person's and is left alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from optuna.storages import RDBStorage
from sqlalchemy import column, select, table
from sqlalchemy.orm import Session

#: Longest text of an attribute that the dashboard reads.
PIECE = 2045
#: How the dashboard knows a picture.
PICTURE, PICTURE_TYPE = "plots-against-geant4.svg", "image/svg+xml"

_ATTRIBUTES = table("study_system_attributes", column("study_id"), column("key"))


def has_note(session: Session, study: int, trial: int | None = None) -> bool:
    """Whether a study, or a trial of it, has a note; both by their identity."""
    wanted = select(_ATTRIBUTES.c.key).where(
        _ATTRIBUTES.c.study_id == study, _ATTRIBUTES.c.key == f"{_note(trial)}note_ver"
    )
    return session.execute(wanted).first() is not None


def write_note(storage: RDBStorage, study: int, body: str, trial: int | None = None) -> None:
    """The first note of a study, or of a trial of it; the version last, which makes it seen."""
    for i, piece in enumerate(_pieces(body)):
        storage.set_study_system_attr(study, f"{_note(trial)}note_str:{i}", piece)
    storage.set_study_system_attr(study, f"{_note(trial)}note_ver", 1)


def attach(storage: RDBStorage, trial: int, picture: str) -> None:
    """Tell that a running trial has a picture, by the name of its file."""
    told = {
        "artifact_id": picture,
        "filename": PICTURE,
        "mimetype": PICTURE_TYPE,
        "encoding": None,
    }
    storage.set_trial_system_attr(trial, f"artifacts:{picture}", json.dumps(told))


def address(study: int, trial: int, picture: str) -> str:
    """Where the dashboard serves a picture."""
    return f"/artifacts/{study}/{trial}/{picture}"


def _note(trial: int | None) -> str:
    return "dashboard:" if trial is None else f"dashboard:{trial}:"


def _pieces(body: str) -> Iterator[str]:
    return (body[i : i + PIECE] for i in range(0, len(body), PIECE))
