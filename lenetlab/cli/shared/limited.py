"""`lenetlab run --limit`: trainings in a process of their own, which can be ended.

A step that never comes back, or code that ends its process, is beyond the reach of the process it
runs in. The worker trains, records and shows its progress; here it is watched, and what it can no
longer record is recorded.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import typer

from lenetlab.cli.shared.execute import execute_one
from lenetlab.cli.terminal.progress_bar import meter
from lenetlab.errors import Interrupted
from lenetlab.experiments.jobs import Job
from lenetlab.experiments.recipe.recipe import Recipe
from lenetlab.experiments.run.in_memory import prepare
from lenetlab.experiments.run.on_disk import give_up
from lenetlab.experiments.run.repeat import without_data
from lenetlab.experiments.run.runtime import Runtime
from lenetlab.experiments.study.executors import GRACE, OverLimit, TaskError, WorkerDied
from lenetlab.experiments.study.executors.local import Worker
from lenetlab.records import run_folder


@dataclass(frozen=True)
class _Setup:
    """How the worker trains."""

    runtime: Runtime
    quiet: bool
    tensorboard: Path | None
    limit: float
    inspect: bool


def execute_limited(
    todo: list[Job],
    runtime: Runtime,
    quiet: bool,
    tensorboard: Path | None,
    limit: float,
    inspect: bool = False,
) -> list[tuple[Job, run_folder.Run]]:
    """Compute the runs one after the other, each for `limit` seconds; one that does not stop by
    itself is ended."""
    setup = _Setup(without_data(runtime), quiet, tensorboard, limit, inspect)
    worker = Worker(_train, setup)
    results = []
    try:
        for number, job in enumerate(todo, 1):
            label = f"[{number}/{len(todo)}] {job.label}, seed {job.seed}"
            with _passing_on(worker) as received:
                try:
                    worker.compute(job.recipe, None)  # the data is no part of a training
                    if received:
                        raise typer.Exit(128 + received[0])
                    ended = worker.compute((job, label if len(todo) > 1 else job.label),
                                           limit + GRACE)  # fmt: skip
                    if isinstance(ended, Interrupted):
                        raise ended
                    found = run_folder.read_run(ended)
                except (OverLimit, TaskError, WorkerDied) as error:
                    worker.end()
                    if received:
                        raise typer.Exit(128 + received[0]) from None
                    over = isinstance(error, OverLimit)
                    status = "timeout" if over else "error"
                    said = f"over its limit of {limit:g} s: " if over else ""
                    run = prepare(job.recipe, job.seed, runtime)
                    found = give_up(run, status, f"{said}{error}")
                    worker = Worker(_train, setup)
            results.append((job, found))
            if received:  # while there was nothing to interrupt
                raise typer.Exit(128 + received[0])
    finally:
        worker.end()
    return results


def _train(order: tuple[Job, str] | Recipe, setup: _Setup) -> Path | Interrupted | None:
    """What the worker does: loads the data of a recipe, or trains and says where the run is."""
    if isinstance(order, Recipe):
        setup.runtime.load(order.split, order.problem)
        return None
    job, label = order
    with meter(1, setup.quiet) as shown:
        shown.begin(label, job.recipe.budget, job.recipe.split == "inner")
        try:
            found = execute_one(
                job, setup.runtime, shown, setup.tensorboard, setup.limit, setup.inspect
            )
        except Interrupted as stop:
            return stop
    return found.path


@contextmanager
def _passing_on(worker: Worker) -> Iterator[list[int]]:
    """Pass SIGINT and SIGTERM on to the worker, which saves and answers; the second one ends it."""
    received: list[int] = []

    def note(number: int, frame: object) -> None:
        received.append(number)
        if len(received) == 1:
            worker.signal(number)
        else:
            worker.kill()

    numbers = (signal.SIGINT, signal.SIGTERM)
    previous = {number: signal.signal(number, note) for number in numbers}
    try:
        yield received
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
