"""Which cluster "auto" means."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
import ray._private.services as services

from search_spaces.errors import ExecutorError
from workers.executors import ray_cluster

HERE = services.resolve_ip_for_localhost("127.0.0.1")


@pytest.fixture
def answering() -> Iterator[str]:
    """The address of something that listens to all."""
    with socket.create_server(("", 0)) as listener:
        yield f"{HERE}:{listener.getsockname()[1]}"


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of something that listens to this machine alone, as a study's own Ray does."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.skipif(HERE == "127.0.0.1", reason="a machine without a network")
def test_auto_means_the_cluster_that_answers(
    answering: str, silent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr(services, "find_bootstrap_address", lambda _: silent)
    monkeypatch.setattr(services, "find_gcs_addresses", lambda: {answering, silent})
    assert ray_cluster._found("auto") == answering
    with pytest.raises(ExecutorError, match="refused"):
        ray_cluster.Cluster(silent)
    monkeypatch.setattr(services, "find_gcs_addresses", set)
    with pytest.raises(ExecutorError, match=r"Ray at auto cannot be reached \(.*no cluster that"):
        ray_cluster.Cluster("auto")
    monkeypatch.setenv("RAY_ADDRESS", answering)
    assert ray_cluster._found("auto") == answering


def test_an_address_of_ipv6_stands_in_brackets() -> None:
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("a machine without IPv6")
    with listener:
        port = listener.getsockname()[1]
        assert ray_cluster._answers(f"[::1]:{port}")
    assert not ray_cluster._answers(f"[::1]:{port}")
