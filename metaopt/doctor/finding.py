"""One thing that was looked at."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

Level: TypeAlias = Literal["ok", "warning", "problem"]
#: From the best to the worst.
LEVELS: tuple[Level, ...] = ("ok", "warning", "problem")
#: Remedies for errors whose text has none.
_OTHERWISE = {
    "data": "check the files, and the geometry that they are read with",
    "ray": "see docs/cluster.md",
    "study": "mend the study file; docs/study.md has every key",
}
_ADDRESS = re.compile(r"\b(?!127\.)\d{1,3}(?:\.\d{1,3}){3}\b")


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        topic: what.
        level: whether a study can run: a warning says that it may run worse.
        text: what was found.
        remedy: what to do; empty where all is well.
    """

    topic: str
    level: Level
    text: str
    remedy: str = ""


def level_of(findings: Iterable[Finding]) -> Level:
    """The worst level."""
    return max((f.level for f in findings), key=LEVELS.index, default="ok")


def problem_of(topic: str, failure: BaseException, *urls: str) -> Finding:
    """An error of metaopt's own, whose text ends with the remedy, if there is one.

    Args:
        topic: what was looked at.
        failure: what came of it.
        urls: what the text may name; their hosts, users and databases are left out.
    """
    said = anonymous(str(failure))
    for url in urls:
        said = anonymous(said, url)
    text, _, remedy = said.rpartition("; ")
    if not text:
        text, remedy = remedy, _OTHERWISE.get(topic, "mend it, and look again")
    return Finding(topic, "problem", text, remedy)


def anonymous(text: str, url: str = "") -> str:
    """A text without the host, user and database of a URL, and in one line."""
    parts = urlsplit(url if "://" in url else f"//{url}")
    secret = {"<host>": parts.hostname, "<user>": parts.username, "<password>": parts.password}
    if parts.hostname:
        secret["<database>"] = parts.path.strip("/")
    for name, value in secret.items():
        if value and value not in ("localhost", "127.0.0.1"):
            text = re.sub(rf"(?<![\w.]){re.escape(value)}(?![\w])", name, text)
    return " ".join(_ADDRESS.sub("<host>", text).split())
