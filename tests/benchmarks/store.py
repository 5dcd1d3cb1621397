"""What 10,000 trials cost the study store, on SQLite and PostgreSQL, as a Markdown table.

    python -m tests.benchmarks.store --trials 0 1000 10000

from the project's folder. Times are medians of what the controller waits for. A study is
filled by copies of its first hundred trials, in the database; the start of a controller and
``metaopt show`` are measured in processes of their own, imports left out and in. CPU time of
these processes, without the server's, stands in brackets.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import numpy as np
from sqlalchemy import MetaData, func, insert, literal, select, text
from sqlalchemy.orm import Session

from metaopt.store.database import StudyStore
from metaopt.store.study import StoredStudy
from search_spaces.loader import load_space, space_document
from tests.postgresql import Server
from workers.trial import Outcome, Progress, TrialResult

SPACE = load_space("fixed-angle")
DOCUMENT = {"space": space_document(SPACE)}
EPOCHS = 6
#: Trials recorded one by one before the copies, and timed at each size.
FIRST, TIMED = 100, 30
GROUPS = {"energy": 0.5, "longitudinal": 0.7, "transverse": 0.6, "correlation": 0.4}
METRICS = {f"metric_{i}": 0.1 * i for i in range(12)}

#: Reads a study as a starting controller does: seconds of wall and CPU time, and MiB.
START = """
import resource, sys, time
from metaopt.record import Record
from metaopt.store.database import StudyStore
memory = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
before, began, used = memory(), time.perf_counter(), time.process_time()
study = StudyStore(sys.argv[1]).study("s")
trials = study.trials()
record = Record(trials)
print(time.perf_counter() - began, time.process_time() - used, memory() - before)
"""


class Stopwatch:
    """Wall and CPU milliseconds of each step, of this process."""

    def __init__(self) -> None:
        self.spent: dict[str, list[tuple[float, float]]] = defaultdict(list)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        spent = time.perf_counter() - wall, time.process_time() - cpu
        self.spent[name].append((1000 * spent[0], 1000 * spent[1]))

    def median(self, name: str) -> str:
        """Medians of a step, CPU time in brackets."""
        wall, cpu = (statistics.median(values) for values in zip(*self.spent[name], strict=True))
        return f"{wall:.1f} ({cpu:.1f})"


def record(study: StoredStudy, proposal: int, clock: Stopwatch) -> None:
    """Record a whole trial."""
    rng = np.random.default_rng(proposal)
    point, score = SPACE.sample(rng), float(rng.uniform(0.2, 2.8))
    result = TrialResult(
        Outcome.COMPLETE, score, 0.01, groups=GROUPS, metrics=METRICS, epochs=EPOCHS, seconds=60.0
    )
    with clock.step("ask"):
        number = study.start(SPACE, point, proposal, {"operators": "mutation"})
    for epoch in range(1, EPOCHS + 1):
        progress = Progress(epoch, score, GROUPS, {"real_fake": 0.7}, 10.0 * epoch, 2000 * epoch)
        with clock.step("report"):
            study.report(number, progress)
    with clock.step("tell"):
        study.finish(number, result)


def copy(session: Session, trials: int, by: int) -> None:
    """Copy the first trials of the study to numbers that are higher by ``by``."""
    metadata = MetaData()
    metadata.reflect(session.connection())
    source = metadata.tables["trials"]
    chosen = select(source.c.trial_id).where(source.c.number < trials)
    for name, table in metadata.tables.items():
        key = "trial" if name == "metaopt_epochs" else "trial_id"
        if key not in table.c:
            continue
        shifted = {key, "number"} if name == "trials" else {key}
        kept = [c for c in table.c if not c.primary_key or name in ("trials", "metaopt_epochs")]
        columns = [(c + literal(by)).label(c.name) if c.name in shifted else c for c in kept]
        rows = select(*columns)
        rows = rows.where(table.c[key] < trials if key == "trial" else table.c[key].in_(chosen))
        session.execute(insert(table).from_select([c.name for c in kept], rows))


def fill(store: StudyStore, trials: int) -> None:
    """Bring the study to a number of trials."""
    with store.session() as session:
        source = MetaData()
        source.reflect(session.connection(), only=["trials"])
        table = source.tables["trials"]
        while (there := session.scalar(select(func.count()).select_from(table)) or 0) < trials:
            copy(session, min(there, trials - there), there)
        if session.get_bind().dialect.name == "postgresql":
            last = "(SELECT max(trial_id) FROM trials)"
            session.execute(text(f"SELECT setval('trials_trial_id_seq', {last})"))
            session.execute(text("ANALYZE"))
        session.commit()


def own_process(*command: str) -> tuple[str, str]:
    """The words of a command, and the seconds that it takes, CPU time in brackets."""
    before, clock = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=True)
    wall, after = time.perf_counter() - clock, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return done.stdout, f"{wall:.1f} ({cpu:.1f})"


def row(url: str, trials: int) -> list[str]:
    """The figures of a study at a size."""
    store = StudyStore(url, create=True)
    study = store.study("s") if "s" in store.names() else store.create("s", DOCUMENT)
    if trials:
        for proposal in range(len(study.trials()), FIRST):
            record(study, proposal, Stopwatch())
        fill(store, trials)
    clock = Stopwatch()
    for i in range(TIMED):
        record(study, trials + i, clock)
    store.close()
    wall, cpu, memory = own_process("-c", START, url)[0].split()
    show = own_process("-m", "metaopt", "show", "s", "--storage", url)[1]
    steps = [clock.median(step) for step in ("ask", "report", "tell")]
    start = f"{float(wall):.1f} ({float(cpu):.1f})"
    return [f"{trials:,}", *steps, start, show, f"{float(memory):.0f}"]


@contextmanager
def databases() -> Iterator[dict[str, str]]:
    """The storage URL of an empty database of each kind."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        server = Server()
        stack.callback(server.close)
        yield {
            "SQLite": f"sqlite:///{folder}/store.db",
            "PostgreSQL": server.url.render_as_string(hide_password=False),
        }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, nargs="+", default=[0, 1000, 10000])
    sizes = sorted(parser.parse_args().trials)
    header = (
        "store", "trials", "ask [ms]", "report [ms]", "tell [ms]", "start [s]", "show [s]",
        "memory [MiB]",
    )  # fmt: skip
    print("|", " | ".join(header), "|")
    print("|---|" + "---:|" * (len(header) - 1))
    with databases() as urls:
        for name, url in urls.items():
            for size in sizes:
                print("|", " | ".join([name, *row(url, size)]), "|", flush=True)


if __name__ == "__main__":
    main()
