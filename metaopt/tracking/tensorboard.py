"""Trials as TensorBoard shows them: curves by epoch, and hyperparameters with their scores.

Each trial has a folder of its own, ``trial-0007``, and is a session of TensorBoard's
hyperparameter plug-in. The folder above says what the parameters and figures are called.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from metaopt.agenda import Assignment
from metaopt.store.views import TrialView
from metaopt.tracking.base import epoch_chapters, last_chapters
from objectives.groups import GROUPS
from search_spaces.parameters import Categorical, Parameter, Value
from workers.event_log import EventLog, curves
from workers.trial import Progress

#: The folder in that of the study.
FOLDER = "tensorboard"
_PLUGIN = "hparams"
#: Figures of the plug-in's table: curves of :func:`metaopt.tracking.base.last_chapters`.
_FIGURES = ("final/S", "final/error", *(f"final/{group}" for group in GROUPS))


class TensorBoardTracker:
    """Event files in a folder; implements :class:`metaopt.tracking.base.Tracker`.

    Args:
        folder: of the log.
        parameters: of the study's space.
    """

    name = "TensorBoard"

    def __init__(self, folder: Path, parameters: Sequence[Parameter]) -> None:
        self._folder = folder
        self._parameters = parameters
        self._open: dict[int, EventLog] = {}

    def begin(self, trials: Sequence[TrialView]) -> None:
        """Say what the parameters are, and add trials that have no folder."""
        if not any(self._folder.glob("events.*")):
            log = EventLog(self._folder, goes_on=True)
            log.add(_experiment(self._parameters))
            log.close()
        for trial in trials:
            if trial.finished is not None and not self._place(trial.number).is_dir():
                log = self._begin(trial.number, trial.point)
                for epoch, score in trial.rungs:
                    log.write(epoch, {"score/S": score})
                self.finished(trial)

    def started(self, number: int, assignment: Assignment) -> None:
        """Begin a trial's log, and end that of a trial whose controller died."""
        before = assignment.before
        if before is not None and before.repeatable:
            self.finished(before)
        self._begin(number, assignment.point)

    def progressed(self, number: int, progress: Progress) -> None:
        """Add an epoch."""
        self._open[number].write(progress.epoch, curves(epoch_chapters(progress)))

    def finished(self, trial: TrialView) -> None:
        """End a trial's log."""
        log = self._open.get(trial.number) or EventLog(self._place(trial.number), goes_on=True)
        if final := curves(last_chapters(trial)):
            log.write(trial.epochs, final)
        log.add(_session_end(succeeded=trial.settled and trial.state != "fail"))
        log.close()
        self._open.pop(trial.number, None)

    def close(self) -> None:
        """End the logs of trials that run on."""
        for log in self._open.values():
            log.close()
        self._open.clear()

    def _begin(self, number: int, point: Mapping[str, Value]) -> EventLog:
        log = EventLog(self._place(number))
        log.add(_session_start(number, point))
        self._open[number] = log
        return log

    def _place(self, number: int) -> Path:
        return self._folder / f"trial-{number:04d}"


def _experiment(parameters: Iterable[Parameter]) -> Any:
    from tensorboardX.proto.api_pb2 import Experiment, HParamInfo, MetricInfo, MetricName

    kinds = {True: "DATA_TYPE_STRING", False: "DATA_TYPE_FLOAT64"}
    names = [HParamInfo(name=p.name, type=kinds[_is_text(p)]) for p in parameters]
    figures = [
        MetricInfo(name=MetricName(tag=tag), display_name=tag.removeprefix("final/"))
        for tag in _FIGURES
    ]
    experiment = Experiment(name="metaopt", hparam_infos=names, metric_infos=figures)
    return _summary("experiment", experiment=experiment)


def _session_start(number: int, point: Mapping[str, Value]) -> Any:
    from tensorboardX.proto.plugin_hparams_pb2 import SessionStartInfo

    start = SessionStartInfo(group_name=f"trial {number}")
    for name, value in point.items():
        if isinstance(value, str):
            start.hparams[name].string_value = value
        else:
            start.hparams[name].number_value = value
    return _summary("session_start_info", session_start_info=start)


def _session_end(*, succeeded: bool) -> Any:
    from tensorboardX.proto.plugin_hparams_pb2 import SessionEndInfo

    status = "STATUS_SUCCESS" if succeeded else "STATUS_FAILURE"
    return _summary("session_end_info", session_end_info=SessionEndInfo(status=status))


def _summary(tag: str, **content: Any) -> Any:
    """A record of the hyperparameter plug-in."""
    from tensorboardX.proto.plugin_hparams_pb2 import HParamsPluginData
    from tensorboardX.proto.summary_pb2 import Summary, SummaryMetadata

    packed = HParamsPluginData(version=0, **content).SerializeToString()
    plugin = SummaryMetadata.PluginData(plugin_name=_PLUGIN, content=packed)
    metadata = SummaryMetadata(plugin_data=plugin)
    return Summary(value=[Summary.Value(tag=f"_{_PLUGIN}_/{tag}", metadata=metadata)])


def _is_text(parameter: Parameter) -> bool:
    """Whether its values are names; choices of numbers and truth values are numbers."""
    return isinstance(parameter, Categorical) and any(isinstance(c, str) for c in parameter.choices)
