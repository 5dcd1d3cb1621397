"""Findings in words: ``energy 2.1 % too high (± 0.1)``."""

from __future__ import annotations

import math
from collections.abc import Sequence

from metaopt.reports.findings import Finding

#: What the level of each group of the objective means.
GROUPS = {
    "showers": "usable showers",
    "energy": "deposited energy",
    "longitudinal": "depth and layers",
    "transverse": "position and width",
    "cells": "hits and cell energies",
    "angle": "measured angle",
    "corr": "correlations",
    "cond": "bins of the conditions",
    "cover": "variety",
    "dup": "repeated showers",
}
#: What to say of a group that is far off although no single number is.
VAGUE = {
    "energy": "distribution of the energies is off",
    "longitudinal": "energies of single layers are off",
    "transverse": "shape across the shower is off",
    "cells": "numbers of cells of some energies are off",
    "angle": "distribution of the angles is off",
    "corr": "observables do not vary together as they should",
    "cond": "far off in bins of the conditions",
    "cover": "some kinds of Geant4's showers are never generated",
    "dup": "showers are more alike than they should be",
}
#: What to say of it where unusable showers are the likely reason: they count in every group.
UNUSABLE = "the unusable showers count here too"
#: L_g above that of the full simulation itself at which a group without a finding is told.
VAGUE_LEVEL = 0.5
#: Significances beyond this are not told apart.
MANY_SIGMAS = 100
#: Significant digits that a value has at most; larger ones have an exponent.
DIGITS, LARGE = 4, 1e6
#: Features in words.
FEATURES = {
    "sampling_fraction": "deposited energy",
    "mx": "x",
    "my": "y",
    "mz": "depth",
    "sx": "width in x",
    "sy": "width in y",
    "sz": "length",
    "r_mean": "mean radius",
    "r_rms": "rms radius",
    "core": "energy in the core",
    "halo": "energy in the halo",
    "third_1": "first third",
    "third_2": "second third",
    "third_3": "last third",
    "hits": "hit cells",
    "hits_high": "high hits",
    "hottest": "hottest cell",
    "angle": "angle",
}
#: Relative biases: too little, too much.
RELATIVE = {
    "sampling_fraction": ("energy {} % too low", "energy {} % too high"),
    "sz": ("showers {} % too short", "showers {} % too long"),
    "r_mean": ("showers {} % too narrow", "showers {} % too wide"),
    "hits": ("{} % too few hit cells", "{} % too many hit cells"),
    "hottest": (
        "hottest cell holds {} % too little of the energy",
        "hottest cell holds {} % too much of the energy",
    ),
}
SPREADS = {
    "sampling_fraction": ("energy resolution {} % too narrow", "energy resolution {} % too wide"),
    "mz": ("depth fluctuates {} % too little", "depth fluctuates {} % too much"),
    "r_mean": ("width fluctuates {} % too little", "width fluctuates {} % too much"),
    "hits": (
        "number of hit cells fluctuates {} % too little",
        "number of hit cells fluctuates {} % too much",
    ),
    "angle": ("angular resolution {} % too narrow", "angular resolution {} % too wide"),
}
SHARES = {
    "outliers": "{} % of the showers have an energy beyond 5 sigma",
    "copies": "{} % of the showers are copies of another one",
    "memorised": "{} % of the showers stand in the reference file as they are",
    "empty": "{} % of the showers are empty",
    "not_finite": "{} % of the showers have cells or energies that are not finite",
    "negative": "{} % of the showers have cells below zero",
}


def sentence(finding: Finding) -> str:
    """A finding in words, with its error and significance."""
    if finding.error == 0:
        return _statement(finding)
    many = finding.sigmas > MANY_SIGMAS
    return f"{_statement(finding)}, " + (
        f"over {MANY_SIGMAS} sigma" if many else f"{finding.sigmas:.0f} sigma"
    )


def _statement(f: Finding) -> str:
    percent, error = rounded(100 * abs(f.value), 100 * f.error)
    side = int(f.value > 0)
    if f.kind == "spread":
        return f"{SPREADS[f.name][side].format(percent)} (± {error})"
    if f.kind == "share":
        return SHARES[f.name].format(shown(100 * (f.value + f.expected))) + _instead(f)
    if f.kind == "drift":
        high, low = (
            rounded(100 * v, 100 * f.error, sign=True)[0]
            for v in (f.expected + f.value, f.expected)
        )
        return f"energy scale drifts: {low} % at low, {high} % at high primary energy (± {error})"
    if f.kind == "correlation":
        a, b = (FEATURES[name] for name in f.name.split(","))
        return (
            f"{a} and {b} are correlated {f.expected + f.value:+.2f} instead of {f.expected:+.2f}"
        )
    if f.name in RELATIVE:
        return f"{RELATIVE[f.name][side].format(percent)} (± {error})"
    return _absolute(f)


