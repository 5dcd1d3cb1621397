"""A 3DGAN whose weights, learning rates and steps change while it trains."""

from __future__ import annotations

from pathlib import Path

import pytest

from search_spaces.errors import DataError, InfeasibleError, SpaceError
from workers.models.gan3d.family import Gan3DModel

from .conftest import model, showers

DATA = showers(16)
OTHER = {"W_E": 0.7, "W_P": 0.2, "g_learning_rate": 3e-4, "d_learning_rate": 2e-3}
STEPS = {"g_steps": 1, "label_flip": 0.3}


def compiled(made: Gan3DModel) -> int:
    return int(made.trainer.step._loop.experimental_get_tracing_count())


def test_an_adjusted_model_trains_as_one_built_with_the_values() -> None:
    adjusted = model()
    adjusted.adjust(OTHER | STEPS)
    assert adjusted.train_epoch(DATA, 1) == model(**OTHER, **STEPS).train_epoch(DATA, 1)


def test_only_another_number_of_steps_is_compiled_anew_and_once() -> None:
    made = model()
    for values in ({}, OTHER, {"label_flip": 0.3}):
        made.adjust(values)
        made.train_epoch(DATA, 1)
        assert compiled(made) == 1
    for steps in (1, 2, 1):
        made.adjust({"g_steps": steps})
        made.train_epoch(DATA, 1)
    assert compiled(made) == 2


def test_a_model_takes_over_the_weights_state_and_seed_of_another(tmp_path: Path) -> None:
    saved, other = model(), model(seed=2, **OTHER)
    saved.train_epoch(DATA, 1)
    saved.save(tmp_path)
    other.train_epoch(DATA, 1)
    other.take_over(tmp_path)
    other.adjust({"W_E": 0.1, "W_P": 0.1, "g_learning_rate": 1e-3, "d_learning_rate": 1e-3})
    assert other.params == saved.params and compiled(other) == 1
    # Dropout and label flips are drawn in it, so that the seed is the other's too.
    assert other.train_epoch(DATA, 2) == saved.train_epoch(DATA, 2)


def test_what_cannot_change_is_refused(tmp_path: Path) -> None:
    made = model()
    with pytest.raises(SpaceError, match="'g1_filters' may not change"):
        made.adjust({"g1_filters": 8})
    with pytest.raises(InfeasibleError, match="keep a weight above 0"):
        made.adjust({"W_B": 1.0})
    model(g1_filters=8).save(tmp_path)
    with pytest.raises(DataError, match="another network"):
        made.take_over(tmp_path)
