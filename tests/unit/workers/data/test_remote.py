"""Showers behind a URL: fetched once, whole or not at all, and named without secrets."""

from __future__ import annotations

import http.server
import os
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from importlib import resources
from pathlib import Path

import fsspec
import numpy as np
import pytest

from metaopt.config import StudyConfig
from metaopt.controller import Controller
from metaopt.monitoring import Quiet
from metaopt.preflight import prepare
from metaopt.store.database import StudyStore
from search_spaces.errors import ConfigError, DataError, MissingExtraError
from workers.data import ShowerFile, remote, survey
from workers.executors.inline import InlineExecutor

from .conftest import GEOMETRY, Write


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of copies."""
    monkeypatch.setenv(remote.CACHE_VARIABLE, str(tmp_path / "copies"))
    return tmp_path / "copies"


@pytest.fixture
def memory() -> Iterator[fsspec.AbstractFileSystem]:
    """An empty store of fsspec's own."""
    store = fsspec.filesystem("memory")
    store.store.clear()
    yield store
    store.store.clear()


class Objects(http.server.ThreadingHTTPServer):
    """Serves the files of a folder with ranges and ETags, and writes down what it was asked."""

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.folder = folder
        self.asked: list[str] = []
        self.breaks = 0
        self.url = f"http://127.0.0.1:{self.server_port}"

    def fetched(self) -> list[str]:
        """The ranges of bytes that were asked for."""
        return [line for line in self.asked if line.startswith("bytes=")]


class _Answer(http.server.BaseHTTPRequestHandler):
    server: Objects
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        self.close_connection = True
        path = self.server.folder / self.path.lstrip("/")
        if self.path.startswith("/private"):
            self._head(403, 0)
            return
        if not path.is_file():
            self._head(404, 0)
            return
        data = path.read_bytes()
        asked = self.headers.get("Range", "")
        self.server.asked.append(asked or self.command)
        first, last = 0, len(data) - 1
        if asked:
            low, _, high = asked.removeprefix("bytes=").partition("-")
            first, last = int(low), min(int(high or last), last)
        answer = data[first : last + 1]
        range_ = {"Content-Range": f"bytes {first}-{last}/{len(data)}"} if asked else {}
        self._head(206 if asked else 200, len(answer), ETag=f'"{hash(data)}"', **range_)
        if body and self.server.breaks and first >= self.server.breaks:
            self.connection.shutdown(socket.SHUT_RDWR)
        elif body:
            self.wfile.write(answer)

    def _head(self, status: int, length: int, **headers: str) -> None:
        self.send_response(status)
        for key, value in {"Accept-Ranges": "bytes", "Connection": "close", **headers}.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def objects(tmp_path: Path) -> Iterator[Objects]:
    pytest.importorskip("aiohttp", reason="pip install '.[test]' for showers behind HTTP")
    (tmp_path / "bucket").mkdir()
    server = Objects(tmp_path / "bucket")
    thread = threading.Thread(target=partial(server.serve_forever, 0.01), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def grow_old(folder: Path) -> None:
    """Let all copies look as if they had been compared with their objects long ago."""
    for copy in folder.glob("*/*"):
        os.utime(copy, (1e9, copy.stat().st_mtime - 2 * remote.FRESH_SECONDS))


def test_showers_behind_a_url_are_those_of_the_file(
    memory: fsspec.AbstractFileSystem, write: Write, folder: Path
) -> None:
    path = write()
    memory.put(path, "/showers/a.h5")
    assert survey(["memory://showers/a.h5"], GEOMETRY) == survey([path], GEOMETRY)
    assert survey([f"file://{path}"], GEOMETRY) == survey([path], GEOMETRY)
    (copy,) = folder.glob("*/*.h5")
    memory.rm("/showers/a.h5")
    with ShowerFile("memory://showers/a.h5", GEOMETRY) as file:
        assert file.name == "memory://showers/a.h5"
    assert copy.read_bytes() == Path(path).read_bytes()


def test_a_changed_object_is_fetched_again(
    memory: fsspec.AbstractFileSystem, write: Write, folder: Path
) -> None:
    for n in (700, 500):
        memory.put(write(n=n), "/a.h5")
        with ShowerFile("memory://a.h5", GEOMETRY) as file:
            assert len(file) == n
        grow_old(folder)
    assert len(list(folder.glob("*/*.h5"))) == 1


def test_patterns_match_the_objects_of_a_store(
    memory: fsspec.AbstractFileSystem, toy_config: Callable[..., StudyConfig], write: Write
) -> None:
    for name in ("b.h5", "a.h5", "c.txt"):
        memory.put(write(), f"/showers/{name}")
    config = toy_config(data__files=["memory://showers/*.h5"], data__geometry="clic-12x12x12")
    assert config.files() == ("memory:///showers/a.h5", "memory:///showers/b.h5")
    with pytest.raises(ConfigError, match="no object matches 'memory://none/"):
        replace(config, data=replace(config.data, files=("memory://none/*.h5",))).files()


def test_a_study_of_remote_showers_runs_and_records_the_url(
    memory: fsspec.AbstractFileSystem, toy_config: Callable[..., StudyConfig]
) -> None:
    memory.put(str(resources.files("metaopt") / "sample" / "clic-12x12x12.h5"), "/clic.h5")
    config = toy_config(
        data__files=["memory://clic.h5"], data__geometry="clic-12x12x12", search__trials=1
    )
    plan = prepare(config)
    store = StudyStore(plan.config.study.storage, create=True)
    study = store.create("toy", plan.document)
    Controller(plan, study, InlineExecutor(), Quiet()).run()
    (trial,) = study.trials()
    assert trial.complete and study.document["data"]["files"] == ["memory://clic.h5"]
    store.close()


def test_workers_that_start_together_fetch_once(objects: Objects, write: Write) -> None:
    shutil.copy(write(), objects.folder / "a.h5")
    with ThreadPoolExecutor(4) as pool:
        copies = set(pool.map(remote.local_path, [f"{objects.url}/a.h5"] * 4))
    assert len(copies) == 1 and len(objects.fetched()) == 1


def test_a_broken_fetch_leaves_nothing_whole_and_the_next_one_goes_on(
    objects: Objects, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "BLOCK", 2**16)
    data = np.random.default_rng(0).bytes(3 * 2**16)
    (objects.folder / "a.h5").write_bytes(data)
    objects.breaks = 2**16
    with pytest.raises(DataError, match=r"its store must answer, got .*; the same command goes on"):
        remote.local_path(f"{objects.url}/a.h5")
    (part,) = folder.glob("*/*.part")
    assert 0 < part.stat().st_size < len(data) and not list(folder.glob("*/*.h5"))
    objects.breaks, done = 0, len(objects.fetched())
    assert remote.local_path(f"{objects.url}/a.h5").read_bytes() == data
    assert not [line for line in objects.fetched()[done:] if line.startswith("bytes=0-")]


def test_a_copy_is_used_while_its_store_is_out_of_reach(
    objects: Objects, write: Write, folder: Path
) -> None:
    shutil.copy(write(), objects.folder / "a.h5")
    copy = remote.local_path(f"{objects.url}/a.h5")
    grow_old(folder)
    objects.socket.close()
    assert remote.local_path(f"{objects.url}/a.h5") == copy


def test_an_object_that_is_absent_or_private_is_told_in_one_line(objects: Objects) -> None:
    for name, said in (("none.h5", "no such object; check"), ("private.h5", "no permission to")):
        with pytest.raises(DataError, match=f"{objects.url}/{name}: {said}") as caught:
            remote.local_path(f"{objects.url}/{name}")
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "package"),
    [("s3://bucket/a.h5", "s3fs"), ("root://host//store/a.h5", "fsspec-xrootd")],
)
def test_a_protocol_without_its_package_names_it(url: str, package: str) -> None:
    module = {"s3fs": "s3fs", "fsspec-xrootd": "fsspec_xrootd"}[package]
    try:
        __import__(module)
    except ImportError:
        with pytest.raises(MissingExtraError, match=f"pip install {package}$"):
            remote.local_path(url)
    else:
        pytest.skip(f"{package} is installed")


