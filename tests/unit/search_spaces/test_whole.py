"""A file is whole, or as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from search_spaces.whole import beside, whole

from ...full_disk import full_disk


def test_a_file_is_replaced_whole_or_stays_and_a_link_stays_a_link(tmp_path: Path) -> None:
    file, link = tmp_path / "page.html", tmp_path / "link"
    link.symlink_to(file)
    for path, text in (file, "first"), (link, "second"):
        with whole(path) as part:
            part.write_text(text)
        assert file.read_text() == text
    for path in file, tmp_path / "new":
        with full_disk(), pytest.raises(OSError, match=str(path)), whole(path) as part:
            part.write_bytes(bytes(10_000))
    nowhere = tmp_path / "away" / "page.html"
    with pytest.raises(OSError, match=str(nowhere)), whole(nowhere) as part:
        part.write_text("third")
    assert file.read_text() == "second" and link.is_symlink()
    assert {f.name for f in tmp_path.iterdir()} == {"page.html", "link"}


def test_a_folder_of_parts_goes_and_the_file_that_failed_is_named(tmp_path: Path) -> None:
    target, gone = tmp_path / "production", tmp_path / "production-of-old"
    with full_disk(), pytest.raises(OSError, match=f"'{target}'$"), beside(target) as part:
        (part / "weights").write_bytes(bytes(10_000))
    with pytest.raises(OSError, match=f"'{gone}'$"), beside(target) as part:
        gone.read_bytes()
    assert not list(tmp_path.iterdir())
