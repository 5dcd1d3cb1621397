"""Which trial of a study is exported: the one asked for, or the best of those fast enough."""

from __future__ import annotations

from collections.abc import Sequence

from metaopt.store.standings import Standing, best_of, standings
from metaopt.store.views import StudyView, TrialView
from search_spaces.errors import ConfigError, NoCompleteTrialError


def candidates(trials: Sequence[TrialView]) -> list[TrialView]:
    """Complete trials, best first."""
    return sorted((t for t in trials if t.complete), key=lambda t: (t.score or 0.0, t.number))


def choose(
    study: StudyView,
    trials: Sequence[TrialView],
    number: int | None,
    max_ms: float | None = None,
) -> TrialView:
    """The trial to export: the given one, or the best of those that are fast enough.

    Args:
        study: that the trials belong to.
        trials: all of them.
        number: of the trial to export; None chooses by S.
        max_ms: most milliseconds per shower; None takes any speed.

    Raises:
        ConfigError: both a trial and a speed are given, the speed is no positive number, or the
            study is not metaopt's.
        NoCompleteTrialError: there is no complete trial, the given one is not, or none is fast
            enough.
    """
    if number is not None and max_ms is not None:
        raise ConfigError(
            "a trial is chosen by its number or by its speed, "
            f"got --trial {number} and --max-ms-per-shower {max_ms:g}; give one of them"
        )
    if max_ms is not None and not max_ms > 0:
        raise ConfigError(f"--max-ms-per-shower > 0 must hold, got {max_ms:g}; give milliseconds")
    check_ours(study)
    best = best_of(trials)
    if best is None:
        raise NoCompleteTrialError(
            f"study {study.name!r} has no complete trial to export; run it on with `metaopt run`"
        )
    if max_ms is not None:
        return _best_within(study, trials, max_ms)
    if number is None:
        return best
    for trial in trials:
        if trial.number == number and trial.complete:
            return trial
    raise NoCompleteTrialError(
        f"trial {number} of study {study.name!r} is not complete; "
        f"`metaopt export {study.name} --list` gives those that are"
    )


def check_ours(study: StudyView) -> None:
    """Raise :class:`ConfigError` for a study that has no models."""
    if "folder" not in study.document:
        raise ConfigError(
            f"study {study.name!r} was not made by metaopt: it has no models to export; "
            "give another study"
        )


def fast_enough(trials: Sequence[TrialView], max_ms: float) -> list[TrialView]:
    """The trials that take at most ``max_ms`` milliseconds per shower."""
    return [t for t in trials if t.ms_per_shower is not None and t.ms_per_shower <= max_ms]


def _best_within(study: StudyView, trials: Sequence[TrialView], max_ms: float) -> TrialView:
    ranked = standings(trials)
    within = [s for s in ranked if fast_enough(s.trials, max_ms)]
    if within:
        # Confirmed are the candidates of any speed and the published configuration, whatever its
        # S: where the best of all is too slow, that says nothing, and S decides as on the front.
        chosen = within[0] if within[0] is ranked[0] else min(within, key=lambda s: s.score.value)
        return Standing(tuple(fast_enough(chosen.trials, max_ms))).best
    timed = [(t.ms_per_shower, t) for t in candidates(trials) if t.ms_per_shower is not None]
    if not timed:
        raise NoCompleteTrialError(
            f"no complete trial of study {study.name!r} was timed; leave --max-ms-per-shower "
            "out, or run more trials"
        )
    ms, fastest = min(timed, key=lambda found: found[0])
    raise NoCompleteTrialError(
        f"no complete trial of study {study.name!r} takes {max_ms:g} ms per shower or less; the "
        f"fastest, trial {fastest.number} with S {fastest.score:.3f}, takes {ms:.4g}: "
        f"give --max-ms-per-shower {1.001 * ms:.4g} or more"
    )
