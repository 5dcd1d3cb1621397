"""Findings in words."""

from __future__ import annotations

import numpy as np
import pytest

from metaopt.reports.findings import Finding
from metaopt.reports.words import by_group, measured, rounded, sentence, shown, verdict

F = Finding


@pytest.mark.parametrize(
    ("finding", "text"),
    [
        (
            F("energy", "bias", "sampling_fraction", 0.0213, 0.0011),
            "energy 2.1 % too high (± 0.1), 19 sigma",
        ),
        (
            F("longitudinal", "bias", "mz", -0.4, 0.03, 12.0),
            "showers 3.3 % too shallow: mean depth -0.40 layers (± 0.03), 13 sigma",
        ),
        (
            F("transverse", "bias", "mx", 0.21, 0.04, 0.0, "cells"),
            "showers displaced in x by +0.21 cells (± 0.04), 5 sigma",
        ),
        (
            F("energy", "spread", "sampling_fraction", 0.304, 0.04),
            "energy resolution 30 % too wide (± 4), 8 sigma",
        ),
        (
            F("cells", "bias", "unseen", 0.004, 0.0004, 0.0002),
            "0.42 % of the energy in cells that are never hit (Geant4: 0.020 %), 10 sigma",
        ),
        (
            F("angle", "bias", "angle", 0.0175, 0.002),
            "measured angle off by +1.0 degrees (± 0.1), 9 sigma",
        ),
        (
            F("cond", "drift", "sampling_fraction", -0.04, 0.005, 0.03),
            "energy scale drifts: +3.0 % at low, -1.0 % at high primary energy (± 0.5), 8 sigma",
        ),
        (
            F("corr", "correlation", "hits,mz", -0.4, 0.05, 0.6),
            "hit cells and depth are correlated +0.20 instead of +0.60, 8 sigma",
        ),
        (
            F("dup", "share", "copies", 0.12, 0.01, 0.001),
            "12 % of the showers are copies of another one (Geant4: 0.10 %), 12 sigma",
        ),
        (
            F("cells", "bias", "hits", -0.28, 0.001),
            "28.0 % too few hit cells (± 0.1), over 100 sigma",
        ),
        (F("showers", "share", "empty", 0.02, 0.0), "2.0 % of the showers are empty"),
    ],
)
def test_a_finding_reads_as_a_physicist_would_say_it(finding: Finding, text: str) -> None:
    assert sentence(finding) == text


def test_numbers_have_the_digits_that_their_error_allows() -> None:
    assert rounded(12.34, 0.29) == ("12.3", "0.3")
    assert rounded(12.34, 0.29, sign=True) == ("+12.3", "0.3")
    assert rounded(99.9999953, 0.0000004) == ("100.00", "0.00")
    assert rounded(3.21e28, np.inf) == ("3.21e+28", "inf")
    assert rounded(1234, 56) == ("1230", "60")
    assert rounded(-0.02, 0.4) == ("0.0", "0.4")
    assert [shown(v) for v in (100, 4.13, 0.0371, 0)] == ["100", "4.1", "0.037", "0"]
    assert measured(0.5312, 0.021) == "0.53 ± 0.02"
    assert measured(0.5312, None) == "0.53"


def test_groups_without_a_finding_are_told_only_if_far_off() -> None:
    levels = {"energy": 1.0, "corr": 1.0, "cover": 0.4}
    found = [F("energy", "bias", "sampling_fraction", 0.02, 0.001)]
    told = by_group(found, levels, {"corr": 0.1}, far=True)
    assert list(told) == ["energy", "corr", "cover"]
    assert told["energy"] == ("energy 2.0 % too high (± 0.1), 20 sigma",)
    assert told["corr"] == ("observables do not vary together as they should",)
    assert told["cover"] == ()
    empty = F("showers", "share", "empty", 0.02, 0.0)
    told = by_group([empty], levels, {}, far=True)
    assert told["energy"] == told["corr"] == ("the unusable showers count here too",)
    assert told["showers"] == ("2.0 % of the showers are empty",)
    assert by_group(found, levels, {}, far=False)["corr"] == ()


def test_the_verdict_says_when_nothing_is_wrong() -> None:
    assert verdict(0.2, 0.15, 0.05, 1000, 0) == "indistinguishable from Geant4 at N = 1000"
    assert "no single number" in verdict(0.9, 0.15, 0.05, 1000, 0)
    assert "something is wrong" in verdict(0.2, 0.15, 0.05, 1000, 1)
    assert verdict(0.9, 0.15, 0.05, 1000, 1) == "distinguishable from Geant4 at N = 1000"
