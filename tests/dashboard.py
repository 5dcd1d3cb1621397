"""A running Optuna dashboard, and a browser to look at it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="the test extra has playwright")


@contextmanager
def dashboard(storage: str) -> Iterator[str]:
    """The address of a running dashboard."""
    command = [sys.executable, "-m", "metaopt", "dashboard", "--port", "0", "--storage", storage]
    with subprocess.Popen(command, text=True, stderr=subprocess.PIPE) as process:
        try:
            assert process.stderr is not None
            address = re.search(r"http://127\.0\.0\.1:\d+", process.stderr.readline())
            assert address is not None
            yield address[0]
        finally:
            process.kill()


@contextmanager
def page() -> Iterator[tuple[playwright.Page, list[str]]]:
    """A page as wide as a desktop, and what it complains about."""
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("chromium is not installed; install the package of this name")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        made = browser.new_page(viewport={"width": 1440, "height": 1000})
        made.set_default_timeout(120_000)  # of a machine that is busy with other tests
        complaints: list[str] = []
        made.on("pageerror", lambda error: complaints.append(str(error)))
        made.on("response", lambda got: complaints.append(got.url) if got.status >= 400 else None)
        yield made, complaints
        browser.close()
