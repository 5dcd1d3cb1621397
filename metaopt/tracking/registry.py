"""Trackers by name."""

from __future__ import annotations

import os
from importlib.util import find_spec

from metaopt.config import StudyTable
from metaopt.preflight import Plan
from metaopt.tracking.base import Tracker
from search_spaces.errors import ConfigError, MissingExtraError
from search_spaces.parameters import Value

#: Where MLflow's tracking server or database is, unless study.toml says it.
URI_VARIABLE = "MLFLOW_TRACKING_URI"
TENSORBOARD, MLFLOW = "tensorboard", "mlflow"


def check_trackers(study: StudyTable) -> None:
    """See that what is asked for can be made.

    Raises:
        ConfigError: MLflow's place is not given.
        MissingExtraError: MLflow is not installed.
    """
    if MLFLOW not in study.log:
        return
    if not _uri(study):
        raise ConfigError(
            f"the log 'mlflow' needs a tracking server or database; set {URI_VARIABLE}, or "
            'study.tracking_uri, such as "http://127.0.0.1:5000" or "sqlite:///mlflow.db"'
        )
    if find_spec("mlflow") is None:
        raise MissingExtraError(
            "the log 'mlflow' needs MLflow's client: pip install 'metaopt[mlflow]'"
        )


def make_trackers(plan: Plan, key: str) -> list[Tracker]:
    """The trackers that a study asks for.

    Args:
        plan: of the study.
        key: the same for all runs of the study, and for no other study.
    """
    made: list[Tracker] = []
    study, asked = plan.config.study, dict.fromkeys(plan.config.study.log)
    if TENSORBOARD in asked:
        from metaopt.tracking.tensorboard import FOLDER, TensorBoardTracker

        made.append(TensorBoardTracker(plan.config.folder / FOLDER, plan.space.parameters))
    if MLFLOW in asked:
        from metaopt.tracking.mlflow import MLflowTracker

        about: dict[str, Value] = {
            "strategy": plan.config.search.strategy,
            "space": plan.space.name,
            "geometry": plan.geometry.name,
            "seed": study.seed,
            "data_digest": plan.data.digest,
        }
        made.append(MLflowTracker(_uri(study), plan.config.name, key, about))
    return made


def _uri(study: StudyTable) -> str:
    return study.tracking_uri or os.environ.get(URI_VARIABLE, "")
