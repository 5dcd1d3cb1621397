"""Flat names, their values, and the published layers behind them."""

from __future__ import annotations

import pytest

from search_spaces.errors import SpaceError
from workers.models.gan3d.params import configure, resize
from workers.models.gan3d.presets import FIXED_ANGLE, PRESETS, VARIABLE_ANGLE_B, preset


def test_an_empty_point_is_the_preset() -> None:
    for params in PRESETS.values():
        assert configure(params, {}) == params


def test_a_point_replaces_what_it_names_and_nothing_else() -> None:
    got = configure(FIXED_ANGLE, {"g2_filters": 9, "W_E": 0.5, "batch_size": 16})
    assert got.generator.layers[1].filters == 9
    assert got.generator.layers[0] == FIXED_ANGLE.generator.layers[0]
    assert (got.weights.deposited_energy, got.training.batch_size) == (0.5, 16)
    assert got.discriminator == FIXED_ANGLE.discriminator


def test_one_axis_has_the_last_word_over_all_axes() -> None:
    got = configure(FIXED_ANGLE, {"d1_kernel_z": 7, "d1_kernel": 3})
    assert got.discriminator.layers[0].kernel == (3, 3, 7)


def test_extra_layers_copy_the_last_without_changing_the_grid() -> None:
    *kept, extra = configure(FIXED_ANGLE, {"g_layers": 4}).generator.layers
    assert tuple(kept) == FIXED_ANGLE.generator.layers
    assert (extra.filters, extra.kernel) == (kept[-1].filters, kept[-1].kernel)
    assert (extra.upsample, extra.change) == ((1, 1, 1), (0, 0, 0))


def test_up_sampling_of_missing_layers_moves_to_the_last() -> None:
    layers = resize(FIXED_ANGLE.generator.layers, 2)
    assert [layer.upsample for layer in layers] == [(1, 1, 1), (4, 4, 6)]
    assert resize(VARIABLE_ANGLE_B.generator.layers, 1)[0].upsample == (6, 6, 6)


@pytest.mark.parametrize(
    ("point", "words"),
    [
        ({"g1_filter": 3}, "did you mean 'g1_filters'"),
        ({"g5_filters": 3}, "exists only when g_layers >= 5, got g_layers=3"),
        ({"g9_filters": 3}, "unknown parameter"),
        ({"power": 0.0}, r"power must lie in \[0.05, 1.0\], got 0.0"),
        ({"batch_size": 1.5}, "batch_size must be a whole number, got 1.5"),
        ({"dropout": True}, "dropout must be a number, got True"),
        ({"g1_kernel": 0}, "g1_kernel must lie in"),
        ({"d_layers": 9}, "d_layers must lie in"),
    ],
)
def test_bad_points_are_refused_with_the_rule(point: dict[str, float], words: str) -> None:
    with pytest.raises(SpaceError, match=words):
        configure(FIXED_ANGLE, point)


def test_an_unknown_preset_is_answered_with_the_nearest() -> None:
    with pytest.raises(SpaceError, match="did you mean 'fixed-angle'"):
        preset("fixed_angle")


def test_a_fixed_angle_configuration_is_concatenated_where_theta_varies() -> None:
    got = FIXED_ANGLE.for_data(angle=True, particles=1)
    assert (got.generator.conditioning, got.noise_size) == ("concat", 198)
    fixed = VARIABLE_ANGLE_B.for_data(angle=False, particles=1)
    assert (fixed.generator.conditioning, fixed.noise_size) == ("concat", 255)
    assert FIXED_ANGLE.for_data(angle=False, particles=1) == FIXED_ANGLE


def test_conditioning_is_a_choice() -> None:
    assert configure(FIXED_ANGLE, {"conditioning": "concat"}).noise_size == 199
    with pytest.raises(SpaceError, match=r"one of \['hadamard', 'concat'\], got 'cat'"):
        configure(FIXED_ANGLE, {"conditioning": "cat"})
