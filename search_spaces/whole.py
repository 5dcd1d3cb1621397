"""Files that appear whole: whoever reads them finds the old one, the new one, or none."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

#: Begins the name of a folder of what is not whole yet.
PART = ".part-"


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """The name under which a file is written until it is whole.

    With the end of the context it has its own name; after a failure what had that name before
    is as it was. A kill leaves at most a file that ends in ``.part``.

    Raises:
        OSError: it cannot be written, as where a disk is full; the error names the file.
    """
    path = path.resolve()  # a link stays one
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    try:
        yield part
        with part.open("rb+") as file:
            os.fsync(file.fileno())  # a name must not outlive its content
        part.replace(path)
    except OSError as failure:
        if failure.errno and failure.filename in (None, str(part)):
            failure.filename = str(path)
        raise
    finally:
        with suppress(OSError):  # on a read-only disk: the first failure says more
            part.unlink()


@contextmanager
def beside(target: Path) -> Iterator[Path]:
    """A folder on the disk of the target, for what is not whole yet; a new target goes with it.

    Raises:
        OSError: it cannot be written; the error names the target, or another file that failed.
    """
    new = not target.exists()
    target.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(dir=target, prefix=PART) as name:
            yield Path(name)
    except OSError as failure:
        failed = Path(str(failure.filename or target)).absolute()
        if failure.errno and failed.is_relative_to(target.absolute()):
            failure.filename = str(target)
        raise
    finally:
        if new:
            with suppress(OSError):  # unless there is something in it by now
                target.rmdir()
