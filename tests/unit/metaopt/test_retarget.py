"""The search space of another calorimeter."""

from __future__ import annotations

from dataclasses import replace

from metaopt.retarget import fitting_space
from search_spaces.cells import Cells
from search_spaces.loader import load_geometry, load_space
from search_spaces.parameters import Int


def test_kernels_are_no_wider_than_the_calorimeter() -> None:
    geometry = load_geometry("clic-12x12x12")
    flat = replace(geometry, cells=Cells((12, 12, 5), (10.0, 10.0, 10.0)))
    space = fitting_space(load_space("quick"), flat)
    kernels = [space[name] for name in ("g2_kernel_z", "d1_kernel", "d2_kernel")]
    assert [(p.low, p.high) for p in kernels if isinstance(p, Int)] == [(3, 5)] * 3
    assert space.baselines[0].point["g2_kernel_z"] == 5
    assert space.baselines[0].point["W_P"] == 0.1
    assert fitting_space(load_space("quick"), geometry).digest == load_space("quick").digest


def test_a_built_in_space_gives_way_to_its_like_with_the_angle() -> None:
    many, one = load_geometry("clic-51x51x25"), load_geometry("clic-25x25x25")
    assert fitting_space(load_space("quick"), many).name == "quick-angle"
    assert fitting_space(load_space("variable-angle"), one).name == "fixed-angle"
    assert fitting_space(load_space("toy"), many).name == "toy"
