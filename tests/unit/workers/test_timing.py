"""Milliseconds per shower, by a clock that is the test's own."""

from __future__ import annotations

import time

import numpy as np
import pytest

from objectives.showers import Conditions
from workers.timing import clock_for, log_ms, ms_per_shower
from workers.trial import Resources


class Model:
    """Takes as many seconds as it is told for each batch."""

    def __init__(self, *seconds: float) -> None:
        self.seconds, self.now = list(seconds), 0.0
        self.batches: list[int] = []

    def generate(self, conditions: Conditions, seed: int):
        self.batches.append(len(conditions))
        self.now += self.seconds.pop(0)
        return np.zeros((len(conditions), 1, 1, 1), dtype=np.float32)

    def clock(self) -> float:
        return self.now


def test_the_median_counts_after_a_batch_that_does_not() -> None:
    model = Model(60.0, 2.0, 2.2, 2.1, 9.0, 2.1)
    conditions = Conditions.of([10.0, 20.0, 30.0])
    ms = ms_per_shower(model.generate, conditions, batch=10, clock=model.clock)
    assert ms == pytest.approx(210)
    assert model.batches == [10] * 6


def test_the_second_objective_is_a_logarithm_in_steps_above_the_noise() -> None:
    assert log_ms(100.0) == pytest.approx(2) and np.isfinite(log_ms(0.0))
    assert log_ms(0.98) == log_ms(1.0) == log_ms(1.02)
    assert log_ms(0.7) < log_ms(1.0) < log_ms(1.4)


def test_cpu_time_counts_on_one_cpu_and_wall_time_elsewhere() -> None:
    assert clock_for(Resources(cpus=1)) is time.process_time
    assert clock_for(Resources(cpus=2)) is time.perf_counter
    assert clock_for(Resources(cpus=1, gpus=0.5)) is time.perf_counter
