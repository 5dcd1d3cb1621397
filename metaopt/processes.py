"""The same work on many items, dealt out to processes; the results come in the items' order."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any, TypeVar

from search_spaces.errors import ExecutorError, MetaoptError

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(
    start: Callable[[], Callable[[Item], Result]], items: Sequence[Item], processes: int
) -> Iterator[Result]:
    """The results for all items; with one process, of this one.

    A process whose result is not taken waits with it, so that
    memory does not grow.

    Args:
        start: makes what works on an item; called once in each process, to which it is pickled.
        items: what is worked on.
        processes: at once.

    Raises:
        MetaoptError: what an item or the start raised.
        ExecutorError: a process was killed.
    """
    if processes == 1:
        yield from map(start(), items)
        return
    workers = [_started(start, items[i::processes]) for i in range(processes)]
    try:
        for number in range(len(items)):
            _, results = workers[number % processes]
            yield _received(results)
    finally:
        for process, _ in workers:
            process.kill()
            process.join()


def _started(
    start: Callable[[], Callable[[Any], Any]], items: Sequence[Any]
) -> tuple[SpawnProcess, Connection]:
    context = get_context("spawn")
    results, end = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(start, items, end), daemon=True)
    process.start()
    end.close()  # so that its death is the end of the pipe
    return process, results


def _received(results: Connection) -> Any:
    try:
        result = results.recv()
    except EOFError:
        raise ExecutorError(
            "a process ended before its work, as if killed; give fewer processes if memory ran out"
        ) from None
    if isinstance(result, MetaoptError):
        raise result
    return result


def _work(start: Callable[[], Callable[[Any], Any]], items: Sequence[Any], end: Connection) -> None:
    """The body of a process; it ends when nobody reads its results any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent's to handle
    with suppress(BrokenPipeError):
        try:
            for result in map(start(), items):
                end.send(result)
        except MetaoptError as failure:
            end.send(failure)
