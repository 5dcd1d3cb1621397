from __future__ import annotations

import numpy as np
import pytest

from metaopt.strategies.layers import Genes, Stack, stacks
from search_spaces.parameters import Categorical, Condition, Float, Int, Parameter
from search_spaces.space import SearchSpace

RNG = np.random.default_rng(1)


def space_of(*parameters: Parameter) -> SearchSpace:
    return SearchSpace("unit", "toy", "default", parameters)


def layer(i: int) -> list[Parameter]:
    when = Condition.parse(f"net_layers >= {i}") if i > 1 else None
    dropout = [Float(f"net{i}_dropout", 0.0, 0.5, when=when)] if i != 2 else []
    # The last layer's filters have a narrower range than the others'.
    return [Int(f"net{i}_filters", 1, 50 if i == 4 else 99, when=when), *dropout]


SPACE = space_of(
    Float("rate", 0.0, 1.0),
    Int("net_layers", 1, 4),
    *(p for i in range(1, 5) for p in layer(i)),
    Int("other_layers", 1, 3),
    Int("other1_filters", 1, 9),
    Categorical("networks", ("a", "b")),
)
(STACK,) = stacks(SPACE)


def genes(n: int) -> Genes:
    made: Genes = {"rate": 0.5, "net_layers": n, "other_layers": 2, "other1_filters": 3}
    made |= {f"net{i}_filters": 10 * i for i in range(1, 5)}
    return made | {"networks": "a"} | {f"net{i}_dropout": 0.1 * i for i in (1, 3, 4)}


def filters(g: Genes) -> list[int]:
    return [int(g[f"net{i}_filters"]) for i in range(1, int(g["net_layers"]) + 1)]


def moved(move: str, n: int, stack: Stack = STACK) -> list[tuple[str, Genes]]:
    """The outcomes of many moves: every place is met."""
    outcomes = []
    for _ in range(40):
        g = genes(n)
        outcomes.append((stack.apply(move, g, 0.1, RNG), g))
    return outcomes


def test_only_counts_with_conditional_layers_are_networks() -> None:
    assert [s.count.name for s in stacks(SPACE)] == ["net_layers"]
    assert [set(layer) for layer in STACK.layers[:2]] == [{"filters", "dropout"}, {"filters"}]
    assert stacks(space_of(Int("g_layers", 1, 3), Int("g1_kernel", 1, 3))) == []
    kind, word = Condition.parse("kind == a"), Categorical("kind", ("a", "b"))
    assert stacks(space_of(word, Int("g_layers", 1, 3), Int("g1_k", 1, 3, when=kind))) == []
    named, counted = Condition.parse("g_layers == a"), Condition.parse("depth >= 2")
    assert stacks(space_of(Categorical("g_layers", ("a",)), Int("g1_k", 1, 3, when=named))) == []
    assert stacks(space_of(Int("depth", 1, 3), Int("depth2_k", 1, 3, when=counted))) == []


def test_layers_are_found_by_number_not_by_order_or_prefix() -> None:
    names = ["g10_k", "g2_k", "g1_k", "gg1_k", "g1", "g0_k", "g11_k"]
    when = Condition.parse("g_layers >= 2")
    (stack,) = stacks(space_of(Int("g_layers", 1, 10), *(Int(n, 1, 9, when=when) for n in names)))
    found = [[p.name for p in layer.values()] for layer in stack.layers]
    assert found == [["g1_k"], ["g2_k"], *[[]] * 7, ["g10_k"]]


@pytest.mark.parametrize(
    ("n", "moves"),
    [
        (1, {"add", "duplicate"}),
        (2, {"add", "duplicate", "remove", "swap"}),
        (4, {"remove", "swap"}),
    ],
)
def test_only_moves_that_the_count_allows(n: int, moves: set[str]) -> None:
    assert set(STACK.moves(genes(n))) == moves


def test_a_network_without_layers_cannot_copy_one() -> None:
    when = Condition.parse("g_layers >= 1")
    (stack,) = stacks(space_of(Int("g_layers", 0, 2), Int("g1_k", 1, 3, when=when)))
    assert stack.moves({"g_layers": 0, "g1_k": 1}) == []


def test_duplicate_repeats_a_layer_and_moves_the_later_ones_up() -> None:
    for what, g in moved("duplicate", 3):
        at = int(what.removeprefix("duplicate(net").removesuffix(")"))
        assert filters(g) == sorted([10, 20, 30, 10 * at])
    assert {what for what, _ in moved("duplicate", 3)} == {f"duplicate(net{i})" for i in (1, 2, 3)}


def test_remove_closes_the_gap() -> None:
    for what, g in moved("remove", 3):
        at = int(what.removeprefix("remove(net").removesuffix(")"))
        assert filters(g) == [10 * i for i in (1, 2, 3) if i != at]


def test_swap_exchanges_two_layers() -> None:
    outcomes = {what: filters(g) for what, g in moved("swap", 3)}
    assert outcomes["swap(net1, net3)"] == [30, 20, 10]
    assert outcomes["swap(net1, net2)"] == [20, 10, 30]
    assert len(outcomes) == 3


def test_an_added_layer_is_near_its_neighbour() -> None:
    outcomes = moved("add", 3)
    assert all(len(filters(g)) == 4 for _, g in outcomes)
    strange = [set(filters(g)) - {10, 20, 30} for _, g in outcomes]
    assert any(strange)
    # Either of the two equal layers is the new one: each of the four may be.
    assert {what for what, _ in outcomes} == {f"add(net{i})" for i in (1, 2, 3, 4)}
    assert all(len(new) <= 1 for new in strange)
    assert all(min(abs(v - f) for f in (10, 20, 30)) < 40 for new in strange for v in new)


def test_values_are_clipped_and_endings_without_a_counterpart_stay() -> None:
    g = genes(3) | {"net3_filters": 99}
    STACK._duplicate(g, 3, 3)
    assert g["net4_filters"] == 50
    STACK._swap(g, 1, 2)
    assert filters(g)[:2] == [20, 10]
    assert g["net1_dropout"] == 0.1


def test_everything_else_stays() -> None:
    for move in ("add", "duplicate", "remove", "swap"):
        for _, g in moved(move, 3):
            assert {k: v for k, v in g.items() if not k.startswith("net")} == {
                k: v for k, v in genes(3).items() if not k.startswith("net")
            } | {}
            SPACE.check(SPACE.activate(g))
