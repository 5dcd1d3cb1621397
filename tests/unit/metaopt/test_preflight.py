"""What a study begins with: a reference that is cached, and settings that may not change."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from metaopt import preflight
from metaopt.config import StudyConfig
from objectives import reference
from objectives.showers import Showers
from search_spaces.errors import ConfigError, DataError
from workers import data


def test_a_cached_reference_is_used_until_the_format_changes(
    toy_config: Callable[..., StudyConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = preflight.prepare(toy_config()).reference
    made = path.stat().st_mtime_ns
    assert preflight.prepare(toy_config()).reference == path
    assert path.stat().st_mtime_ns == made
    monkeypatch.setattr(reference, "FORMAT", reference.FORMAT + 1)
    assert preflight.prepare(toy_config()).reference == path
    assert path.stat().st_mtime_ns > made


def test_splits_that_differ_are_refused(
    toy_config: Callable[..., StudyConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(*args: Any, **options: Any) -> Showers:
        showers = real(*args, **options)
        return dataclasses.replace(showers, cells=showers.cells * (2 if "test" in args else 1))

    real = data.load
    monkeypatch.setattr(preflight.data, "load", load)
    with pytest.raises(DataError, match="must be exchangeable"):
        preflight.prepare(toy_config(data__split=(0.5, 0.25, 0.25)))


def test_a_score_of_more_showers_than_validation_events_names_the_option(
    toy_config: Callable[..., StudyConfig],
) -> None:
    plan = preflight.prepare(toy_config())
    most = data.part_sizes(plan.data, plan.geometry)["validation"]
    with pytest.raises(ConfigError, match=f"got {most + 1}; give --evaluation-showers {most}, or"):
        preflight.prepare(toy_config(trial__evaluation_showers=most + 1))


def test_a_strategy_that_cannot_search_the_space_is_refused_before_the_baseline_is_trained(
    toy_config: Callable[..., StudyConfig],
) -> None:
    refused = "BruteForceSampler cannot search space 'toy': FloatDistribution.step must be given"
    with pytest.raises(ConfigError, match=refused):
        preflight.prepare(toy_config(search__strategy="optuna:BruteForceSampler"))


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"study__seed": 2}, "seed"),
        ({"trial__epochs": 3}, "budget"),
        ({"data__split": [0.5, 0.25, 0.25]}, "split"),
        ({"search__space": "quick"}, "space"),
    ],
)
def test_a_study_keeps_what_makes_its_scores_comparable(
    toy_config: Callable[..., StudyConfig], change: dict[str, Any], what: str
) -> None:
    document = preflight.prepare(toy_config()).document
    preflight.check_same_study(document, preflight.prepare(toy_config()))
    with pytest.raises(ConfigError, match=f"begun with another {what}"):
        preflight.check_same_study(document, preflight.prepare(toy_config(**change)))
