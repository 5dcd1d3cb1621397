"""Who can reach a Ray cluster, and what is said to those who cannot."""

from __future__ import annotations

import ipaddress
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from workers.executors.ray_pool import RayExecutor
from workers.trial import Resources, TrialSpec

from ..processes import MARK, marked, until
from ..ray_cluster import IGNORE_RAYS_WARNINGS, Cluster, collect, command, ended

pytestmark = IGNORE_RAYS_WARNINGS

CONNECTS = """
import sys
from search_spaces.errors import ExecutorError
from workers.executors.ray_pool import RayExecutor
from workers.trial import Resources
try:
    RayExecutor(0, Resources(), sys.argv[1]).close()
except ExecutorError as failure:
    print(failure)
"""


def test_a_wrong_or_missing_token_is_explained(tmp_path: Path) -> None:
    token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "0123456789abcdef" * 2}
    none = {k: v for k, v in os.environ.items() if not k.startswith("RAY_AUTH")}
    none |= {"HOME": str(tmp_path), "RAY_NUM_REDIS_GET_RETRIES": "2"}
    cluster = Cluster(**token)
    try:
        for environment, said in (
            (none, "wants a token: set RAY_AUTH_MODE=token and"),
            (none | {"RAY_AUTH_MODE": "token"}, "wants a token: set RAY_AUTH_MODE=token and"),
            (none | token | {"RAY_AUTH_TOKEN": "fedcba98" * 4}, "wants another token: set"),
            (none | token, "the Ray cluster has 0 CPUs"),
        ):
            (line,) = connect(cluster, environment).splitlines()
            assert said in line and "0123456789" not in line
    finally:
        cluster.close()


def connect(cluster: Cluster, environment: dict[str, str]) -> str:
    """What a controller with this environment says that tries to reach the cluster."""
    return subprocess.run(
        [sys.executable, "-c", CONNECTS, cluster.address],
        env=environment,
        capture_output=True,
        text=True,
        timeout=400,
        check=True,
    ).stdout


def test_a_local_cluster_listens_to_this_machine_only_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, toy_spec: TrialSpec
) -> None:
    monkeypatch.setenv(MARK, str(tmp_path))
    executor = RayExecutor(1, Resources())
    executor.submit(toy_spec)
    collect(executor, ended(0))
    processes = set(marked(str(tmp_path)))
    commands = b" ".join(map(command, processes))
    (session,) = set(re.findall(rb"--session-dir=(\S+?)\0", commands))
    assert set(listening(processes)) == {"127.0.0.1"}
    executor.close()
    until(lambda: not marked(str(tmp_path)))
    assert not Path(session.decode()).exists()


def listening(processes: set[int]) -> Iterator[str]:
    """The addresses on which these processes take connections."""
    for process in processes:
        sockets = set()
        for descriptor in Path(f"/proc/{process}/fd").iterdir():
            with suppress(OSError):
                sockets.add(descriptor.readlink().name)
        for kind in ("tcp", "tcp6"):
            lines = Path(f"/proc/{process}/net/{kind}").read_text().splitlines()[1:]
            for fields in map(str.split, lines):
                if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
                    yield address_of(fields[1].partition(":")[0])


def address_of(text: str) -> str:
    """The kernel's hexadecimal words, whose bytes are reversed; IPv4 in IPv6 as IPv4."""
    packed = b"".join(bytes.fromhex(text[i : i + 8])[::-1] for i in range(0, len(text), 8))
    address = ipaddress.ip_address(packed)
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)
