"""A search in half precision: exported, converted and trained on as what it is."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tomli_w

import metaopt
from metaopt.choice import candidates
from metaopt.config import StudyConfig
from metaopt.controller import Controller
from metaopt.export import export, load_model, verify
from metaopt.formats.conversion import convert
from metaopt.monitoring import Quiet
from metaopt.preflight import prepare
from metaopt.store.database import StudyStore
from metaopt.training import Order
from metaopt.training import prepare as prepare_training
from objectives.showers import Conditions
from search_spaces.errors import DataError
from search_spaces.loader import load_geometry
from search_spaces.records import encode
from workers.executors.inline import InlineExecutor
from workers.models.gan3d import backend
from workers.models.gan3d.family import Gan3D
from workers.saved import CHECK, CHECK_DRAW, CHECK_SHOWERS
from workers.trial import Resources

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


#: On another processor bfloat16 is float32.
pytestmark = pytest.mark.skipif(
    backend.precision(Resources(precision="bfloat16")) != "bfloat16",
    reason="a processor without AVX-512",
)


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


@pytest.mark.timeout(300)
def test_half_precision_is_checked_as_exactly_as_other_processors_compute_it(
    tmp_path: Path,
) -> None:
    """TensorFlow's own kernels stand for another processor: they round elsewhere than oneDNN's.

    And oneDNN kept from AVX-512 for one that cannot compute in bfloat16 at all.
    """
    geometry = load_geometry("clic-12x12x12")
    point = {"g_layers": 3, "g1_filters": 8, "d_layers": 2, "d1_filters": 2}
    made = Gan3D().build("fixed-angle", point, geometry, 1, Resources(precision="bfloat16"))
    made.save(tmp_path)
    conditions = Conditions.of(np.linspace(*geometry.energy, CHECK_SHOWERS))
    cells = made.generate(conditions, CHECK_DRAW)
    np.savez_compressed(tmp_path / CHECK, cells=cells, **vars(conditions))
    tables = {
        "model": {
            "family": "gan3d",
            "preset": "fixed-angle",
            "parameters": point,
            "precision": "bfloat16",
        },
        "geometry": encode(geometry),
        **{key: {} for key in ("data", "budget", "score", "provenance")},
    }
    (tmp_path / "production.toml").write_text(tomli_w.dumps(tables))
    assert verify(tmp_path) == 0
    script = "import sys; from pathlib import Path; from metaopt.export import verify; "
    for another in {"TF_ENABLE_ONEDNN_OPTS": "0"}, {"ONEDNN_MAX_CPU_ISA": "AVX2"}:
        again = subprocess.run(
            [sys.executable, "-c", f"{script} print(verify(Path(sys.argv[1])))", str(tmp_path)],
            env={**os.environ, **another},
            capture_output=True,
            text=True,
            check=False,
        )
        assert again.returncode == 0, again.stderr
    np.savez_compressed(tmp_path / CHECK, cells=cells[::-1], **vars(conditions))
    with pytest.raises(DataError, match="do not belong together"):
        verify(tmp_path)
