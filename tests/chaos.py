"""A study whose workers, controller and database server are killed at random.

The model is the toy, slowed down; every epoch that begins is written to a log, with the
seed of its training. So it can be told afterwards whether every training ended exactly once,
and how many epochs were trained twice.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from metaopt.store.database import StudyStore
from metaopt.store.views import TrialView
from tests.postgresql import Server
from tests.processes import MARK, marked

#: Seconds without an epoch after which the next death comes all the same.
LONGEST = 30.0
MODEL = """
import os, time
from pathlib import Path
from workers.models.toy import Toy, ToyModel

class Slow(Toy):
    def build(self, preset, point, geometry, seed, resources):
        model = super().build(preset, point, geometry, seed, resources)
        model.__class__ = SlowModel
        return model

class SlowModel(ToyModel):
    def train_epoch(self, showers, epoch, rows=None):
        with Path(__file__).with_name("epochs").open("a") as file:
            file.write(f"{self.seed} {epoch}\\n")
        time.sleep(float(os.environ["SLOW_SECONDS"]))
        return super().train_epoch(showers, epoch, rows)
"""
SPACE = """
family = "slow_toy:Slow"
preset = "default"
parameters.rate = { type = "float", low = 0.05, high = 2.2 }
parameters.fluctuation = { type = "float", low = 0.5, high = 2.0 }
parameters.sharpness = { type = "float", low = 0.5, high = 2.0 }
[baselines.published]
rate = 0.1
fluctuation = 2.0
sharpness = 0.7
"""
STUDY = """
study.name = "chaos"
study.storage = '{storage}'
study.results = '{folder}/results'
search.space = '{folder}/space.toml'
search.trials = {trials}
search.confirm = 1
data.files = ["sample"]
data.geometry = "clic-12x12x12"
trial.epochs = {epochs}
trial.showers = 100
trial.evaluation_showers = 100
trial.checkpoint = "0.1s"
workers.count = {workers}
workers.ray_address = '{address}'
"""


@dataclass
class Chaos:
    """One study under attack.

    Attributes:
        folder: holds all its files.
        storage: URL of its store, and its server where it has one that may be killed.
        epoch_seconds: that each epoch takes at the least.
        address: of a running Ray cluster; empty: each controller starts one.
    """

    folder: Path
    storage: str
    trials: int
    server: Server | None = None
    epochs: int = 4
    workers: int = 2
    epoch_seconds: float = 0.2
    address: str = ""
    kills: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        (self.folder / "slow_toy.py").write_text(MODEL)
        (self.folder / "space.toml").write_text(SPACE)
        text = STUDY.format(**{k: getattr(self, k) for k in self.__dataclass_fields__})
        (self.folder / "study.toml").write_text(text)
        self._environment = {
            **os.environ,
            MARK: str(self.folder),
            "SLOW_SECONDS": str(self.epoch_seconds),
            "PYTHONPATH": os.pathsep.join([str(self.folder), os.environ.get("PYTHONPATH", "")]),
        }

    def run(self, deaths: Iterable[str], apart: float, seed: int) -> float:
        """Run the study to its end, whoever dies in between; returns wall-clock seconds.

        Args:
            deaths: in order: "worker", "controller" or "server".
            apart: epochs between two of them, on average; at most ``LONGEST`` seconds.
            seed: of the draws.
        """
        begin, draws = time.monotonic(), random.Random(seed)
        coming = iter(deaths)
        death = next(coming, "")
        controller = self._start()
        next_death, latest = draws.expovariate(1 / apart), begin + LONGEST
        while controller.poll() != 0:
            if controller.returncode is not None:
                assert controller.returncode < 0 or self._resumable, self._log
                controller = self._start()
            due = len(self._begun) >= next_death or time.monotonic() > latest
            if death and due and self._kill(death, controller, draws):
                self.kills[death] += 1
                death = next(coming, "")
                next_death = len(self._begun) + draws.expovariate(1 / apart)
                latest = time.monotonic() + LONGEST
            time.sleep(0.05)
        return time.monotonic() - begin

    @property
    def _log(self) -> str:
        return (self.folder / "log").read_text()[-3000:]

    @property
    def _resumable(self) -> bool:
        """Whether the last line, which is an error, says that the same command goes on."""
        return "the same command" in self._log.splitlines()[-1]

    def _start(self) -> subprocess.Popen[bytes]:
        command = [Path(sys.executable).with_name("metaopt"), "run", "study.toml"]
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                command,
                cwd=self.folder,
                env=self._environment,
                stdout=subprocess.DEVNULL,
                stderr=log,
                start_new_session=True,
            )

    def _kill(self, what: str, controller: subprocess.Popen[bytes], draws: random.Random) -> bool:
        """Whether there was one."""
        if what == "controller":
            controller.kill()
            controller.wait()
        elif what == "server":
            assert self.server is not None
            self.server.stop("QUIT")
            time.sleep(draws.uniform(0, 2))
            self.server.start()
        else:
            workers = marked(str(self.folder), b"ray::_Process")
            if not workers:
                return False
            with suppress(ProcessLookupError):
                os.kill(draws.choice(workers), signal.SIGKILL)
        return True

    def check(self) -> None:
        """Raise AssertionError unless every training ended exactly once, and none is missing."""
        trainings: dict[tuple[int, int], list[TrialView]] = {}
        store = StudyStore(self.storage)
        trials = store.study("chaos").trials()
        store.close()
        for trial in trials:
            if trial.proposal is not None:
                trainings.setdefault(trial.training, []).append(trial)
        proposals = sorted(p for p, seed in trainings if seed == 0)
        assert proposals == list(range(len(proposals)))
        assert len(trainings) == self.trials
        for training, taken in trainings.items():
            *before, last = taken
            ends = [t for t in taken if t.complete or t.outcome == "failed"]
            assert len(ends) <= 1, f"{training} ended {len(ends)} times"
            assert last.settled, f"{training} never ended: {last}"
            assert all(t.state == "pruned" or t.repeatable for t in before), training
            repeated = [t.retry_of for t in taken if t.retry_of is not None]
            assert len(set(repeated)) == len(repeated), f"{training} was repeated twice at once"

    @property
    def epochs_twice(self) -> int:
        """Epochs that were begun again: what the deaths cost in training."""
        return sum(count - 1 for count in Counter(self._begun).values())

    @property
    def _begun(self) -> list[str]:
        """A line for each epoch that was begun."""
        log = self.folder / "epochs"
        return log.read_text().splitlines() if log.exists() else []
