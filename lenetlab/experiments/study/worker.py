"""What a worker process does: one task after the other, with data and engine loaded once."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from lenetlab.errors import UserError
from lenetlab.experiments.run.in_memory import compute
from lenetlab.experiments.run.runtime import Runtime
from lenetlab.experiments.study.model import Task
from lenetlab.problem.model import weights_file
from lenetlab.records import run_folder
from lenetlab.records.cells import RunRow
from lenetlab.records.rows import row_of


@dataclass(frozen=True)
class Setup:
    """By what a worker computes; `threads` of one run's engine."""

    data: Path | None = None
    engine: str = "auto"
    device: str = "cpu"
    threads: int = 1


class Unfit(UserError):
    """A worker that cannot compute what was planned, whatever the method: its data is gone."""


class NumericsMismatch(Unfit):
    """A worker that computes other bits than were planned."""


@dataclass(frozen=True)
class Output:
    """What a worker gives back: a row, and the weights as a safetensors file where kept."""

    row: RunRow
    weights: bytes | None = None


@cache
def runtime_of(setup: Setup) -> Runtime:
    """The runtime of this process."""
    return Runtime(setup.data, engine=setup.engine, device=setup.device, threads=setup.threads)


def work(task: Task, setup: Setup) -> Output:
    """Compute one task in this process. Raises `Unfit` where this worker cannot,
    `NumericsMismatch` where it gives other bits than the coordinator planned with."""
    return work_on(task, runtime_for(task, setup))


def runtime_for(task: Task, setup: Setup) -> Runtime:
    """The runtime of this process, with the data of a task; that is no part of a run's time."""
    try:
        runtime = runtime_of(setup)
        runtime.load(task.recipe.split, task.recipe.problem)
    except UserError as error:
        raise Unfit(str(error)) from None
    return runtime


def work_on(task: Task, runtime: Runtime) -> Output:
    """Compute one task."""
    found = compute(task.recipe, task.seed, runtime, task.eval_at, task.limit)
    if task.id and found.identity["id"] != task.id:
        raise NumericsMismatch(
            f"this worker would compute run {found.identity['id']}, {task.id} was planned; give "
            "workers the same lenetlab, torch, data and processor kind as the coordinator"
        )
    run = run_folder.Run(Path(), found.identity, found.result, found.curve, found.machine)
    weights = None
    if task.save_weights and found.weights is not None:
        weights = weights_file(found.weights)
    return Output(row_of(run, task.role, task.number), weights)
