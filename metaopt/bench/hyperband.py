"""A study of Optuna's TPE with its HyperbandPruner, on one simulated worker.

The peer of our strategies under halving. See
:class:`metaopt.strategies.optuna_hyperband.TpeHyperband`.
"""

from __future__ import annotations

import time

from metaopt.bench.clock import Ended, Simulation
from metaopt.bench.problem import Problem, Training
from metaopt.specification import training_seed
from metaopt.strategies.base import State
from metaopt.strategies.optuna_hyperband import TpeHyperband
from search_spaces.space import Key


def simulate(problem: Problem, trials: int, seed: int) -> Simulation:
    """Run a study of ``trials`` trials, one after another."""
    study = TpeHyperband(problem.space, problem.epochs, seed)
    taken: set[Key] = set()
    ended: list[Ended] = []
    begin, now = time.process_time(), 0.0
    for number in range(trials):
        asked = study.ask()
        point = problem.settle(asked, taken)
        taken.add(problem.space.key(point))
        if point != asked:
            study.settle(point)
        training = problem.train(point, training_seed(seed, number))
        state, score, seconds = _course(study, training, problem.epochs)
        study.tell(state, score)
        now += seconds
        ended.append(Ended(number, now, seconds, state, score, problem.truth(point)))
    return Simulation(tuple(ended), 0.0, (time.process_time() - begin) / trials)


def _course(study: TpeHyperband, training: Training, epochs: int) -> tuple[State, float, float]:
    """How a training ends, with which S, and after how many seconds."""
    for rung in training.rungs:
        if study.should_prune(rung.epoch, rung.score) and rung.epoch < epochs:
            return State.PRUNED, rung.score, rung.seconds
    state = State.FAILED if training.failed else State.COMPLETE
    return state, training.score, training.seconds
