"""Shower files: HDF5 of several layouts to :class:`~objectives.showers.Showers`, in GeV and rad.

::

    layouts, particles   how files order and measure cells, and name particles
    files                one file: opened, checked, read block by block
    splits, events       which events of all files make a part, decoded block by block
    arrays, cache        one decoded copy on disk that all workers of a machine share
    loading, reference   what the service asks for: a survey, showers, the reference artefact
"""

from workers.data.events import Events, part_sizes
from workers.data.files import ShowerFile
from workers.data.layouts import flatten
from workers.data.loading import load, survey
from workers.data.reference import build_reference, check_part
from workers.data.splits import PARTS, Part

__all__ = [
    "PARTS",
    "Events",
    "Part",
    "ShowerFile",
    "build_reference",
    "check_part",
    "flatten",
    "load",
    "part_sizes",
    "survey",
]
