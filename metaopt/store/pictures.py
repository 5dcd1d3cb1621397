"""The pictures of all studies of a store, as the dashboard asks for them."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

from optuna.artifacts.exceptions import ArtifactNotFound

#: Folder of the pictures of all studies with the same results, beside the studies' own.
PICTURES = "artifacts"
#: In the place of a picture that this machine does not see.
MISSING = (
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 60"><text x="8" y="36" '
    b'font-family="sans-serif" font-size="18">This picture is not on this machine.</text></svg>'
)


class Pictures:
    """Optuna's artifact store over the folders of several results.

    Args:
        folders: gives where pictures may lie, also those of studies that began meanwhile; what
            is uploaded goes into the first.
    """

    def __init__(self, folders: Callable[[], Sequence[Path]]) -> None:
        self._folders = folders

    def open_reader(self, artifact_id: str) -> BinaryIO:
        """A file; one that says so where there is none."""
        path = self._path(artifact_id)
        return path.open("rb") if path else io.BytesIO(MISSING)

    def write(self, artifact_id: str, content_body: BinaryIO) -> None:
        """Keep what a person uploads.

        Raises:
            ArtifactNotFound: there is no folder to keep it in.
        """
        folder = next(iter(self._folders()), None)
        if folder is None:
            raise ArtifactNotFound("no study of this store has a folder of results")
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / Path(artifact_id).name).open("wb") as file:
            shutil.copyfileobj(content_body, file)

    def remove(self, artifact_id: str) -> None:
        """Remove a file, if it is there: a study without its pictures can be deleted too."""
        if path := self._path(artifact_id):
            path.unlink(missing_ok=True)

    def _path(self, artifact_id: str) -> Path | None:
        name = Path(artifact_id).name
        return next((f / name for f in self._folders() if (f / name).is_file()), None)
