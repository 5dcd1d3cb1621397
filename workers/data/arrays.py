"""A .npy file that is written row by row, in any order."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray


class ArrayFile:
    """A new float32 array (n, ...) on disk; a context manager.

    Rows are written as a file's, not through a memory map: a disk that is full is then an
    error, where a map would end the process, and the writer's memory is one block of rows.

    Raises:
        OSError: the disk has no room for it, which is seen before the first row is written.
    """

    def __init__(self, path: Path, shape: tuple[int, ...]) -> None:
        self._file = path.open("wb")
        header = {"descr": "<f4", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(self._file, header)
        self._start = self._file.tell()
        self._row = 4 * int(np.prod(shape[1:]))
        try:
            self._file.flush()
            os.posix_fallocate(self._file.fileno(), 0, self._start + self._row * shape[0])
        except OSError:
            self._file.close()
            raise

    def __enter__(self) -> ArrayFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._file:
            if kind is None:
                self._file.flush()
                os.fsync(self._file.fileno())  # a name must not outlive its content

    def __setitem__(self, rows: NDArray[np.int64], cells: NDArray[np.float32], /) -> None:
        for row, shower in zip(rows, cells, strict=True):
            self._file.seek(self._start + self._row * int(row))
            self._file.write(np.ascontiguousarray(shower, dtype="<f4").data)
