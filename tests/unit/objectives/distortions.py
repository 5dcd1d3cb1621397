"""Generators that are wrong in a known way: what S must answer, and in which order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from objectives.objective import Score, evaluate
from objectives.reference import Reference
from objectives.showers import Conditions, Showers
from search_spaces.geometry import Geometry

from . import toy_showers as toy

Array = np.ndarray


@dataclass(frozen=True)
class Bench:
    """A reference, and a perfect generator's showers at its conditions."""

    geometry: Geometry
    training: Showers
    validation: Showers
    reference: Reference
    perfect: Showers

    @classmethod
    def of(cls, geometry: Geometry, training: int, validation: int, asked: int) -> Bench:
        """Toy showers of the given numbers."""
        real = toy.showers(training, 1, geometry), toy.showers(validation, 2, geometry)
        reference = Reference.build(*real, geometry)
        perfect = toy.at(reference.conditions(asked), np.random.default_rng(3), geometry)
        return cls(geometry, *real, reference, perfect)

    def like_perfect(self, cells: Array) -> Showers:
        """Other cells at the same conditions."""
        return Showers(np.asarray(cells, dtype=np.float32), self.perfect.conditions)

    def score(self, cells: Array) -> Score:
        """S of other cells at the same conditions."""
        return evaluate(self.like_perfect(cells), self.reference)

    def distorted(self, distort: Distortion, seed: int = 11) -> Score:
        """S of a distortion of the perfect generator."""
        return evaluate(distort(self, np.random.default_rng(seed)), self.reference)


Distortion = Callable[[Bench, np.random.Generator], Showers]


def per_shower(factor: Array) -> Array:
    return np.asarray(factor, dtype=np.float32)[:, None, None, None]


def scale(factor: float) -> Distortion:
    return lambda bench, rng: bench.like_perfect(bench.perfect.cells * np.float32(factor))


def smear(spread: float) -> Distortion:
    def showers(bench: Bench, rng: np.random.Generator) -> Showers:
        factor = 1 + spread * rng.standard_normal(len(bench.perfect))
        return bench.like_perfect(bench.perfect.cells * per_shower(factor))

    return showers


def drop(threshold: float) -> Distortion:
    return lambda bench, rng: bench.like_perfect(
        bench.perfect.cells * (bench.perfect.cells >= threshold)
    )


def empty(share: float) -> Distortion:
    def showers(bench: Bench, rng: np.random.Generator) -> Showers:
        kept = np.arange(len(bench.perfect)) >= share * len(bench.perfect)
        return bench.like_perfect(bench.perfect.cells * per_shower(kept))

    return showers


def hot(share: float, factor: float) -> Distortion:
    """Some showers with many times their energy."""

    def showers(bench: Bench, rng: np.random.Generator) -> Showers:
        chosen = rng.random(len(bench.perfect)) < share
        return bench.like_perfect(bench.perfect.cells * per_shower(np.where(chosen, factor, 1)))

    return showers


def collapse(share: float) -> Distortion:
    """Some showers are one and the same, scaled to their energy."""

    def showers(bench: Bench, rng: np.random.Generator) -> Showers:
        real = bench.perfect
        scaled = real.cells[:1] * per_shower(real.energy / real.energy[0])
        chosen = rng.random(len(real)) < share
        return bench.like_perfect(np.where(chosen[:, None, None, None], scaled, real.cells))

    return showers


def templates(count: int, scaled: bool) -> Distortion:
    """A few showers near 250 GeV, again and again."""

    def showers(bench: Bench, rng: np.random.Generator) -> Showers:
        near = np.argsort(np.abs(bench.training.energy - 250))[:count]
        chosen = bench.training[near[rng.integers(count, size=len(bench.perfect))]]
        factor = bench.perfect.energy / chosen.energy if scaled else np.ones(len(chosen))
        return bench.like_perfect(chosen.cells * per_shower(factor))

    return showers


