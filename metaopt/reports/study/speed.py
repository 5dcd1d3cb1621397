"""S against the time per shower, and the Pareto front."""

from __future__ import annotations

from metaopt.reports.panels import Labels
from metaopt.reports.study.charts import Chart, Part, series
from metaopt.reports.study.facts import StudyFacts
from metaopt.reports.study.history import SCORE, points
from metaopt.reports.tables import pareto_table
from metaopt.store.front import pareto_front


def speed(facts: StudyFacts) -> Part | None:
    """The front as a figure and a table; None where one trial is both best and fastest."""
    front = pareto_front(facts.trials)
    if len(front) < 2:
        return None
    text = (
        "S and speed at once: no trial is better and faster than one of the front. Times are "
        "rounded to steps of 26 % first; of equal ones the lowest S stands for all."
    )
    published = facts.published.best.point if facts.published else {}
    return Part("S and speed", text, (_chart(facts), pareto_table(front, published)))


def _chart(facts: StudyFacts) -> Chart:
    front = pareto_front(facts.trials)
    timed = [t for t in facts.trials if t.complete and t.ms_per_shower is not None]
    kept, rule = facts.thinned(timed)
    look = (
        "Down is better, left is faster. A long step down is quality that costs little time; a "
        f"long step to the right is time that buys little.{rule}"
    )
    drawn = points(kept, lambda t: t.ms_per_shower or 0.0)
    # Steps from the fastest on: what the best S is for at most so much time.
    steps = sorted(front, key=lambda f: f.ms_per_shower)
    drawn += series(
        "Pareto front",
        "front",
        [f.ms_per_shower for f in steps],
        [f.score for f in steps],
        trials=[f.trial for f in steps],
    )
    labels = Labels("Pareto front", look, "generation [ms per shower]", SCORE)
    return Chart(labels, drawn, log_x=True, wide=True)
