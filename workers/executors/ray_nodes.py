"""Waits until a Ray cluster with an autoscaler has the nodes that a study's workers need.

The executor counts the nodes that there are: a cluster that has shrunk to its head has no room
for a worker, and nothing would tell its autoscaler to grow. A placement group does; it is given
up once it has its place, and the nodes stay for the autoscaler's idle time.

::

    python -m workers.executors.ray_nodes WORKERS CPUS GPUS SECONDS
"""

from __future__ import annotations

import sys

import ray
from ray.exceptions import GetTimeoutError
from ray.util.placement_group import placement_group

from search_spaces.errors import ExecutorError
from workers.executors.ray_cluster import Cluster
from workers.trial import Resources


def await_nodes(address: str, workers: int, resources: Resources, seconds: float) -> None:
    """Return when the cluster has room for so many workers at once.

    Raises:
        ExecutorError: it has not within that time, or cannot be reached.
    """
    needs = {"CPU": float(resources.cpus), "GPU": resources.gpus}
    bundle = {what: much for what, much in needs.items() if much}
    cluster = Cluster(address)
    try:
        ray.get(placement_group([bundle] * workers).ready(), timeout=seconds)
    except GetTimeoutError:
        raise ExecutorError(
            f"{workers} workers need {resources.cpus} CPUs and {resources.gpus:g} GPUs each, the "
            f"Ray cluster has {cluster.resources()} after {seconds:g} s; wait longer, lower "
            "workers, cpus or gpus, or look at its autoscaler"
        ) from None
    finally:
        cluster.leave()  # the group goes with its connection


def main() -> None:
    """Wait as the command line says."""
    workers, cpus, gpus, seconds = sys.argv[1:]
    try:
        await_nodes("auto", int(workers), Resources(int(cpus), float(gpus)), float(seconds))
    except ExecutorError as failure:
        sys.exit(f"metaopt: {failure}")


if __name__ == "__main__":
    main()
