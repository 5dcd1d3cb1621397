"""Numbers that are reported beside the score S, and never optimised.

Each is a pure function of samples and comes with its error and with what the full
simulation gives against itself: see :class:`~objectives.crosschecks.measured.Measured`.
:func:`crosscheck` gives all of them.
"""

from objectives.crosschecks.classifier import classifier_auc
from objectives.crosschecks.frechet import frechet_extrapolated, frechet_of_pulls
from objectives.crosschecks.kernel import kernel_of_pulls
from objectives.crosschecks.legacy import dropped, legacy_scores
from objectives.crosschecks.measured import Measured
from objectives.crosschecks.precision import as_stored
from objectives.crosschecks.profiles import Profiles
from objectives.crosschecks.report import Summary, crosscheck
from objectives.crosschecks.response import response_checks
from objectives.crosschecks.separation import mean_separation

__all__ = [
    "Measured",
    "Profiles",
    "Summary",
    "as_stored",
    "classifier_auc",
    "crosscheck",
    "dropped",
    "frechet_extrapolated",
    "frechet_of_pulls",
    "kernel_of_pulls",
    "legacy_scores",
    "mean_separation",
    "response_checks",
]
