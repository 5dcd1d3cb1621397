"""A member of a population as Ray Tune trains it: one interval after the other.

Tune moves members between processes, which keep the networks of the last one: see
:mod:`workers.reuse`. Tune's own checkpoints are empty. The states are the trainings' own, in the
study's folder: a killed study goes on from them without anything of Tune's.
"""

from __future__ import annotations

import faulthandler
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ray import tune

from objectives.objective import WORST
from workers.population import halts, interval_events, score_of
from workers.reuse import LastModel
from workers.trial import TrialEvent, TrialSpec, event_of, message_of

#: Keys of a member's configuration, and of its results.
MEMBER, SPEC, SCORE, ENDED, FIRST = "member", "spec", "score", "ended", "first"
INTERVAL, EVENTS, S, HALTED = "interval", "events", "S", "halted"


class MemberTrainable(tune.Trainable):  # type: ignore[misc]  # Ray has no types
    """Trains a member for an interval with each step; the first one may only tell the known S."""

    def setup(
        self,
        config: dict[str, Any],
        epochs: int = 0,
        interval: int = 1,
        intervals: int = 1,
        silence: float | None = None,
        halt: str = "",
    ) -> None:
        """Take a member: how long intervals and silences are, and what file asks for the end."""
        del config  # kept by Tune
        self._epochs, self._length, self._intervals = epochs, interval, intervals
        self._silence, self._halt = silence, Path(halt)
        self._models = LastModel()

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Go on with another member in this process."""
        del new_config  # kept by Tune as ``config``
        return True

    def step(self) -> dict[str, Any]:
        """Train an interval."""
        config, interval = self.config, self.config[FIRST] + self.iteration
        last = interval == self._intervals
        result: dict[str, Any] = {INTERVAL: interval, HALTED: False, "done": last}
        score, ended = config[SCORE], config[ENDED]
        if score is not None and (ended or self.iteration == 0):
            return result | {S: score, EVENTS: "[]"}
        spec = TrialSpec.from_json(json.loads(config[SPEC]))
        target = min(interval * self._length, self._epochs)
        events = list(
            watched(
                interval_events(spec, target, self._models, self._halt.is_file),
                self._silence,
                silent_file(self._halt, config[MEMBER]),
            )
        )
        result[EVENTS] = json.dumps([message_of(e) for e in events])
        if halts(events, target):
            return result | {S: WORST, HALTED: True, "done": False}
        return result | {S: score_of(events)}

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Nothing but a word: Tune wants a file."""
        text = "the state is in the study's folder of checkpoints"
        (Path(checkpoint_dir) / "README").write_text(text, encoding="utf-8")

    def load_checkpoint(self, checkpoint: str) -> None:
        """Nothing: the next step finds the state."""


def silent_file(halt: Path, member: int) -> Path:
    """Where the process of a member says, as its last word, that it was silent for too long."""
    return halt.with_name(f"silent-{member:03d}")


def watched(
    events: Iterator[TrialEvent], silence: float | None, told: Path
) -> Iterator[TrialEvent]:
    """The events, as long as none takes longer than ``silence`` [s]: then this process ends.

    No Python is needed for that, which a training that hangs may hold up; what it was at is
    written to the file ``told``.
    """
    if silence is None:
        yield from events
        return
    told.parent.mkdir(parents=True, exist_ok=True)
    with told.open("w") as file:
        try:
            faulthandler.dump_traceback_later(silence, exit=True, file=file)
            for event in events:
                yield event
                faulthandler.dump_traceback_later(silence, exit=True, file=file)
        finally:
            faulthandler.cancel_dump_traceback_later()


def events_of(text: str) -> list[TrialEvent]:
    """The events of an interval, as its result tells them."""
    return [event_of(message) for message in json.loads(text)]
