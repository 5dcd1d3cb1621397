"""A study on its way to a Ray cluster: the little that is sent, and what it must not need.

The folder that goes to the cluster holds the study's configuration, the search space and
geometry that it names, and plug-in modules of the working directory. Showers, results and
the study store stay where they are: the cluster must reach them by itself.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import tomli_w

import metaopt
from metaopt.config import SAMPLE, StudyConfig
from metaopt.store import PASSWORD_VARIABLE
from metaopt.store.urls import apart, masked, sqlite_file
from search_spaces.errors import ConfigError
from search_spaces.loader import is_path, load_geometry, load_space
from search_spaces.plugins import is_reference
from search_spaces.records import encode

#: Most bytes that are sent: text, never showers.
MOST_BYTES = 10 * 2**20
STUDY = "study.toml"
BEGIN = "begin.sh"
#: Ray writes the environment that a job is given into its logs: a password comes as a file,
#: which only the user can read, and the job puts it into its environment itself.
PASSWORD = "storage-password"  # noqa: S105 (the file's name)
#: How the job begins. Where metaopt is absent or another one, it ends with the code of a missing
#: extra. Package indices hold others of its name, so a module of this one is asked for.
COMMAND = f"sh {BEGIN}"
_SCRIPT = """\
asked='import importlib.metadata as m, metaopt.submission; print(m.version("metaopt"))'
found=$(python -c "$asked" 2> /dev/null)
if [ "$found" != "{version}" ]; then
  echo "metaopt {version} must be installed on every node of the cluster, the python of its head\
 has ${{found:-none}}; use an image or environment with it, or submit with\
 --pip and its wheel or repository" >&2
  exit 4
fi
if [ -f {password} ]; then
  {variable}=$(cat {password})
  export {variable}
fi
{first}exec python -m metaopt run {study}
"""


@dataclass(frozen=True)
class Reach:
    """What the cluster sees of this machine's files.

    Attributes:
        everything: its head is this machine.
        shared: folders that all nodes see under the same path.
    """

    everything: bool = False
    shared: tuple[Path, ...] = ()

    def sees(self, path: Path) -> bool:
        """Whether the head sees a file at its path here."""
        folders = [folder.expanduser().resolve() for folder in self.shared]
        return self.everything or any(path.resolve().is_relative_to(f) for f in folders)


@dataclass(frozen=True)
class Parcel:
    """What is sent.

    Attributes:
        config: the study as the cluster runs it, without the storage URL's password.
        files: text by path in the folder that is sent.
    """

    config: StudyConfig
    files: Mapping[str, str] = field(repr=False)

    @property
    def stem(self) -> str:
        """What the ids of the study's jobs begin with: the same wherever it is submitted."""
        key = hashlib.sha256(f"{self.config.study.storage}\0{self.config.name}".encode())
        return f"{re.sub(r'[^a-zA-Z0-9_.-]', '_', self.config.name)}-{key.hexdigest()[:8]}"

    def write(self, folder: Path) -> None:
        """Lay the files out in a folder."""
        for name, text in self.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).touch(mode=0o600 if name == PASSWORD else 0o644)
            (folder / name).write_text(text, encoding="utf-8")


