"""How fast this machine trains: a few steps of small variations of a network, timed.

The rates hold for the geometry, the threads and the precision that they were measured
with: kernels of other sizes run at other speeds.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

import numpy as np

from objectives.showers import Conditions, Showers
from search_spaces.errors import TrialFailedError
from search_spaces.geometry import Geometry
from search_spaces.parameters import Point, Value
from workers.models.gan3d.family import Gan3D, configuration
from workers.models.gan3d.mesh import Mesh
from workers.models.gan3d.shapes import plan_on
from workers.models.gan3d.workload import Rates, Workload, workload
from workers.trial import Resources

#: Work of a calibration step [GMAC], bounds of its showers, and timed steps; the fastest counts.
STEP_GMAC, BATCHES, STEPS = 40.0, (4, 32), 3
#: Variations of the preset that differ in what dominates: multiplications in full vectors,
#: in half-empty ones, numbers moved, weights updated.
PROBES: tuple[Mapping[str, Value], ...] = (
    {},
    {"g1_filters": 16, "d1_filters": 16},
    {"g_layers": 2, "d_layers": 2, "g1_kernel": 3, "d1_kernel": 3, "d2_kernel": 3},
    {"g1_kernel": 3, "d1_kernel": 3, "latent_size": 1024},
)


def load_of(preset: str, point: Point, geometry: Geometry, resources: Resources) -> Workload:
    """The work of one training shower of a configuration."""
    params = configuration(preset, point, geometry)
    return workload(params, plan_on(params, Mesh.of(geometry)), pairs=not resources.gpus)


def calibrate(family: Gan3D, preset: str, geometry: Geometry, resources: Resources) -> Rates:
    """Measure the rates: a few small trainings, of some seconds each on a CPU core.

    Raises:
        InfeasibleError: the preset cannot be built for the geometry.
    """
    gmac = family.static_metrics(preset, {}, geometry)["training_gmac"]
    large = int(np.clip(round(STEP_GMAC / gmac), *BATCHES))
    showers = _made_up(geometry, large)
    loads, seconds = [], []
    # What a step costs whatever its showers shows in small batches.
    small: Point = {"batch_size": large // 4}
    for point in (*({**probe, "batch_size": large} for probe in PROBES), small):
        if family.problem(preset, point, geometry) is None:
            try:
                seconds.append(_time(family, preset, point, geometry, resources, showers))
            except TrialFailedError:
                continue  # an untrained network of showers that are none may diverge
            loads.append(load_of(preset, point, geometry, resources))
    return Rates.fit(loads, seconds)


def _time(
    family: Gan3D,
    preset: str,
    point: Point,
    geometry: Geometry,
    resources: Resources,
    showers: Showers,
) -> float:
    """Seconds per shower of the fastest step; the first one, which compiles, does not count."""
    model = family.build(preset, point, geometry, 1, resources)
    times = []
    for epoch in range(1, STEPS + 2):
        begin = time.perf_counter()
        model.train_epoch(showers, epoch)
        times.append(time.perf_counter() - begin)
    return min(times[1:]) / len(showers)


def _made_up(geometry: Geometry, n: int) -> Showers:
    """Sparse cells of about the right energy: the time of a step does not depend on physics."""
    rng = np.random.default_rng(0)
    energy = rng.uniform(*geometry.energy, n)
    cells = np.where(rng.random((n, *geometry.shape)) < 0.1, rng.random((n, *geometry.shape)), 0)
    if geometry.present is not None:
        cells *= geometry.present
    cells *= (0.02 * energy / cells.sum(axis=(1, 2, 3)))[:, None, None, None]
    theta = rng.uniform(*geometry.theta_rad, n)
    particle = rng.integers(len(geometry.particles), size=n)
    return Showers(cells.astype(np.float32), Conditions.of(energy, theta, particle))
