"""A model family that is held in its second epoch, and writes down what it trains."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

FAMILY = "slow_toy:Slow"
#: A model family of the user's own: it writes each epoch down, and waits while it is told to.
#: The folder is where it was written, wherever the module is copied to.
SLOW = """
import os, time
from pathlib import Path
from workers.models.toy import Toy, ToyModel

FOLDER = Path({folder!r})

class Slow(Toy):
    def build(self, *arguments):
        model = super().build(*arguments)
        model.__class__ = SlowModel
        return model

class SlowModel(ToyModel):
    def train_epoch(self, showers, epoch, rows=None):
        with (FOLDER / "epochs").open("a") as file:
            file.write(f"{{self.seed}} {{epoch}} {{os.getpid()}}\\n")
        while epoch > 1 and self._held():
            time.sleep(0.02)
        return super().train_epoch(showers, epoch, rows)

    def _held(self):
        try:
            seeds = (FOLDER / "hold").read_text().split()
        except FileNotFoundError:
            return False
        return not seeds or str(self.seed) in seeds
"""


def slow_space() -> str:
    """The built-in toy space, of this family."""
    text = (resources.files("search_spaces") / "spaces" / "toy.toml").read_text()
    return text.replace('family = "toy"', f'family = "{FAMILY}"')


class SlowToy:
    """The module of the family, on the disk, and what its trainings wrote down."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        (folder / "slow_toy.py").write_text(SLOW.format(folder=str(folder)))

    def hold(self, *seeds: int) -> None:
        """Let trainings with these seeds, or all of them, stop in their second epoch."""
        (self.folder / "hold").write_text(" ".join(map(str, seeds)))

    def held(self) -> bool:
        return (self.folder / "hold").exists()

    def go(self) -> None:
        (self.folder / "hold").unlink()

    def log(self) -> list[tuple[int, int, int]]:
        """(seed, epoch, process) of each epoch that was begun."""
        log = self.folder / "epochs"
        lines = log.read_text().splitlines() if log.exists() else []
        return [(int(seed), int(epoch), int(pid)) for seed, epoch, pid in map(str.split, lines)]

    def epochs(self, seed: int) -> list[tuple[int, int]]:
        """Likewise, of the training with a seed."""
        return [(epoch, pid) for found, epoch, pid in self.log() if found == seed]
