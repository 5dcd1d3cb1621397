"""Which file system a file is on, and its place there: one that machines share has one for all."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

#: The mounts of this process, as Linux lists them.
MOUNTS = Path("/proc/self/mountinfo")
#: File systems of several machines.
SHARED = ("nfs", "nfs4", "lustre", "cifs", "gpfs", "beegfs", "afs", "ceph", "9p", "fuse.sshfs")


@dataclass(frozen=True)
class Place:
    """Where a file lies.

    Attributes:
        kind: of the file system, such as "ext4"; empty where it is not known.
        source: what is mounted, such as "server:/export".
        path: within that, whatever it is mounted on.
    """

    kind: str
    source: str
    path: Path

    @property
    def shared(self) -> bool:
        """Whether several machines see it."""
        return self.kind in SHARED


def place_of(file: Path) -> Place:
    """Where a file lies, or would lie."""
    file = file.expanduser().resolve()
    found: dict[Path, Place] = {}  # of mounts on one place the last one counts
    for line in MOUNTS.read_text().splitlines() if MOUNTS.exists() else ():
        about, _, system = line.partition(" - ")
        root, top = (Path(_plain(text)) for text in about.split(" ")[3:5])
        if file.is_relative_to(top):
            kind, source = system.split(" ")[:2]
            found[top] = Place(kind, _plain(source), root / file.relative_to(top))
    deepest = max(found, key=lambda top: len(top.parts), default=None)
    return found[deepest] if deepest else Place("", "", file)


def _plain(text: str) -> str:
    """A name in which a space, and the like, is written as a backslash and its number."""
    return re.sub(r"\\([0-7]{3})", lambda m: chr(int(m[1], 8)), text)
