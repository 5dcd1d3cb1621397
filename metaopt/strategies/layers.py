"""Moves on the layers of a network: add one, duplicate one, remove one, swap two.

A change of a layer count alone brings in, or throws away, the last layer; these moves
change the structure at any depth and keep what the other layers have learned (the
structural mutations of Real et al., arXiv:1703.01041, on a list of layers).

What a layer is follows from names alone: a whole number ``X_layers``, and parameters
``X1_kernel``, ``X2_kernel``, ... of which some exist only where ``X_layers`` is large
enough. Layers need not have the same parameters: a value moves to the parameter of the
same ending, clipped to its range, if the other layer has one.

Notation: *genes* by name, inactive ones included; n layers are active; positions count
from 1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from metaopt.strategies.variation import step_value
from search_spaces.parameters import Int, Parameter, Value
from search_spaces.space import SearchSpace

#: A count of layers is called ``X_layers``, a parameter of layer i ``Xi_...``.
SUFFIX = "_layers"
#: A value for every parameter by name.
Genes: TypeAlias = dict[str, Value]

#: Of an added layer: the probability that a gene differs from its neighbour's.
ADDED_RATE = 0.5


@dataclass(frozen=True)
class Stack:
    """The layers of one network.

    Attributes:
        count: the number of active layers.
        layers: the parameters of each layer by the ending of their names.
    """

    count: Int
    layers: tuple[Mapping[str, Parameter], ...]

    @property
    def prefix(self) -> str:
        """The network's name: ``"g"`` of ``"g_layers"``."""
        return self.count.name.removesuffix(SUFFIX)

    def moves(self, genes: Genes) -> list[str]:
        """The moves that this many layers allow."""
        n = int(genes[self.count.name])
        more = ["add", "duplicate"] if n > 0 and self.count.contains(n + 1) else []
        fewer = ["remove"] if self.count.contains(n - 1) else []
        return more + fewer + (["swap"] if n > 1 else [])

    def apply(self, move: str, genes: Genes, sigma: float, rng: np.random.Generator) -> str:
        """Make a move at a random depth, in place.

        Args:
            move: one of :meth:`moves`.
            genes: a value for every parameter of the space.
            sigma: width of the steps of an added layer's genes, in units of their ranges.
            rng: of every draw.

        Returns:
            What was done, for the lineage: ``"add(g3)"``.
        """
        n = int(genes[self.count.name])
        if move == "swap":
            first, second = sorted(int(i) + 1 for i in rng.choice(n, size=2, replace=False))
            self._swap(genes, first, second)
            return f"swap({self.prefix}{first}, {self.prefix}{second})"
        at = int(rng.integers(n)) + 1
        if move == "remove":
            self._remove(genes, at, n)
        else:
            self._duplicate(genes, at, n)
        if move == "add":
            # Above or below its neighbour: of two equal layers either is the new one.
            at += int(rng.integers(2))
            self._vary(genes, at, sigma, rng)
        return f"{move}({self.prefix}{at})"

    def _duplicate(self, genes: Genes, at: int, n: int) -> None:
        for i in range(n, at - 1, -1):
            self._write(genes, i + 1, self._read(genes, i))
        genes[self.count.name] = n + 1

    def _remove(self, genes: Genes, at: int, n: int) -> None:
        for i in range(at, n):
            self._write(genes, i, self._read(genes, i + 1))
        genes[self.count.name] = n - 1

    def _read(self, genes: Genes, i: int) -> Genes:
        return {ending: genes[p.name] for ending, p in self.layers[i - 1].items()}

    def _write(self, genes: Genes, i: int, values: Genes) -> None:
        for ending, p in self.layers[i - 1].items():
            if ending in values:
                genes[p.name] = p.clip(values[ending])

    def _swap(self, genes: Genes, first: int, second: int) -> None:
        kept = self._read(genes, first)
        self._write(genes, first, self._read(genes, second))
        self._write(genes, second, kept)

    def _vary(self, genes: Genes, i: int, sigma: float, rng: np.random.Generator) -> None:
        for p in self.layers[i - 1].values():
            if rng.random() < ADDED_RATE:
                genes[p.name] = step_value(p, genes[p.name], sigma, rng)


def stacks(space: SearchSpace) -> list[Stack]:
    """The networks of ``space`` whose layers are its parameters; empty if there are none."""
    counts = [p for p in space.parameters if isinstance(p, Int) and p.name.endswith(SUFFIX)]
    found = [_stack(space, count) for count in counts]
    return [stack for stack in found if stack is not None]


def _stack(space: SearchSpace, count: Int) -> Stack | None:
    pattern = re.compile(re.escape(count.name.removesuffix(SUFFIX)) + r"(\d+)_(.+)")
    layers: list[dict[str, Parameter]] = [{} for _ in range(count.high)]
    conditional = False
    for p in space.parameters:
        match = pattern.fullmatch(p.name)
        if match and 1 <= int(match[1]) <= count.high:
            layers[int(match[1]) - 1][match[2]] = p
            conditional |= p.when is not None and p.when.parent == count.name
    return Stack(count, tuple(layers)) if conditional else None
