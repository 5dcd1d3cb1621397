"""A search in half precision: exported, converted and trained on as what it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import metaopt
from metaopt.config import StudyConfig
from metaopt.controller import Controller
from metaopt.export import candidates, export, load_model
from metaopt.formats.conversion import convert
from metaopt.monitoring import Quiet
from metaopt.preflight import prepare
from metaopt.store.database import StudyStore
from metaopt.training import Order
from metaopt.training import prepare as prepare_training
from workers.executors.inline import InlineExecutor

SPACE = """
family = "gan3d"
preset = "fixed-angle"

[parameters]
g_layers = { type = "int", low = 3, high = 4 }
g1_filters = { type = "int", low = 4, high = 8 }
d_layers = { type = "int", low = 2, high = 4 }
d1_filters = { type = "int", low = 2, high = 4 }

[baselines.small]
g_layers = 3
g1_filters = 4
d_layers = 2
d1_filters = 2
"""
BUNDLED = Path(metaopt.__file__).parent / "sample" / "clic-12x12x12.h5"


@pytest.mark.timeout(600)  # TensorFlow compiles the networks several times
def test_what_half_precision_found_is_exported_and_trained_in_it(
    toy_config: Callable[..., StudyConfig], tmp_path: Path
) -> None:
    (tmp_path / "space.toml").write_text(SPACE)
    config = toy_config(
        search__space=str(tmp_path / "space.toml"),
        search__trials=1,
        trial__epochs=1,
        workers__precision="bfloat16",
    )
    plan, out = prepare(config), tmp_path / "production"
    study = StudyStore(config.study.storage, create=True).create("half", plan.document)
    Controller(plan, study, InlineExecutor(), Quiet()).run()
    production = export(study.view(), candidates(study.trials())[0], out)
    assert production.model.precision == "bfloat16"
    hidden = load_model(out).trainer.generator.get_layer("g2")
    assert hidden.compute_dtype == "bfloat16"
    (made,) = convert(out, tmp_path / "deployed", ("onnx",), lambda _: None)
    assert made.difference < 1e-4
    order = Order(out, (str(BUNDLED),), 1, tmp_path / "trained")
    assert prepare_training(order).spec.resources.precision == "bfloat16"
