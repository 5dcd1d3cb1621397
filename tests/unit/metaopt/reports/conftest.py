"""Two validations of Geant4 showers, made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from metaopt.reports.shower_files import validate
from metaopt.reports.validation import Validation
from search_spaces.loader import load_geometry


def _validated(folder: Path, name: str) -> Validation:
    files = str(folder / f"{name}.h5"), str(folder / "reference.h5")
    return validate(*files, load_geometry("clic-12x12x12"), 0, 0, lambda _: None)


@pytest.fixture(scope="session")
def perfect(shower_files: Path) -> Validation:
    """200 Geant4 showers against 600 others."""
    return _validated(shower_files, "perfect")


@pytest.fixture(scope="session")
def distorted(shower_files: Path) -> Validation:
    """200 showers 5 % too high, of which 6 are empty, 1 is not finite and 1 negative."""
    return _validated(shower_files, "distorted")