def test_an_unknown_protocol_is_refused() -> None:
    with pytest.raises(DataError, match=r"must be one of fsspec's .*, got s4; check"):
        remote.local_path("s4://bucket/a.h5")


@pytest.mark.parametrize(
    "url",
    [
        "https://me:hidden@host/a.h5",
        "https://host/a.h5?X-Amz-Signature=hidden",
        "https://host/a.h5?authz=Bearer%20hidden",
        "https://host/a.h5?access_token=hidden",
    ],
)
def test_a_url_with_a_secret_is_refused_and_not_repeated(url: str) -> None:
    for use in (remote.local_path, remote.matches):
        with pytest.raises(DataError, match=r"^https://host/a.h5: .* no password") as caught:
            use(url)
        assert "hidden" not in str(caught.value)


def test_copies_that_nobody_used_for_long_are_removed(
    memory: fsspec.AbstractFileSystem, write: Write
) -> None:
    for name in ("a", "b"):
        memory.put(write(), f"/{name}.h5")
    old = remote.local_path("memory://a.h5")
    for file in (*old.parent.iterdir(), old.parent):
        os.utime(file, (1e9, 1e9))
    remote.local_path("memory://b.h5")
    assert not old.parent.exists()


@pytest.mark.parametrize("name", ["thesis", "0123456789abcdef"])
def test_other_folders_beside_the_copies_stay(
    memory: fsspec.AbstractFileSystem, write: Write, folder: Path, name: str
) -> None:
    """``METAOPT_CACHE`` may be a folder that was there before."""
    (folder / name).mkdir(parents=True)
    text = folder / name / "main.tex"
    text.write_text("the only copy")
    for path in (text, folder / name):
        os.utime(path, (1e9, 1e9))
    memory.put(write(), "/a.h5")
    remote.local_path("memory://a.h5")
    assert text.read_text() == "the only copy"


def test_showers_in_an_s3_bucket(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    reason = "on demand: pip install s3fs 'moto[server]' (400 MB)"
    pytest.importorskip("s3fs", reason=reason)
    pytest.importorskip("moto.server", reason=reason)
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(port=0)
    server.start()
    try:
        host, port = server.get_host_and_port()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(key, "testing")
        store = fsspec.filesystem("s3")
        store.mkdir("bucket")
        path = write()
        store.put(path, "bucket/a.h5")
        assert survey(["s3://bucket/a.h5"], GEOMETRY) == survey([path], GEOMETRY)
        assert remote.matches("s3://bucket/*.h5") == ["s3://bucket/a.h5"]
        for url in ("s3://bucket/none.h5", "s3://none/a.h5"):
            with pytest.raises(DataError, match="no such object"):
                remote.local_path(url)
    finally:
        server.stop()
