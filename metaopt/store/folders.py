"""Where a study's results lie: people move them, or go on with another folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from metaopt.config import trial_folder
from search_spaces.errors import DataError

#: Keys of a study's record: the folder of its last run, and those of the runs before.
FOLDER, EARLIER = "folder", "earlier_folders"


def folders(document: Mapping[str, Any]) -> list[Path]:
    """Where results of a study may lie, those of its last run first; none of a study not ours."""
    named = [document[FOLDER]] if FOLDER in document else []
    return [Path(str(name)) for name in (*named, *document.get(EARLIER, ()))]


def kept_in(document: Mapping[str, Any], number: int) -> Path:
    """Where the trained model of an ended trial lies, or where one would look for it first."""
    places = [trial_folder(folder, number) for folder in folders(document)]
    return next((place for place in places if place.is_dir()), places[0])


def weights_gone(number: int, place: Path) -> DataError:
    """The error where what is kept of a trial is not there."""
    return DataError(
        f"the weights of trial {number} are not in {place}; give the study's "
        "command the --results where they are, or train it again"
    )


def gone_on_in(document: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The record of a study whose results are in a folder from now on."""
    earlier = [str(known) for known in folders(document) if known != folder]
    return {**document, FOLDER: str(folder), **({EARLIER: earlier} if earlier else {})}
