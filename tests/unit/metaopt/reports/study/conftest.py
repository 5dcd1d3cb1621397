"""Made-up studies, and single trials made by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from threadpoolctl import threadpool_limits

from metaopt.reports.study.facts import StudyFacts
from metaopt.store.views import TrialView
from tests.made_up_study import MadeUpStudy

BEGIN = datetime(2026, 3, 1, 9)
POINT = {"rate": 0.1, "fluctuation": 1.0, "sharpness": 1.0, "cells": "gamma"}


def made_trial(number: int, start: float = 0, end: float = 0, **given: Any) -> TrialView:
    """A complete trial of the toy space, from ``start`` to ``end`` [s] or for a minute."""
    begun = BEGIN + timedelta(seconds=start or 60 * number)
    done = BEGIN + timedelta(seconds=end or start + 60 * (number + 1))
    given = {"state": "complete", "outcome": "", "point": POINT, "proposal": number} | given
    given = {"score": 1.0, "epochs": 2, "rungs": ((1, 1.2), (2, 1.0))} | given
    return TrialView(number, started=begun, finished=done, **given)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Small matrices: on a busy machine more threads wait for one another."""
    with threadpool_limits(1, user_api="blas"):
        yield


@pytest.fixture
def trial() -> Callable[..., TrialView]:
    """Makes trials."""
    return made_trial


@pytest.fixture
def facts_of() -> Callable[[Sequence[TrialView]], StudyFacts]:
    """Makes the facts of some trials of a toy study."""
    document = MadeUpStudy(0, "toy").document
    return lambda trials: StudyFacts.of("study", document, trials)


@pytest.fixture(scope="session")
def toy() -> StudyFacts:
    """A study of 120 trials with four parameters."""
    made = MadeUpStudy(120, "toy")
    return StudyFacts.of("toy", made.document, made.made())


@pytest.fixture(scope="session")
def large() -> StudyFacts:
    """A study of 1,500 trials with the parameters of a network."""
    made = MadeUpStudy(1500)
    return StudyFacts.of("large", made.document, made.made())