def noise(share: float) -> Distortion:
    def showers(bench: Bench, rng: np.random.Generator) -> Showers:
        cells = bench.perfect.cells.copy()
        hit = np.flatnonzero(rng.random(cells.size, dtype=np.float32) < share)
        cells.ravel()[hit] += rng.exponential(1e-4, len(hit)).astype(np.float32)
        return bench.like_perfect(cells)

    return showers


def uniform_noise(bench: Bench, rng: np.random.Generator) -> Showers:
    """Independent cells of one exponential law, with the right mean energy."""
    cells = rng.standard_exponential(bench.perfect.cells.shape, dtype=np.float32)
    mean = 0.0192 * bench.perfect.energy / np.prod(bench.geometry.shape)
    return bench.like_perfect(cells * per_shower(mean))


def lognormal(spread: float) -> Distortion:
    """Each cell times a factor of mean one."""

    def showers(bench: Bench, rng: np.random.Generator) -> Showers:
        g = rng.standard_normal(bench.perfect.cells.shape, dtype=np.float32)
        return bench.like_perfect(bench.perfect.cells * np.exp(spread * g - 0.5 * spread**2))

    return showers


def shift(layers: float) -> Distortion:
    """Deeper by a number of layers, by linear interpolation."""

    def showers(bench: Bench, rng: np.random.Generator) -> Showers:
        cells, whole, part = bench.perfect.cells, int(layers), np.float32(layers % 1)
        moved = np.zeros_like(cells)
        moved[..., whole:] = (1 - part) * cells[..., : cells.shape[-1] - whole]
        moved[..., whole + 1 :] += part * cells[..., : cells.shape[-1] - whole - 1]
        return bench.like_perfect(moved)

    return showers


def blur(sigma: float, axes: tuple[int, ...] = (1, 2)) -> Distortion:
    """Smeared over neighbouring cells."""

    def showers(bench: Bench, rng: np.random.Generator) -> Showers:
        cells = bench.perfect.cells
        for axis in axes:
            cells = gaussian_filter1d(cells, sigma, axis=axis, mode="constant")
        return bench.like_perfect(cells)

    return showers


def no_response_fluctuation(bench: Bench, rng: np.random.Generator) -> Showers:
    total = bench.perfect.cells.sum(axis=(1, 2, 3))
    return bench.like_perfect(
        bench.perfect.cells * per_shower(0.0192 * bench.perfect.energy / total)
    )


def mean_shower(bench: Bench, rng: np.random.Generator) -> Showers:
    """The mean shape in ten bins of the energy: what event-paired errors prefer."""
    real = bench.training
    edges = np.linspace(*bench.geometry.energy, 11)[1:-1]
    bins = np.digitize(real.energy, edges)
    per_gev = [(real.cells[bins == i] / per_shower(real.energy[bins == i])) for i in range(10)]
    means = np.stack([cells.mean(axis=0) for cells in per_gev])
    chosen = means[np.digitize(bench.perfect.energy, edges)]
    return bench.like_perfect(chosen * per_shower(bench.perfect.energy))


def _of_angle(bench: Bench, theta: Array, rng: np.random.Generator) -> Showers:
    """The showers of another angle."""
    wanted = Conditions.of(bench.perfect.energy, theta)
    return bench.like_perfect(toy.at(wanted, rng, bench.geometry).cells)


def angle_ignored(bench: Bench, rng: np.random.Generator) -> Showers:
    return _of_angle(bench, rng.uniform(*bench.geometry.theta_rad, len(bench.perfect)), rng)


def tilt_halved(bench: Bench, rng: np.random.Generator) -> Showers:
    """The shower of half the tilt against normal incidence."""
    return _of_angle(bench, 0.5 * (bench.perfect.theta + 0.5 * np.pi), rng)


def condition_ignored(bench: Bench, rng: np.random.Generator) -> Showers:
    """The shower of another energy and angle."""
    return bench.like_perfect(bench.perfect.cells[rng.permutation(len(bench.perfect))])


def repeated(times: int) -> Distortion:
    """Every shower several times, with its condition."""
    return lambda bench, rng: bench.perfect[np.arange(len(bench.perfect)) // times * times]
