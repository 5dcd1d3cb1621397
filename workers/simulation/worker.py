"""A process that simulates blocks: ``python -m workers.simulation.worker``.

It reads one JSON line, ``{"out": FILE, "blocks": [...], "computed": bool}``, and writes one line,
``NUMBER SHOWERS``, per finished block to its standard output. Everything that Geant4 prints goes
to standard error. When nobody reads any more, it ends with the block at work.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

from workers.simulation.engines import make_engine
from workers.simulation.output import Block, Parts
from workers.simulation.primaries import primaries


def main() -> None:
    """Simulate what standard input says."""
    # An interruption is the parent's to handle: it ends this process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    told = os.dup(1)
    os.dup2(2, 1)
    order = json.loads(sys.stdin.readline())
    parts = Parts(Path(order["out"]))
    job = parts.job
    engine, label = make_engine(job, parts.data if order["computed"] else None)
    parts.name(label)
    for number in order["blocks"]:
        start, stop = job.showers(number)
        shot = list(primaries(job.beam, engine.detector.cells, start, stop))
        parts.write(number, Block.of(engine.simulate(shot), shot, job.geometry))
        os.write(told, f"{number} {stop - start}\n".encode())


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    # Geant4's objects outlive Python's references in an order that it does not foresee.
    os._exit(0)
