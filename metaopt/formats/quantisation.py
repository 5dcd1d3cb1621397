"""int8 arithmetic for an ONNX graph: static quantisation by ONNX Runtime.

Weights of the convolutions are whole numbers of 8 bits per filter, what lies between them of 8
bits per array, with scales from showers of the trained range. Layers that decide the energy
stay in float32: the first ones, whose inputs are the conditions and the noise, and the last one
with the inverse power, since cells span five decades and 8 bits two.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from search_spaces.errors import MissingExtraError

#: Layers with weights, and nodes that only move numbers or are computed in 8 bits as well.
LAYERS = ("Gemm", "Conv")
OTHERS = (
    *("LeakyRelu", "Relu", "Pad", "Slice", "Concat"),
    *("Reshape", "Transpose", "DepthToSpace"),
)


def quantise(source: Path, target: Path, samples: Iterable[Mapping[str, NDArray[Any]]]) -> None:
    """Write the int8 form of a float32 graph.

    Args:
        source: ONNX file.
        target: new ONNX file.
        samples: named inputs, from which the ranges between the layers are taken.

    Raises:
        MissingExtraError: onnx or onnxruntime is not installed.
    """
    try:
        import onnx
        from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    except ImportError as failure:
        raise MissingExtraError(
            "int8 needs the packages onnx and onnxruntime; pip install 'metaopt[onnx]'"
        ) from failure
    with _without_advice():
        quantize_static(
            source,
            target,
            _Samples(samples),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["Conv", *OTHERS],
            nodes_to_quantize=_inner(onnx.load(source).graph.node),
            per_channel=True,
            weight_type=QuantType.QInt8,
            activation_type=QuantType.QUInt8,
        )


def _inner(nodes: Iterable[Any]) -> list[str]:
    """Names of the nodes between the first layer and the last."""
    found = [(node.name, node.op_type) for node in nodes]
    layers = [i for i, (_, kind) in enumerate(found) if kind in LAYERS]
    inner = found[layers[0] + 1 : layers[-1]]
    return [name for name, kind in inner if kind in ("Conv", *OTHERS)]


class _Samples:
    """Samples as ONNX Runtime asks for them."""

    def __init__(self, samples: Iterable[Mapping[str, NDArray[Any]]]) -> None:
        self._rest = iter(samples)

    def get_next(self) -> dict[str, NDArray[Any]] | None:
        """The next sample, or None."""
        following = next(self._rest, None)
        return None if following is None else dict(following)


@contextmanager
def _without_advice() -> Iterator[None]:
    """ONNX Runtime advises a preparation for graphs of other tools, at every call."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