def pack(config: StudyConfig, reach: Reach, nodes_within: float = 0) -> Parcel:
    """All that the cluster needs for a study.

    Args:
        config: of the study, with paths of this machine.
        reach: what the cluster sees of them.
        nodes_within: how long the job waits for the nodes of its workers [s]; 0 = not at all.

    Raises:
        InputError: something lies where the cluster does not see it, is not what it should be,
            or is too large.
        StoreError: the storage URL cannot be read.
    """
    storage, password = apart(_storage(config.study.storage, reach))
    space, spaces = _named(config.search.space, "spaces")
    geometry, geometries = _named(config.data.geometry, "geometries")
    load_geometry(config.data.geometry)
    family = load_space(config.search.space).family if config.search.space else ""
    names = (config.search.strategy, config.search.pruning, config.workers.executor, family)
    sent = replace(
        config,
        study=replace(
            config.study,
            name=config.name,
            storage=storage,
            results=_place("study.results", config.study.results, reach),
        ),
        data=replace(config.data, geometry=geometry, files=tuple(_showers(config, reach))),
        search=replace(config.search, space=space),
        workers=replace(config.workers, ray_address="auto"),
    )
    files = spaces | geometries | _plugins(names)
    files[STUDY] = tomli_w.dumps(_tables(sent))
    files[BEGIN] = _SCRIPT.format(
        version=metaopt.__version__,
        study=STUDY,
        password=PASSWORD,
        variable=PASSWORD_VARIABLE,
        first=_waiting(config, nodes_within),
    )
    if password:
        files[PASSWORD] = password
    _check_size(files)
    return Parcel(sent, files)


def _tables(config: StudyConfig) -> dict[str, Any]:
    return dict(encode(config))


def _waiting(config: StudyConfig, seconds: float) -> str:
    """The line that waits for the nodes of an autoscaler; empty without a time."""
    needs = config.workers
    workers = max(needs.count, 1)
    module = "python -m workers.executors.ray_nodes"
    return f"{module} {workers} {needs.cpus} {needs.gpus} {seconds:g} || exit\n" if seconds else ""


def _storage(url: str, reach: Reach) -> str:
    file = sqlite_file(url)
    if file is None:
        return url
    path = file.expanduser().resolve()
    if not reach.sees(path):
        raise ConfigError(
            f"the cluster must reach the study store, got {masked(url)}, a file of this machine; "
            "give --storage postgresql+psycopg://user@host/database, or --shared-folder with a "
            "folder above it that all nodes see"
        )
    return f"sqlite:///{path}"


def _place(key: str, name: str, reach: Reach) -> str:
    """A path as the cluster is told it: of this machine only where both see it."""
    path = Path(name).expanduser()
    if not path.is_absolute() and not reach.sees(path):
        raise ConfigError(
            f"{key} must be a path on the cluster, got {name!r}, which is relative to a folder of "
            "this machine; give an absolute path that all nodes see, or --shared-folder with a "
            "folder above it"
        )
    return str(path if path.is_absolute() else Path.cwd() / path)


def _showers(config: StudyConfig, reach: Reach) -> Iterator[str]:
    for name in config.data.files:
        plain = name == SAMPLE or "://" in name
        yield name if plain else _place("data.files", name, reach)


def _named(name: str, folder: str) -> tuple[str, dict[str, str]]:
    """What a name is called on the cluster, and the file behind it if it is no built-in one."""
    if not is_path(name):
        return name, {}
    place = f"{folder}/{Path(name).name}"
    return place, {place: _text(Path(name))}


def _plugins(names: Sequence[str]) -> dict[str, str]:
    """The modules that "module:Class" means, where they lie in the working directory."""
    found: dict[str, str] = {}
    for top in {name.partition(":")[0].partition(".")[0] for name in names if is_reference(name)}:
        module = Path(f"{top}.py")
        for path in (module, *sorted(Path(top).rglob("*.py"))):
            if path.is_file():
                found[path.as_posix()] = _text(path)
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as failure:
        raise ConfigError(
            f"{path}: what is sent must be text in UTF-8; check the path, or save it so"
        ) from failure


def _check_size(files: Mapping[str, str]) -> None:
    sizes = {name: len(text.encode()) for name, text in files.items()}
    if sum(sizes.values()) > MOST_BYTES:
        name = max(sizes, key=lambda n: sizes[n])
        raise ConfigError(
            f"a submitted study must have {MOST_BYTES >> 20} MiB of files at most, got "
            f"{sum(sizes.values()) / 2**20:.1f} MiB, {name} the largest; install plug-ins on the "
            "cluster instead"
        )