def _instead(f: Finding) -> str:
    return f" (Geant4: {shown(100 * f.expected)} %)" if f.expected > 0 else ""


def _absolute(f: Finding) -> str:
    """A bias that is told in its own unit."""
    if f.name == "mz":
        share = rounded(100 * abs(f.value / f.expected), 100 * f.error / abs(f.expected))[0]
        value, error = rounded(f.value, f.error, sign=True)
        side = "too deep" if f.value > 0 else "too shallow"
        return f"showers {share} % {side}: mean depth {value} layers (± {error})"
    if f.name == "unseen":
        value = shown(100 * (f.value + f.expected))
        return f"{value} % of the energy in cells that are never hit{_instead(f)}"
    if f.name == "angle":
        value, error = rounded(math.degrees(f.value), math.degrees(f.error), sign=True)
        return f"measured angle off by {value} degrees (± {error})"
    value, error = rounded(f.value, f.error, sign=True)
    return f"showers displaced in {FEATURES[f.name]} by {value} {f.unit} (± {error})"


def rounded(value: float, error: float, sign: bool = False) -> tuple[str, str]:
    """A value and its error to the error's first digit, as texts: ``("2.1", "0.1")``."""
    if not math.isfinite(error) or abs(value) >= LARGE:
        return f"{value:{'+' if sign else ''}.3g}", f"{error:.1g}"
    first = -int(f"{error:.0e}".split("e")[1]) if error > 0 else 2
    last = DIGITS - 1 - math.floor(math.log10(max(abs(value), error, 1e-12)))
    decimals = min(first, last)
    # Without a minus before a zero, and without digits that the error does not know.
    value, error = (round(v, decimals) + 0.0 for v in (value, error))
    shown_decimals = max(decimals, 0)
    return f"{value:{'+' if sign else ''}.{shown_decimals}f}", f"{error:.{shown_decimals}f}"


def measured(value: float, error: float | None) -> str:
    """A number for people: ``0.53 ± 0.02``, or two significant digits without an error."""
    return "{} ± {}".format(*rounded(value, error)) if error else f"{value:.2g}"


def shown(value: float) -> str:
    """Two significant digits, without an exponent: ``0.37``, ``4.1``, ``37``, ``100``."""
    if value <= 0:
        return "0"
    return f"{value:.{max(0, 1 - math.floor(math.log10(value)))}f}"


def by_group(
    found: Sequence[Finding], levels: dict[str, float], null: dict[str, float], far: bool
) -> dict[str, tuple[str, ...]]:
    """Sentences of each group, in the order of the groups; empty where nothing is wrong.

    Args:
        found: the findings.
        levels: L_g of the generated showers.
        null: L_g of full-simulation showers.
        far: whether S itself is above its floor; if not, no group is told for its level.
    """
    groups = [g for g in GROUPS if g in levels or any(f.group == g for f in found)]
    told = {g: tuple(sentence(f) for f in found if f.group == g) for g in groups}
    unusable = any(f.group == "showers" for f in found)
    for group in (g for g in levels if far and not told[g]):
        words = UNUSABLE if unusable else VAGUE.get(group)
        if words and levels[group] - null.get(group, 0.0) > VAGUE_LEVEL:
            told[group] = (words,)
    return told


def is_far(value: float, floor: float, floor_sd: float) -> bool:
    """Whether S is above that of full-simulation showers by more than chance."""
    return value > floor + 3 * floor_sd


def verdict(value: float, floor: float, floor_sd: float, events: int, wrong: int) -> str:
    """The answer in a sentence.

    Args:
        value: S.
        floor: mean S of full-simulation showers.
        floor_sd: its standard deviation.
        events: N.
        wrong: number of findings.
    """
    near = not is_far(value, floor, floor_sd)
    if near and not wrong:
        return f"indistinguishable from Geant4 at N = {events}"
    if near:
        return f"S alone does not tell it from Geant4 at N = {events}, but something is wrong"
    if not wrong:
        return f"distinguishable from Geant4 at N = {events}, but no single number is wrong"
    return f"distinguishable from Geant4 at N = {events}"
