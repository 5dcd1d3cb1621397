"""Ports for the servers that a test starts."""

from __future__ import annotations

import socket
from contextlib import suppress


def free_ports(number: int) -> list[int]:
    """Different ones, on which nobody listens."""
    sockets = [socket.create_server(("", 0)) for _ in range(number)]
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports


def listens(port: int) -> bool:
    """Whether somebody does on this machine."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False
