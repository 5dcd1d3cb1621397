"""The documentation holds every key that the code reads, and no other."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from pathlib import Path

import pytest

from metaopt.cli.run import KEYS
from metaopt.config import StudyConfig
from search_spaces.geometry import Cells, Geometry, Layers, Storage
from search_spaces.loader import space_from_tables
from search_spaces.records import decode

ROOT = Path(__file__).parents[3]
BLOCKS = re.findall(r"```toml\n(.*?)```", (ROOT / "docs" / "study.md").read_text(), re.DOTALL)


def test_the_study_reference_is_complete_and_its_values_are_the_defaults() -> None:
    tables = tomllib.loads(BLOCKS[0])
    documented = decode(StudyConfig, tables, "docs/study.md")
    defaults = StudyConfig(documented.data)
    assert dataclasses.replace(documented, data=defaults.data) == defaults
    for field in dataclasses.fields(StudyConfig):
        table = getattr(documented, field.name)
        assert set(tables[field.name]) == {f.name for f in dataclasses.fields(table)}


def test_every_option_of_run_is_a_key_of_the_study_file() -> None:
    tables = tomllib.loads(BLOCKS[0])
    assert all(key in tables[table] for table, key in KEYS.values())


def test_the_space_and_the_geometry_of_the_documentation_load() -> None:
    space = space_from_tables(tomllib.loads(BLOCKS[1]), "docs/study.md", "doc")
    assert space.baselines[0].name == "published"
    tables = tomllib.loads(BLOCKS[2])
    decode(Geometry, {"name": "doc", **tables}, "docs/study.md")
    for name, kind in (("cells", Cells), ("layers", Layers), ("storage", Storage)):
        assert set(tables[name]) == {f.name for f in dataclasses.fields(kind)}


@pytest.mark.parametrize("marker", ["main command", "test command"])
def test_the_readme_commands_are_one_line_each(marker: str) -> None:
    readme = (ROOT / "README.md").read_text()
    (block,) = re.findall(rf"<!-- {marker} -->\n```sh\n(.*?)```", readme, re.DOTALL)
    assert len(block.strip().splitlines()) == 1 and "constraints.txt" in block


def test_the_batch_job_of_a_training_asks_for_the_cores_and_gpus_of_its_workers() -> None:
    lines = (ROOT / "docs" / "cluster.md").read_text().splitlines()
    job, _, training = next(line for line in lines if "--wrap" in line).partition("--wrap")

    def asked(text: str, option: str) -> int:
        found = re.search(rf"--{option}[= ](\d+)", text)
        return int(found[1]) if found else 1

    for ours, slurms in (("cpus", "cpus-per-task"), ("gpus", "gpus-per-node")):
        assert asked(training, "workers") * asked(training, ours) <= asked(job, slurms)
