"""How a study proposes: it may go on with another strategy, or another pruning rule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: What a search is, among the keys of a study's record.
SEARCH = ("strategy", "options", "pruning", "pruning_options")
#: Key of the searches that a study went on with, and theirs of the first proposal.
LATER, FIRST = "later_searches", "proposal"


def searches(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """All searches of a study, the one that began it first; none of a study not ours."""
    began = {key: document[key] for key in SEARCH if key in document}
    return [began, *document.get(LATER, ())] if began else []


def search_of(document: Mapping[str, Any], proposal: int) -> Mapping[str, Any]:
    """The search that made a proposal."""
    made = [s for s in searches(document) if s.get(FIRST, 0) <= proposal]
    return made[-1]


def gone_on_with(
    document: Mapping[str, Any], search: Mapping[str, Any], proposal: int
) -> Mapping[str, Any]:
    """The record of a study whose proposals from ``proposal`` on are those of a search.

    Args:
        document: the record so far.
        search: has the keys of ``SEARCH``, perhaps among others.
        proposal: number of the next one. Searches that made none are forgotten.
    """
    now = {key: search[key] for key in SEARCH}
    later = [s for s in document.get(LATER, ()) if s[FIRST] < proposal]
    last = later[-1] if later else document
    # A study of an older version does not say all.
    if any(last.get(key, value) != value for key, value in now.items()):
        later.append({**now, FIRST: proposal})
    return document if later == document.get(LATER, []) else {**document, LATER: later}
