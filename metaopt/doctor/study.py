"""The study that is asked about: its file, space, strategy and showers."""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

from metaopt.config import StudyConfig, StudyTable
from metaopt.doctor.finding import Finding, problem_of
from metaopt.study_file import load_config
from metaopt.tracking.registry import check_trackers
from search_spaces.errors import MetaoptError
from search_spaces.geometry import Geometry

#: Bytes of a cell in the decoded showers.
CELL = 4


@dataclass(frozen=True)
class AskedStudy:
    """What is known of the study.

    Attributes:
        config: None where its file cannot be used.
        size: of all showers, decoded [bytes]; 0 where they cannot be read.
    """

    config: StudyConfig | None = None
    size: int = 0

    @property
    def storage(self) -> str:
        """URL of its store."""
        return self.config.study.storage if self.config else StudyTable().storage

    @property
    def results(self) -> Path:
        """Its folder of results."""
        return Path(self.config.study.results if self.config else StudyTable().results).resolve()


def asked_study(path: Path | None) -> Generator[Finding, None, AskedStudy]:
    """Look at a study.toml; returns what the other checks need of it."""
    try:
        config = load_config(path, {})
    except (MetaoptError, OSError) as failure:
        yield problem_of("study", failure)
        return AskedStudy()
    yield _settings(path, config)
    size = yield from _showers(config)
    return AskedStudy(config, size)


def _settings(path: Path | None, config: StudyConfig) -> Finding:
    from metaopt.strategies.registry import make_pruning, make_strategy
    from search_spaces.loader import load_space

    try:
        search = config.search
        make_strategy(search.strategy, search.options)
        make_pruning(search.pruning, search.pruning_options)
        if search.space:
            load_space(search.space)
        check_trackers(config.study)
    except MetaoptError as failure:
        return problem_of("study", failure)
    what = path or "the embedded quick.toml"
    return Finding("study", "ok", f"{what}: {search.strategy} search, {search.trials} trials")


def _showers(config: StudyConfig) -> Generator[Finding, None, int]:
    from search_spaces.loader import load_geometry
    from workers import data

    try:
        geometry = load_geometry(config.data.geometry)
        files = config.files()
        events, _ = data.survey(files, geometry)
    except MetaoptError as failure:
        # Of a URL's path nothing is left out.
        servers = (url.partition("://")[::2] for url in config.data.files if "://" in url)
        hosts = (f"{scheme}://{place.partition('/')[0]}" for scheme, place in servers)
        yield problem_of("data", failure, *hosts)
        return 0
    yield Finding("data", "ok", f"{events:,} showers in {_files(len(files))}, {_fit(geometry)}")
    return events * math.prod(geometry.shape) * CELL


def _files(count: int) -> str:
    return f"{count} file{'s' if count != 1 else ''}"


def _fit(geometry: Geometry) -> str:
    return f"as {geometry.name} says ({' x '.join(map(str, geometry.shape))} cells)"
