"""What may keep a study from running on this machine, looked at one by one.

Nothing is written, and nothing that is said holds passwords, hosts or users: people paste it
into bug reports.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from metaopt.doctor.finding import Finding, level_of
from metaopt.doctor.machine import machine, results_folder
from metaopt.doctor.software import extras, software
from metaopt.doctor.study import asked_study
from metaopt.doctor.surroundings import dashboard_port, ray_cluster, store

__all__ = ["Finding", "examine", "level_of"]


def examine(path: Path | None, storage: str | None, ray_address: str | None) -> Iterator[Finding]:
    """Look at everything, in the order in which a study needs it.

    Args:
        path: of a study.toml; None for the embedded default.
        storage: URL of the store, if not the study's.
        ray_address: of the cluster, if not the study's.
    """
    yield from software()
    study = yield from asked_study(path)
    gpus = study.config.workers.gpus if study.config else 0.0
    address = ray_address or (study.config.workers.ray_address if study.config else "")
    yield from machine(gpus if not address else 0.0)
    yield from extras()
    yield from ray_cluster(address)
    yield from store(storage or study.storage)
    yield from results_folder(study.results, study.size)
    yield from dashboard_port()
