"""Grid sizes: the published ones after every step, and exactness for any geometry."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search_spaces.errors import InfeasibleError
from workers.models.gan3d.params import Axes, configure
from workers.models.gan3d.presets import FIXED_ANGLE, PRESETS
from workers.models.gan3d.shapes import plan
from workers.models.gan3d.static import discriminator_costs, generator_costs

from .conftest import SMALL

#: (zeros in total, grid) after every convolution, as published.
PUBLISHED = {
    "fixed-angle": (
        (7, 7, 8),
        [
            ((5, 5, 7), (7, 7, 8)),
            ((4, 4, 0), (13, 14, 9)),
            ((2, 0, 6), (26, 26, 26)),
            ((0, 0, 0), (25, 25, 25)),
        ],
        [
            ((4, 4, 4), (25, 25, 25)),
            ((4, 4, 4), (25, 25, 25)),
            ((4, 4, 4), (25, 25, 25)),
            ((2, 2, 2), (23, 23, 23)),
        ],
        (11, 11, 11),
    ),
    "variable-angle-a": (
        (9, 9, 8),
        [
            ((5, 5, 7), (9, 9, 8)),
            ((4, 6, 2), (27, 26, 11)),
            ((0, 4, 0), (52, 52, 26)),
            ((0, 0, 0), (51, 51, 25)),
        ],
        [
            ((4, 5, 5), (51, 51, 25)),
            ((0, 0, 2), (47, 46, 22)),
            ((0, 0, 2), (43, 41, 19)),
            ((0, 0, 0), (39, 36, 14)),
        ],
        (19, 18, 7),
    ),
    "variable-angle-b": (
        (9, 9, 8),
        [
            ((0, 0, 0), (49, 49, 41)),
            ((4, 4, 2), (50, 50, 38)),
            ((4, 4, 2), (51, 51, 35)),
            ((4, 4, 2), (52, 52, 32)),
            ((2, 2, 0), (52, 52, 28)),
            ((2, 2, 0), (52, 52, 26)),
            ((0, 0, 0), (51, 51, 25)),
        ],
        [
            ((4, 5, 5), (51, 51, 25)),
            ((0, 0, 2), (47, 46, 22)),
            ((0, 0, 2), (43, 41, 19)),
            ((0, 0, 0), (39, 36, 14)),
        ],
        (19, 18, 7),
    ),
}

COUNTS = {
    "fixed-angle": (872_948, 73_450, 0.256, 0.785),
    "variable-angle-a": (1_607_348, 87_402, 1.353, 1.896),
    "variable-angle-a-16": (1_607_348, 217_986, 1.353, 4.828),
    "variable-angle-b": (1_365_047, 87_402, 3.061, 1.896),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_sizes_after_every_step(name: str) -> None:
    seed, generator, discriminator, pooled = PUBLISHED[name]
    got = plan(PRESETS[name], PRESETS[name].shape)
    assert got.seed_grid == seed
    assert [(s.pads, s.grid) for s in got.generator] == generator
    assert [(s.pads, s.grid) for s in got.discriminator] == discriminator
    assert got.pooled == pooled


@pytest.mark.parametrize("name", COUNTS)
def test_published_counts(name: str) -> None:
    params = PRESETS[name]
    sizes = plan(params, params.shape)
    g, d = generator_costs(params, sizes), discriminator_costs(params, sizes)
    assert (g.parameters, d.parameters) == COUNTS[name][:2]
    assert (round(g.macs / 1e9, 3), round(d.macs / 1e9, 3)) == COUNTS[name][2:]


SIZES = st.integers(8, 128)
KERNELS = st.tuples(*[st.integers(1, 8)] * 3)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(sorted(PRESETS)),
    st.tuples(SIZES, SIZES, SIZES),
    st.lists(KERNELS, min_size=1, max_size=8),
    st.lists(KERNELS, min_size=1, max_size=8),
)
def test_every_plan_is_exact_or_refused_with_a_reason(
    name: str, shape: Axes, g_kernels: list[Axes], d_kernels: list[Axes]
) -> None:
    point = {"g_layers": len(g_kernels), "d_layers": len(d_kernels)}
    for net, kernels in (("g", g_kernels), ("d", d_kernels)):
        for i, kernel in enumerate(kernels, start=1):
            point |= {f"{net}{i}_kernel_{a}": k for a, k in zip("xyz", kernel, strict=True)}
    params = configure(PRESETS[name], point)
    try:
        sizes = plan(params, shape)
    except InfeasibleError as reason:
        assert "\n" not in str(reason)
        return
    assert sizes.generator[-1].grid == shape
    grid = sizes.seed_grid
    for step in sizes.generator:
        layer = step.layer
        for s, u, p, k, after in zip(
            grid, layer.upsample, step.pads, layer.kernel, step.grid, strict=True
        ):
            assert after == u * s + p - k + 1
            assert 0 <= p <= 2 * (k - 1)
            assert after >= 1
        grid = step.grid


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(sorted(PRESETS)), st.tuples(SIZES, SIZES, SIZES))
def test_every_preset_fits_every_geometry(name: str, shape: Axes) -> None:
    assert plan(PRESETS[name], shape).generator[-1].grid == shape


def test_a_plan_takes_milliseconds() -> None:
    params = configure(PRESETS["variable-angle-b"], {"g_layers": 8, "g7_kernel": 7})
    start = time.perf_counter()
    plan(params, (127, 128, 101))
    assert time.perf_counter() - start < 0.05


def test_kernels_too_small_for_the_geometry_are_refused_with_the_remedy() -> None:
    point = {f"g{i}_kernel": 1 for i in range(1, 7)}
    with pytest.raises(InfeasibleError, match=r"\(x\).*larger kernels along x"):
        plan(configure(PRESETS["variable-angle-b"], point), (9, 9, 9))


def test_a_vanishing_discriminator_grid_is_refused() -> None:
    params = configure(PRESETS["variable-angle-a"], {"d_layers": 8})
    shrinking = params.discriminator.layers[1]
    from dataclasses import replace

    deep = replace(params.discriminator, layers=(shrinking,) * 14)
    with pytest.raises(InfeasibleError, match="layer 8 leaves a grid of 19 x 11 x 1"):
        plan(replace(params, discriminator=deep), (51, 51, 25))


def test_a_latent_vector_without_noise_is_refused() -> None:
    from dataclasses import replace

    params = PRESETS["variable-angle-a"]
    small = replace(params, generator=replace(params.generator, latent_size=2))
    with pytest.raises(InfeasibleError, match="room for noise"):
        plan(small, (51, 51, 25))


def test_the_seed_grid_follows_the_geometry() -> None:
    assert plan(FIXED_ANGLE, (12, 12, 12)).seed_grid == (4, 4, 4)
    # Half the cells, half the published loss of 4 (x) and 5 (y) cells per layer.
    grids = [s.grid for s in plan(PRESETS["variable-angle-a"], (25, 25, 25)).discriminator]
    assert grids == [(25, 25, 25), (23, 23, 22), (21, 21, 19), (19, 19, 14)]
    assert plan(FIXED_ANGLE, (51, 25, 25)).seed_grid == (15, 7, 8)
    assert plan(configure(FIXED_ANGLE, SMALL), (25, 25, 25)).generator[-1].grid == (25, 25, 25)
