"""``metaopt train``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from metaopt.training import Order, Plan


@click.command(name="train")
@click.argument("model", type=click.Path(path_type=Path), metavar="MODEL")
@click.option("--data", multiple=True, required=True, metavar="GLOB", help="HDF5 showers.")
@click.option("--epochs", type=int, required=True, metavar="N", help="In all.")
@click.option(
    "-o", "--out", type=click.Path(path_type=Path), metavar="DIR", help="[default: MODEL-trained]"
)
@click.option("--from-weights", is_flag=True, help="Go on from MODEL's weights, not from random.")
@click.option(
    "--showers-per-epoch", "showers", type=int, default=0, metavar="N",
    help="[default: all training showers]",
)  # fmt: skip
@click.option(
    "--evaluation-showers", type=int, default=0, metavar="N",
    help="Showers for the score of an epoch. [default: 1000, or all]",
)  # fmt: skip
@click.option(
    "--seed", type=int, metavar="N",
    help="Of all draws, with random first weights. [default: MODEL's]",
)  # fmt: skip
@click.option(
    "--workers", type=click.IntRange(min=1), default=1, show_default=True, metavar="N",
    help="Processes or nodes that share each batch.",
)  # fmt: skip
@click.option(
    "--cpus", type=click.IntRange(min=1), default=1, show_default=True, metavar="N",
    help="CPU threads per worker.",
)  # fmt: skip
@click.option(
    "--gpus", type=click.IntRange(min=0), default=0, show_default=True, metavar="N",
    help="GPUs per worker.",
)  # fmt: skip
@click.option(
    "--precision", type=click.Choice(["float32", "bfloat16"]),
    help="Of the hidden layers. [default: MODEL's]",
)  # fmt: skip
@click.option("--ray-address", default="", metavar="ADDRESS", help="Running Ray cluster.")
@click.option("--tensorboard/--no-tensorboard", default=True, help="A log for TensorBoard.")
def command(
    model: Path,
    data: tuple[str, ...],
    out: Path | None,
    workers: int,
    cpus: int,
    gpus: int,
    ray_address: str,
    **given: Any,
) -> None:
    """Train an exported configuration in full; run again to resume.

    MODEL is a folder of `metaopt export`. Each epoch is scored on the validation
    split; the best one is measured on the test split, which has chosen nothing.
    DIR then holds a model as an export does, the record of its training
    (training.jsonl, tensorboard/) and the page of its validation.

    Ctrl-C ends after the running epoch, twice at once. More --epochs go on.
    """
    import sys

    from metaopt.training import Order
    from workers.trial import Resources

    # "." and ".." have no name of their own.
    beside = (model if model.name not in ("", "..") else model.resolve()).parent
    target = out or beside / f"{model.resolve().name}-trained"
    resources = Resources(cpus=cpus, gpus=gpus)
    order = Order(source=model, files=data, out=target, resources=resources, **given)
    sys.exit(_run(order, workers, ray_address))


def _run(order: Order, workers: int, address: str) -> int:
    """Train, and measure the result; returns the exit code."""
    from metaopt.cli.console import say
    from metaopt.cli.training_monitor import TrainingMonitor, stopped_by_signals
    from metaopt.errors import DONE, INTERRUPTED
    from metaopt.trained import finish
    from metaopt.training import alone, prepare, train
    from workers.trial import Resources

    # Workers elsewhere may have GPUs that this process has not.
    here = order.resources if workers == 1 and not address else Resources()
    with TrainingMonitor() as monitor:
        monitor.stage("reading and checking the showers")
        plan = prepare(order)
        with alone(order.out), stopped_by_signals(monitor) as stop:
            monitor.begin(plan, workers)
            whole = train(plan, monitor, stop, workers, address)
            if whole:
                monitor.stage("comparing the best epoch with the test showers")
                made = finish(plan, here)
    if not whole:
        say(f"interrupted; the same command goes on in {order.out}/")
        return INTERRUPTED
    _tell(order, plan, made)
    return DONE


def _tell(order: Order, plan: Plan, made: Any) -> None:
    from metaopt.cli.console import say
    from metaopt.reports.validation_tables import headline
    from metaopt.trained import PAGE

    for line in headline(made):
        click.echo(line)
    say(f"{made.generated_name} is in {order.out}/; page: {order.out / PAGE}")
    if not plan.same_data:
        say("note: these are not the showers of the search; its trials may have seen test showers")
