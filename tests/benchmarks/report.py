"""What the report of a large study costs: seconds, megabytes, memory.

    python -m tests.benchmarks.report --trials 10000 -o page.html

from the project's folder. The study is made up and written to a SQLite store; then
``metaopt report`` runs in a process of its own, without the physics of the best trial.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from optuna.distributions import distribution_to_json
from sqlalchemy import MetaData, insert

from metaopt.store.database import StudyStore
from metaopt.store.views import TrialView
from metaopt.strategies.optuna_sampler import distributions
from tests.made_up_study import MadeUpStudy, attributes


def fill(url: str, trials: int) -> None:
    """Write a made-up study to a store, table by table: one trial after another takes an hour."""
    made = MadeUpStudy(trials)
    views = made.made()
    store = StudyStore(url, create=True)
    store.create("large", made.document)
    identity = store.backend.get_study_id_from_name("large")
    rows = dict(_rows(made, views, identity))
    with store.session() as session:
        metadata = MetaData()
        metadata.reflect(session.connection(), only=list(rows))
        for name, some in rows.items():
            session.execute(insert(metadata.tables[name]), some)
        session.commit()
    store.close()


def _rows(
    made: MadeUpStudy, views: list[TrialView], study: int
) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Rows of Optuna's tables; a trial's identity is its number, counted from 1."""
    ranges = distributions(made.space)
    texts = {name: distribution_to_json(kind) for name, kind in ranges.items()}
    yield "trials", [
        {
            "trial_id": v.number + 1, "number": v.number, "study_id": study,
            "state": v.state.upper(), "datetime_start": v.started, "datetime_complete": v.finished,
        }
        for v in views
    ]  # fmt: skip
    yield "trial_params", [
        {
            "trial_id": v.number + 1, "param_name": name, "distribution_json": texts[name],
            "param_value": ranges[name].to_internal_repr(value),
        }
        for v in views for name, value in v.point.items()
    ]  # fmt: skip
    yield (
        "trial_user_attributes",
        [
            {"trial_id": v.number + 1, "key": key, "value_json": json.dumps(value)}
            for v in views
            for key, value in attributes(v).items()
        ],
    )
    yield (
        "trial_values",
        [
            {"trial_id": v.number + 1, "objective": 0, "value": v.score, "value_type": "FINITE"}
            for v in views
            if v.complete
        ],
    )
    yield "trial_intermediate_values", [
        {
            "trial_id": v.number + 1, "step": epoch, "intermediate_value": score,
            "intermediate_value_type": "FINITE",
        }
        for v in views for epoch, score in v.rungs
    ]  # fmt: skip


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("-o", "--out", type=Path, default=Path("report.html"))
    parser.add_argument("--store", type=Path, help="Keep the store here; read it if it is there.")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = given.store or Path(folder) / "store.db"
        url = f"sqlite:///{file}"
        if not file.is_file():
            fill(url, given.trials)
        command = ["report", "large", "-o", str(given.out), "--no-physics", "--storage", url]
        began = time.perf_counter()
        subprocess.run([sys.executable, "-m", "metaopt", *command], check=True)
        wall = time.perf_counter() - began
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    size = given.out.stat().st_size / 1e6
    print(
        f"{given.trials:,} trials: {wall:.1f} s wall, {used.ru_utime + used.ru_stime:.1f} s CPU, "
        f"{size:.1f} MB, {used.ru_maxrss / 1024:.0f} MiB of memory"
    )


if __name__ == "__main__":
    main()
