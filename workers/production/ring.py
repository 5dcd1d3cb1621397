"""Sums of arrays over the workers of a team, by connections between neighbours in a ring.

Each array is cut into as many pieces as there are workers. In the first round every piece goes
once around and is added up on its way, in the second its sum goes around (Patarasuk and Yuan, J.
Parallel Distrib. Comput. 69 (2009) 117). A worker sends 2 (w - 1)/w of the array, however many
workers there are, and all get the same bits.

Neighbours prove to each other that they know the team's key before anything is sent, and what
is sent are plain numbers.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener
from typing import TypeAlias

import numpy as np

from workers.models.base import Array

#: Host and port.
Address: TypeAlias = tuple[str, int]


class Door:
    """Where a worker waits for its neighbour.

    Args:
        host: the address at which it listens.
        key: that all workers of the team know.
    """

    def __init__(self, host: str, key: bytes) -> None:
        self._listener = Listener((host, 0), authkey=key)
        self._key = key

    @property
    def address(self) -> Address:
        """Where neighbours find it."""
        host, port = self._listener.address
        return str(host), int(port)

    def ring(self, rank: int, addresses: Sequence[Address]) -> Ring:
        """The ring of the workers at these addresses, of which this is number ``rank``.

        Raises:
            OSError: the next worker cannot be reached.
        """
        with ThreadPoolExecutor(1) as thread:
            before = thread.submit(self._accept)
            host, port = addresses[(rank + 1) % len(addresses)]
            after = Client((host, port), authkey=self._key)
            return Ring(rank, len(addresses), before.result(), after)

    def _accept(self) -> Connection:
        """The worker before; whoever does not know the key is turned away."""
        with self._listener:
            while True:
                with suppress(AuthenticationError, EOFError, ConnectionError):
                    return self._listener.accept()


class Ring:
    """Implements :class:`workers.models.team.Team`.

    Attributes:
        rank, size: place of this worker, and number of workers.
        seconds: spent in sums so far, which includes waiting for slower workers.
    """

    def __init__(self, rank: int, size: int, before: Connection, after: Connection) -> None:
        self.rank, self.size, self.seconds = rank, size, 0.0
        self._before, self._after = before, after
        # Sends while this worker receives: else all might wait for each other.
        self._sender = ThreadPoolExecutor(1)

    def total(self, values: Array) -> Array:
        """The sum of every worker's values (n,): the same bits for all of them."""
        start = time.monotonic()
        pieces = np.zeros((self.size, -(-len(values) // self.size)), dtype=np.float32)
        pieces.ravel()[: len(values)] = values
        received = np.empty_like(pieces[0])
        for step in range(self.size - 1):
            self._pass_on(pieces[(self.rank - step) % self.size], received)
            pieces[(self.rank - step - 1) % self.size] += received
        for step in range(self.size - 1):
            sent = pieces[(self.rank - step + 1) % self.size]
            self._pass_on(sent, pieces[(self.rank - step) % self.size])
        self.seconds += time.monotonic() - start
        return pieces.ravel()[: len(values)]

    def _pass_on(self, piece: Array, received: Array) -> None:
        if not piece.size:
            return
        sent = self._sender.submit(self._after.send_bytes, piece.data.cast("B"))
        self._before.recv_bytes_into(received.data.cast("B"))
        sent.result()

    def close(self) -> None:
        """End the connections; the neighbours notice."""
        self._before.close()
        self._after.close()
        self._sender.shutdown()
