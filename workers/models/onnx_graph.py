"""Writes ONNX graphs node by node, for families that can be deployed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from search_spaces.errors import MissingExtraError

#: Of the operators and of the file: read by ONNX Runtime 1.12 (2022) and later.
OPSET, IR = 17, 8


def onnx_package() -> Any:
    """The package onnx.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import onnx
    except ImportError as failure:
        raise MissingExtraError(
            "ONNX files need the package onnx; pip install 'metaopt[onnx]'"
        ) from failure
    return onnx


class Graph:
    """A graph as its nodes and constants are added.

    Args:
        kind: of the constants and of what is computed from them: float32 or float16.

    Raises:
        MissingExtraError: the package onnx is not installed.
    """

    def __init__(self, kind: DTypeLike = np.float32) -> None:
        self._onnx = onnx_package()
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        self._inputs: list[Any] = []
        self.kind = np.dtype(kind)

    def input(self, name: str, kind: DTypeLike, shape: Sequence[int | str]) -> str:
        """Add an input."""
        self._inputs.append(self._value(name, kind, shape))
        return name

    def op(self, kind: str, *inputs: str, name: str = "", **attributes: Any) -> str:
        """Add a node; returns the name of its output, which is its own."""
        name = name or f"{kind}_{len(self._nodes)}"
        made = self._onnx.helper.make_node(kind, list(inputs), [name], name=name, **attributes)
        self._nodes.append(made)
        return name

    def array(self, values: NDArray[Any]) -> str:
        """Add a constant of the graph's kind."""
        return self.exact(values.astype(self.kind))

    def exact(self, values: NDArray[Any]) -> str:
        """Add a constant as it is."""
        name = f"constant_{len(self._constants)}"
        self._constants.append(
            self._onnx.numpy_helper.from_array(np.array(values, order="C"), name)
        )
        return name

    def ints(self, *values: int) -> str:
        """Add a constant list of whole numbers."""
        return self.exact(np.array(values, np.int64))

    def number(self, value: float) -> str:
        """Add a float32 number."""
        return self.exact(np.array(value, np.float32))

    def cast(self, x: str, kind: DTypeLike) -> str:
        """Another type of numbers."""
        return self.op("Cast", x, to=self._type(kind))

    def write(self, file: Path, name: str, output: str, shape: Sequence[int | str]) -> None:
        """Check the graph and write it, with its float32 output.

        Raises:
            OSError: the file cannot be written.
        """
        helper = self._onnx.helper
        graph = helper.make_graph(
            self._nodes,
            name,
            self._inputs,
            [self._value(output, np.float32, shape)],
            self._constants,
        )
        opsets = [helper.make_opsetid("", OPSET)]
        model = helper.make_model(
            graph, opset_imports=opsets, ir_version=IR, producer_name="metaopt"
        )
        self._onnx.checker.check_model(model)
        file.write_bytes(model.SerializeToString())

    def _value(self, name: str, kind: DTypeLike, shape: Sequence[int | str]) -> Any:
        return self._onnx.helper.make_tensor_value_info(name, self._type(kind), shape)

    def _type(self, kind: DTypeLike) -> int:
        return int(self._onnx.helper.np_dtype_to_tensor_dtype(np.dtype(kind)))
