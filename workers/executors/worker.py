"""What a worker process does: one trial at a time, in a thread that keeps its events.

The controller asks for the events after those that it has, and the answer waits until
there are some. A controller that comes later asks from the first: a trial belongs to no
connection. Nothing here knows Ray.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from search_spaces.errors import ConfigError
from workers.executors.inline import lost
from workers.models.registry import make_family
from workers.runner import trial_events
from workers.trial import Message, TrialEvent, TrialResult, TrialSpec, message_of

#: How long a trial waits after an epoch for the controller to have looked at it [s]: a training
#: that is to be stopped there would cost another epoch.
PATIENCE = 2.0
#: How long a worker outlives the last question of a controller, once its trial has ended [s].
ALONE_SECONDS = 900.0

_REMEDY = "keep data and results on a file system that all nodes share, under the same path"


def version() -> str:
    """The installed metaopt's."""
    return metadata.version("metaopt")


class Worker:
    """Runs trials; its methods are called from several threads.

    Args:
        resources: what its process was given, as plain data: for a controller that finds it.
        alone: seconds after which its process ends itself when no trial runs and nobody asks.
        patience: seconds for which a trial waits after an epoch for the next question, which
            says that a controller has dealt with that epoch; not again until there was one.
    """

    def __init__(
        self, resources: Mapping[str, Any], alone: float | None = None, patience: float = PATIENCE
    ) -> None:
        self._resources = dict(resources)
        self._changed = threading.Condition()
        self._events: list[Message] = []
        self._number: int | None = None
        self._stopped: int | None = None
        self._patience = patience
        self._dealt_with = 0
        self._waits = True
        self._running = False
        self._trials = 0
        self._asked = time.monotonic()
        if alone is not None:
            threading.Thread(target=self._leave, args=(alone,), daemon=True).start()

    def begin(self, spec: dict[str, Any], controller: str, seen: Sequence[str]) -> str:
        """Start a trial.

        Args:
            spec: the trial, as plain data.
            controller: its version of metaopt.
            seen: those of the trial's files that it sees: where they are not here, it is the
                node that is at fault.

        Returns:
            Why nothing was started, since this node cannot run such trials; empty if it can.
        """
        self._asked = time.monotonic()
        problem = _other_version(controller) or _unfit(trial := TrialSpec.from_json(spec), seen)
        if not problem:
            self._number, self._events, self._running = trial.number, [], True
            self._dealt_with, self._waits = 0, True
            self._trials += 1
            threading.Thread(target=self._run, args=(trial,), daemon=True).start()
        return problem and f"node {socket.gethostname()} {problem}"

    def events_after(self, seen: int, timeout: float) -> list[Message]:
        """The trial's events but the first ``seen``, waiting at most so long for one."""
        self._asked = time.monotonic()
        with self._changed:
            self._dealt_with, self._waits = seen, True
            self._changed.notify_all()
            self._changed.wait_for(lambda: len(self._events) > seen, timeout)
            return self._events[seen:]

    def stop(self, number: int) -> None:
        """End that trial after its present epoch."""
        with self._changed:
            self._stopped = number
            self._changed.notify_all()

    def about(self) -> dict[str, Any]:
        """Its last trial, whether that still runs, how many it had; its version and resources."""
        self._asked = time.monotonic()
        return {
            "number": self._number,
            "running": self._running,
            "trials": self._trials,
            "version": version(),
            "resources": self._resources,
        }

    def _run(self, trial: TrialSpec) -> None:
        try:
            for event in trial_events(trial, lambda: self._stops(trial.number)):
                self._add(event)
        except BaseException as failure:  # whatever broke, the controller is told
            self._add(lost(failure))

    def _stops(self, number: int) -> bool:
        """Whether the trial is to end, once a controller knows of its last epoch."""

        def known() -> bool:
            return self._stopped == number or self._dealt_with >= len(self._events)

        with self._changed:
            self._waits = self._waits and self._changed.wait_for(known, self._patience)
            return self._stopped == number

    def _add(self, event: TrialEvent) -> None:
        with self._changed:
            self._events.append(message_of(event))
            self._running = not isinstance(event, TrialResult)
            self._changed.notify_all()

    def _leave(self, alone: float) -> None:
        while self._running or time.monotonic() - self._asked < alone:
            time.sleep(alone / 20)
        os._exit(0)


def _other_version(controller: str) -> str:
    if controller == version():
        return ""
    return f"has metaopt {version()}, the controller {controller}; install the same one on both"


def _unfit(trial: TrialSpec, seen: Sequence[str]) -> str:
    """What a trial needs that this node does not have, with the remedy; empty if nothing."""
    for file in seen:
        if not Path(file).is_file():
            return f"does not see {file}; {_REMEDY}"
    folder = _existing(Path(trial.folder))
    if not os.access(folder, os.W_OK):
        return f"may not write to {folder}; {_REMEDY}"
    try:
        make_family(trial.family)
    except ConfigError as failure:
        return f"cannot load the {failure}"
    return ""


def _existing(folder: Path) -> Path:
    return next(f for f in (folder, *folder.parents) if f.exists())
