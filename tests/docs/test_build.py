"""The documentation is built without a warning: every page is in it, and every link leads on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from .blocks import DOCS


def build(source: Path, target: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html"]
    return subprocess.run(
        [*command, str(source), str(target)], text=True, capture_output=True, check=False
    )


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("pages")
    done = build(DOCS, target)
    assert done.returncode == 0, done.stderr
    return target


def test_every_page_is_in_the_menu(pages: Path) -> None:
    start = (pages / "index.html").read_text()
    for page in DOCS.rglob("*.md"):
        place = page.relative_to(DOCS).with_suffix(".html")
        assert (pages / place).is_file()
        assert place.name == "index.html" or f'href="{place}"' in start, f"{place} is in no menu"


def test_pages_need_no_network(pages: Path) -> None:
    for page in pages.rglob("*.html"):
        text = page.read_text()
        assert 'src="http' not in text and 'rel="stylesheet" href="http' not in text


def test_pages_with_faults_are_refused(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "conf.py").write_text((DOCS / "conf.py").read_text())
    (source / "index.md").write_text("# Start\n\n[x](nowhere.md)\n\n[y](page.md#nowhere)\n")
    (source / "page.md").write_text("# In no menu\n")
    done = build(source, tmp_path / "target")
    assert done.returncode == 1
    for fault in ("nowhere.md", "'nowhere'", "toctree"):
        assert fault in done.stderr
