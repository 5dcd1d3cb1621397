"""Speed and memory of the 3DGAN family, as Markdown tables.

    python tests/benchmarks/networks.py [throughput|profile|first-step|generation|memory|all]

On made-up showers and two CPU threads. A machine with other work on it gives upper
bounds for times; the sides of ``throughput`` take turns, so that their ratio holds.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence

import networks_first_step
import networks_generation
import networks_memory
import networks_profile
import networks_throughput
from made_up import THREADS

Head = Sequence[str]
Rows = Iterable[Sequence[str]]

TABLES: Mapping[str, tuple[str, Head, Callable[[], Rows]]] = {
    "throughput": (
        "Training, median of turns (lowest to highest)",
        networks_throughput.HEAD,
        networks_throughput.rows,
    ),
    "profile": (
        "One training step of fixed-angle; GMAC as published, the sub-pixel form needs fewer",
        networks_profile.HEAD,
        networks_profile.rows,
    ),
    "first-step": (
        "A later trial in a warm process, until its first training step [s]",
        networks_first_step.HEAD,
        networks_first_step.rows,
    ),
    "generation": (
        "Generation [ms per shower], median of calls",
        networks_generation.HEAD,
        networks_generation.rows,
    ),
    "memory": (
        "One training step at batch 64: highest resident memory above that of the imports",
        networks_memory.HEAD,
        networks_memory.rows,
    ),
}


def main() -> None:
    wanted = sys.argv[1] if len(sys.argv) > 1 else "all"
    if wanted not in {*TABLES, "all"}:
        sys.exit(f"the table must be one of {', '.join([*TABLES, 'all'])}, got {wanted!r}")
    print(f"{platform.machine()}, {THREADS} threads", flush=True)
    for name in TABLES if wanted == "all" else [wanted]:
        _print(*TABLES[name])


def _print(title: str, head: Head, rows: Callable[[], Rows]) -> None:
    print(f"\n{title}\n\n| {' | '.join(head)} |\n|{'---|' * len(head)}", flush=True)
    for row in rows():
        print(f"| {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main()
