"""The seams between the trial runner and a generative model.

A third party's family is named as ``"my_lab.models:Family"`` and passes the same
contract tests (``tests/contract/test_model_family.py``) as the built-in ones.
Importing a family must be cheap: heavy libraries are imported in ``build`` and ``load``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Literal, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from objectives.showers import Conditions, Showers
from search_spaces.geometry import Geometry
from search_spaces.parameters import Point
from workers.trial import Resources

Array = NDArray[np.float32]
Index = NDArray[np.int64]
#: Of weights and hidden layers in an ONNX graph.
GraphPrecision: TypeAlias = Literal["float32", "float16"]


class GenerativeModel(Protocol):
    """A network that is trained on showers and generates them."""

    def train_epoch(
        self, showers: Showers, epoch: int, rows: Index | None = None
    ) -> Mapping[str, float]:
        """Train once over the given rows of ``showers`` (all, by default).

        In an order fixed by (seed, epoch). The cells may be mapped from a file larger than
        memory: rows are to be read as they are needed.

        Returns the named training losses (means over the epoch).

        Raises:
            DivergedError: a loss or weight is not finite, or all energy is lost.
        """

    def generate(self, conditions: Conditions, seed: int) -> Array:
        """Showers (n, x, y, z) [GeV] for n conditions."""

    def save(self, folder: Path) -> None:
        """Write weights and what is needed to build the model again; no pickle."""

    def metrics(self) -> Mapping[str, float]:
        """Numbers by name, such as ``generator_parameters``; one that is not finite is left out."""

    def summary(self) -> str:
        """The architecture as text, layer by layer."""


@runtime_checkable
class Deployable(Protocol):
    """A model that other programs can run: Keras, TensorFlow, and all that read ONNX.

    What is written needs nothing of this project, and has these names:

    =========  ===============  ==============================================================
    energy     (n,) float32     primary energy [GeV]
    theta      (n,) float32     angle of incidence [rad], where it is a condition
    particle   (n,) int32       place in the geometry's particles, where it is a condition
    noise      (n, k) float32   standard normal numbers
    cells      (n, x, y, z)     output: deposited energy [GeV], axes as in the geometry
    =========  ===============  ==============================================================

    For the noise that :meth:`noise` draws, showers are those of :meth:`GenerativeModel.generate`.
    """

    def noise(self, n: int, seed: int) -> Array:
        """The noise (n, k) of n showers."""

    def write_keras(self, file: Path) -> None:
        """A Keras file (.keras) of Keras' own layers."""

    def write_tensorflow(self, folder: Path) -> None:
        """A TensorFlow SavedModel with the signature ``serving_default``."""

    def write_onnx(self, file: Path, precision: GraphPrecision = "float32") -> None:
        """An ONNX graph.

        Raises:
            MissingExtraError: the package onnx is not installed.
        """


@runtime_checkable
class PredictsCost(Protocol):
    """A family that may also say what a configuration costs before it is built."""

    def static_metrics(self, preset: str, point: Point, geometry: Geometry) -> Mapping[str, float]:
        """Numbers of the networks by name, without building them.

        Raises:
            InfeasibleError: the configuration cannot be built.
        """

    def calibrated(
        self, preset: str, geometry: Geometry, resources: Resources
    ) -> Callable[[Point], float]:
        """Seconds per training shower as a function of the point, after a short calibration."""


@runtime_checkable
class Adjustable(Protocol):
    """A model that trains on with other values of its family's mutable parameters."""

    def adjust(self, values: Point) -> None:
        """Take these values from the next batch on.

        Raises:
            SpaceError: a parameter is not mutable, or a value out of range.
            InfeasibleError: the value needs another network or another loss.
        """

    def take_over(self, folder: Path) -> None:
        """Go on as the model that another one of the same networks saved: weights, state, seed.

        Values of mutable parameters stay undefined until the next :meth:`adjust`.

        Raises:
            DataError: a file is missing or damaged, or of other networks.
        """


@runtime_checkable
class Schedulable(Protocol):
    """A family whose models are :class:`Adjustable`."""

    @property
    def mutable(self) -> Collection[str]:
        """Names of the parameters that may change while a model trains."""


class ModelFamily(Protocol):
    """All the models that one set of parameters describes."""

    def problem(self, preset: str, point: Point, geometry: Geometry) -> str | None:
        """Why this configuration cannot be built (one line), or None; in milliseconds.

        Raises:
            SpaceError: ``preset`` or a parameter name is unknown to the family.
        """

    def build(
        self, preset: str, point: Point, geometry: Geometry, seed: int, resources: Resources
    ) -> GenerativeModel:
        """A fresh model; every random draw in it comes from ``seed``.

        Raises:
            InfeasibleError: the configuration cannot be built.
        """

    def load(
        self, folder: Path, preset: str, point: Point, geometry: Geometry, resources: Resources
    ) -> GenerativeModel:
        """The model that :meth:`GenerativeModel.save` wrote: it generates and trains as that one.

        Raises:
            DataError: a file is missing or damaged, or of another configuration.
        """
