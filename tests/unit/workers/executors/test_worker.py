"""What a worker process does, without Ray around it."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace

from workers.executors.worker import Message, Worker, version
from workers.trial import TrialSpec


def begin(worker: Worker, spec: TrialSpec, *seen: str, controller: str = "") -> str:
    return worker.begin(spec.to_json(), controller or version(), seen)


def events_of(worker: Worker) -> list[Message]:
    """All events up to the trial's end."""
    events: list[Message] = []
    while not events or events[-1]["type"] == "Progress":
        events += worker.events_after(len(events), 30)
    return events


def test_events_come_again_from_the_first_and_tell_when_the_trial_has_ended(
    toy_spec: TrialSpec,
) -> None:
    worker = Worker({"cpus": 1})
    assert worker.about() == {
        "number": None,
        "running": False,
        "trials": 0,
        "version": version(),
        "resources": {"cpus": 1},
    }
    assert begin(worker, toy_spec, *toy_spec.data.files, toy_spec.reference) == ""
    assert worker.about()["running"]
    events = events_of(worker)
    assert [e["data"].get("epoch") for e in events[:-1]] == [1, 2]
    assert worker.events_after(0, 0) == events and worker.events_after(3, 0) == []
    about = worker.about()
    assert (about["number"], about["running"], about["trials"]) == (0, False, 1)
    # A trial that was told to stop before it began ends after its first epoch.
    worker.stop(7)
    begin(worker, replace(toy_spec, number=7))
    ended = events_of(worker)
    assert len(ended) == 2 and ended[-1]["data"]["outcome"] == "stopped"


def test_a_trial_goes_on_once_its_last_epoch_is_dealt_with(toy_spec: TrialSpec) -> None:
    worker, epochs = Worker({}, patience=60), replace(toy_spec.budget, epochs=3)
    begin(worker, replace(toy_spec, budget=epochs))
    for seen in range(2):
        assert [e["data"]["epoch"] for e in worker.events_after(seen, 30)] == [seen + 1]
        time.sleep(0.2)  # it does not go on
    worker.stop(0)
    (ended,) = worker.events_after(2, 30)
    assert (ended["data"]["outcome"], ended["data"]["epochs"]) == ("stopped", 2)


def test_a_trial_that_nobody_asks_about_waits_once(toy_spec: TrialSpec) -> None:
    worker, epochs = Worker({}, patience=1), replace(toy_spec.budget, epochs=20)
    begin(worker, replace(toy_spec, budget=epochs))
    start = time.monotonic()
    while worker.about()["running"]:
        time.sleep(0.1)
    assert 1 < time.monotonic() - start < 10


def test_an_exception_of_the_trial_is_its_last_event(toy_spec: TrialSpec) -> None:
    worker = Worker({})
    assert begin(worker, replace(toy_spec, point={"nonsense": 1.0})) == ""
    (event,) = events_of(worker)
    assert event["data"]["outcome"] == "lost" and "nonsense" in event["data"]["reason"]


def test_a_node_that_cannot_run_the_trial_says_so(toy_spec: TrialSpec) -> None:
    worker = Worker({})
    for problem, complaint in (
        (begin(worker, toy_spec, controller="0.0.9"), "the controller 0.0.9; install the same one"),
        (begin(worker, toy_spec, "/nowhere/x.h5"), "does not see /nowhere/x.h5; keep data and"),
        (
            begin(worker, replace(toy_spec, folder="/proc/1/trial")),
            "may not write to /proc/1; keep",
        ),
        (begin(worker, replace(toy_spec, family="nowhere:Family")), "cannot load the model family"),
    ):
        assert problem.startswith("node ") and complaint in problem and "\n" not in problem
    assert worker.about()["trials"] == 0


def test_a_worker_that_nobody_asks_ends_itself() -> None:
    code = "from workers.executors.worker import Worker; import time; w = Worker({}, 1.5)\n"
    code += "for _ in range(8): time.sleep(0.25); w.about()\n"
    code += "print('asked', flush=True); time.sleep(60)"
    start = time.monotonic()
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout == "asked\n" and time.monotonic() - start < 50
