"""The 3DGAN as a model family. Importing this file does not import TensorFlow."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from objectives.showers import Conditions, Showers
from search_spaces.documents import DAMAGE
from search_spaces.errors import DataError, InfeasibleError, SpaceError
from search_spaces.geometry import Geometry
from search_spaces.parameters import Point
from search_spaces.records import decode, encode
from workers.models.base import Array, GraphPrecision, Index
from workers.models.gan3d import backend, static
from workers.models.gan3d.mesh import Mesh
from workers.models.gan3d.params import ENERGY_UNIT, MUTABLE, Params, configure
from workers.models.gan3d.presets import preset as named_preset
from workers.models.gan3d.shapes import Plan, plan_on
from workers.models.team import Team
from workers.trial import Resources

if TYPE_CHECKING:
    from workers.models.gan3d.training import Trainer

Column = NDArray[Any]

#: The seed and the configuration of a saved model.
STATE_FILE = "gan3d.json"
#: Fewer showers than a chunk are generated in the smallest of these that holds them.
SIZES = (1, 16)
#: Memory that the activations of one chunk of generated showers may take [bytes].
CHUNK_BYTES = 256 * 2**20


def configuration(preset: str, point: Point, geometry: Geometry) -> Params:
    """The configuration that a preset and a point give for a geometry.

    Raises:
        SpaceError: unknown preset or parameter, or a value out of range.
    """
    return configure(named_preset(preset), point).for_data(
        angle=geometry.has_angle, particles=len(geometry.particles)
    )


class Gan3D:
    """The family: presets of :mod:`presets`, parameters of :mod:`params`."""

    mutable = MUTABLE

    def problem(self, preset: str, point: Point, geometry: Geometry) -> str | None:
        """Why this configuration cannot be built (one line), or None; in milliseconds."""
        try:
            plan_on(configuration(preset, point, geometry), Mesh.of(geometry))
        except InfeasibleError as reason:
            return str(reason)
        return None

    def static_metrics(self, preset: str, point: Point, geometry: Geometry) -> Mapping[str, float]:
        """Parameters, GMAC per shower and memory of a training step, without building.

        Raises:
            InfeasibleError: no network of this configuration has the geometry's shape.
        """
        params = configuration(preset, point, geometry)
        return static.metrics(params, plan_on(params, Mesh.of(geometry)))

    def calibrated(
        self, preset: str, geometry: Geometry, resources: Resources
    ) -> Callable[[Point], float]:
        """Seconds per training shower as a function of the point: see :mod:`workload`.

        The calibration trains a few variations of the preset for some seconds.

        Raises:
            InfeasibleError: the preset cannot be built for the geometry.
        """
        from workers.models.gan3d.calibration import calibrate, load_of

        rates = calibrate(self, preset, geometry, resources)
        return lambda point: rates.seconds(load_of(preset, point, geometry, resources))

    def build(
        self, preset: str, point: Point, geometry: Geometry, seed: int, resources: Resources
    ) -> Gan3DModel:
        """A fresh model; every random draw in it comes from ``seed``.

        Raises:
            InfeasibleError: no network of this configuration has the geometry's shape.
            SpaceError: unknown preset or parameter, or a value out of range.
        """
        params = configuration(preset, point, geometry)
        sizes = plan_on(params, Mesh.of(geometry))
        backend.start(resources)
        from workers.models.gan3d import networks
        from workers.models.gan3d.training import Trainer

        form = networks.Form(pairs=not resources.gpus, precision=backend.precision(resources))
        generator = networks.build_generator(params, sizes, seed, form)
        discriminator = networks.build_discriminator(params, sizes, seed, form)
        trainer = Trainer(params, geometry, generator, discriminator, seed)
        trainer.memory_shared = resources.memory_shared
        return Gan3DModel(params, sizes, trainer)

    def load(
        self, folder: Path, preset: str, point: Point, geometry: Geometry, resources: Resources
    ) -> Gan3DModel:
        """The model that :meth:`Gan3DModel.save` wrote.

        Raises:
            DataError: a file is missing, or holds another configuration's weights.
        """
        try:
            saved = json.loads((folder / STATE_FILE).read_text())
            if saved["params"] != encode(configuration(preset, point, geometry)):
                raise ValueError("another configuration")
            model = self.build(preset, point, geometry, int(saved["seed"]), resources)
            model.trainer.restore(folder)
        except (*DAMAGE, UserWarning) as failure:
            raise _not_its_model(folder, failure) from failure
        return model


class Gan3DModel:
    """A generator and a discriminator for one geometry."""

    def __init__(self, params: Params, sizes: Plan, trainer: Trainer) -> None:
        self.params = params
        self.sizes = sizes
        self.trainer = trainer

    def train_epoch(
        self, showers: Showers, epoch: int, rows: Index | None = None
    ) -> Mapping[str, float]:
        """Train once over the given rows of ``showers``, in an order fixed by (seed, epoch).

        A last batch that is not full is left out; every epoch leaves out others.

        Returns:
            Mean losses by name, ``d_...`` and ``g_...``, and ``energy_ratio``, the
            deposited energy of the generated over that of the real showers.

        Raises:
            DivergedError: a loss or weight is not finite, or all energy is lost.
            InfeasibleError: a step does not fit in memory.
            ExecutorError: nor does it fit beside others on a shared GPU, which may change.
        """
        chosen = np.arange(len(showers)) if rows is None else rows
        return self.trainer.train_epoch(showers, epoch, chosen)

    def join(self, team: Team) -> None:
        """Train as one of a team from now on: see :mod:`workers.models.gan3d.parallel`."""
        self.trainer.join(team)

    def generate(self, conditions: Conditions, seed: int) -> Array:
        """Showers (n, x, y, z) [GeV] for n conditions.

        Depends on the weights and the arguments alone. Cells below the threshold are
        left as they are: the objective treats both sides alike.
        """
        noise = self.noise(len(conditions), seed)
        energy = conditions.energy / np.float32(ENERGY_UNIT)
        inputs = (noise, energy, conditions.theta, conditions.particle)
        from workers.models.gan3d.networks import Inputs

        chunk = self._compiled_size(len(conditions))
        parts = []
        for start in range(0, len(conditions), chunk):
            part = slice(start, start + chunk)
            # The last chunk is filled up, so that one compiled function serves all.
            latent, *full = (_fill(a[part], chunk) for a in inputs)
            cells = self.trainer.step.generate(latent, Inputs(*full))
            parts.append(cells[: len(noise[part])])
        if not parts:
            return np.zeros((0, *self.sizes.mesh.cells), np.float32)
        return np.concatenate(parts)

    def noise(self, n: int, seed: int) -> Array:
        """The noise (n, noise_size) of n showers."""
        return np.random.default_rng(seed).standard_normal((n, self.params.noise_size), np.float32)

    def write_keras(self, file: Path) -> None:
        """A Keras file: see :class:`~workers.models.base.Deployable`."""
        from workers.models.gan3d.deployment import write_keras

        write_keras(file, self.params, self.sizes, self._weights)

    def write_tensorflow(self, folder: Path) -> None:
        """A SavedModel: see :class:`~workers.models.base.Deployable`."""
        from workers.models.gan3d.deployment import write_tensorflow

        write_tensorflow(folder, self.params, self.sizes, self._weights)

    def write_onnx(self, file: Path, precision: GraphPrecision = "float32") -> None:
        """An ONNX graph: see :class:`~workers.models.base.Deployable`."""
        from workers.models.gan3d.onnx_generator import write_generator

        write_generator(file, self.params, self.sizes, self._weights, precision)

    @property
    def _weights(self) -> Mapping[str, Array]:
        from workers.models.gan3d.deployment import generator_weights

        return generator_weights(self.trainer.step)

    def _compiled_size(self, n: int) -> int:
        """Showers of one call: few sizes, so that few functions are compiled; one shower is one."""
        return next((size for size in SIZES if n <= size <= self.chunk), self.chunk)

    @property
    def chunk(self) -> int:
        """Showers that are generated at once."""
        activations = static.generator_costs(self.params, self.sizes).activations
        return int(np.clip(CHUNK_BYTES // (static.BYTES * activations), 1, 128))

    def adjust(self, values: Point) -> None:
        """Train on with other values of the parameters that may change: see :data:`MUTABLE`."""
        for name in values:
            if name not in MUTABLE:
                raise SpaceError(
                    f"{name!r} may not change while a model trains; of {', '.join(MUTABLE)} leave "
                    "only those in the schedule"
                )
        params = configure(self.params, values)
        self.trainer.adjust(params)
        self.params = params

    def take_over(self, folder: Path) -> None:
        """Go on as the model of the same networks that was saved there."""
        try:
            saved = json.loads((folder / STATE_FILE).read_text())
            params = decode(Params, saved["params"], STATE_FILE)
            if _fixed(params) != _fixed(self.params):
                raise ValueError("another network")
            self.trainer.restore(folder)
            self.trainer.reseed(int(saved["seed"]), saved["dropout_seeds"])
        except (*DAMAGE, UserWarning) as failure:
            raise _not_its_model(folder, failure) from failure

    def save(self, folder: Path) -> None:
        """Write both networks, the optimisers' state and the seed; no pickle."""
        folder.mkdir(parents=True, exist_ok=True)
        self.trainer.save(folder)
        state = {
            "seed": self.trainer.seed,
            "dropout_seeds": self.trainer.step.dropout_seeds,
            "params": encode(self.params),
        }
        (folder / STATE_FILE).write_text(json.dumps(state, indent=1))

    def metrics(self) -> Mapping[str, float]:
        """Parameters, GMAC per shower and the memory estimate of a training step."""
        return static.metrics(self.params, self.sizes)

    def summary(self) -> str:
        """The architecture as text, layer by layer."""
        return static.summary(self.params, self.sizes)


def _fixed(params: Params) -> Params:
    """The configuration without what may change."""
    return configure(params, dict.fromkeys(MUTABLE, 1) | {"label_flip": 0})


def _not_its_model(folder: Path, failure: Exception) -> DataError:
    reason = (str(failure).splitlines() or [type(failure).__name__])[0]
    return DataError(
        f"{folder}: must hold the saved model of this configuration, got: {reason}; "
        "give the point that it was trained with"
    )


def _fill(array: Column, n: int) -> Column:
    """The rows of ``array``, then its first row until there are ``n``."""
    missing = n - len(array)
    return np.concatenate([array, np.repeat(array[:1], missing, axis=0)])
