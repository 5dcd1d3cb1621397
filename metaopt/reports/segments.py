"""Segments of a population's members in words: whose, from where, with which values.

A segment is a trial of the store: see :mod:`metaopt.population.lines`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from metaopt.store.searches import FIRST, searches
from metaopt.store.views import FROM, MEMBER, PARENT, TrialView
from search_spaces.parameters import Point, Value


def method(document: Mapping[str, Any]) -> str:
    """How a study searches: ``pbt, 8 members``, or ``genetic (population 12), pruning halving``.

    A study that was begun before the options of pruning rules were recorded shows none.
    """
    if "population" in document:
        strategy = _with_options(document["strategy"], document["options"])
        return f"{strategy}, {document['population']['members']} members"
    first, *later = searches(document)
    changes = [f"from proposal {search[FIRST]} on {_search(search)}" for search in later]
    return "; ".join([_search(first), *changes])


def _search(search: Mapping[str, Any]) -> str:
    strategy = _with_options(search["strategy"], search["options"])
    return f"{strategy}, pruning " + _with_options(
        search["pruning"], search.get("pruning_options", {})
    )


def _with_options(name: str, options: Mapping[str, Any]) -> str:
    listed = ", ".join(f"{key} {value}" for key, value in options.items())
    return f"{name} ({listed})" if listed else name


def brief(note: Mapping[str, str]) -> str:
    """``member 1``, or ``member 1 from 0`` where it took over the state of trial 0."""
    text = f"member {note[MEMBER]}"
    return f"{text} from {note[PARENT]}" if PARENT in note else text


def origin(note: Mapping[str, str]) -> str:
    """``member 1 from 0: W_P x0.8, g_steps -1``."""
    return f"{brief(note)}: {made(note)}"


def made(note: Mapping[str, str]) -> str:
    """Its values: ``published``, ``values drawn``, or what :func:`changes` says."""
    return note.get("baseline", note.get("operators", ""))


def epochs(trial: TrialView) -> str:
    """``3-6`` where a segment began with a later epoch than the first; else the last epoch."""
    first = int(trial.note.get(FROM, 1))
    return f"{first}-{trial.epochs}" if 1 < first < trial.epochs else str(trial.epochs)


def changes(before: Point, after: Point, drawn: Collection[str] = ()) -> str:
    """What a member changed as it took over a state: ``W_P x0.8, W_E drawn, g_steps -1``.

    Args:
        before: values of the member whose state it was.
        after: values with which it goes on.
        drawn: parameters that were drawn anew.
    """
    found = [
        f"{name} drawn" if name in drawn else _change(name, before[name], value)
        for name, value in after.items()
        if value != before[name]
    ]
    return ", ".join(found) or "the same values"


def _change(name: str, old: Value, new: Value) -> str:
    if isinstance(old, int) and isinstance(new, int):
        return f"{name} {new - old:+d}"
    if isinstance(old, float) and isinstance(new, float) and old:
        return f"{name} x{new / old:.3g}"
    return f"{name} {new}"
