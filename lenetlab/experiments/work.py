"""What a worker process does: one task after the other, on a bench that is loaded once."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from lenetlab import records
from lenetlab.errors import UserError
from lenetlab.experiments.bench import Bench
from lenetlab.experiments.compute import compute
from lenetlab.experiments.study import Task
from lenetlab.problem.model import state_dict
from lenetlab.results import Row, row_of


@dataclass(frozen=True)
class Setup:
    """By what a worker computes; `threads` of one run's engine."""

    data: Path | None = None
    engine: str = "auto"
    device: str = "auto"
    threads: int = 1


class Unfit(UserError):
    """A worker that computes other bits than were planned."""


@dataclass(frozen=True)
class Output:
    """What a worker gives back: a row, and the weights as a safetensors file where kept."""

    row: Row
    weights: bytes | None = None


@cache
def bench_of(setup: Setup) -> Bench:
    """The bench of this process."""
    return Bench(setup.data, engine=setup.engine, device=setup.device, threads=setup.threads)


def work(task: Task, setup: Setup) -> Output:
    """Compute one task in this process. Raises `Unfit` where this worker gives other bits than
    the coordinator planned with."""
    return work_on(task, bench_of(setup))


def work_on(task: Task, bench: Bench) -> Output:
    """Compute one task on a bench."""
    found = compute(task.recipe, task.seed, bench, task.looks, task.limit)
    if task.id and found.identity["id"] != task.id:
        raise Unfit(
            f"this worker would compute run {found.identity['id']}, {task.id} was planned; give "
            "workers the same lenetlab, torch, data and processor kind as the coordinator"
        )
    run = records.Run(Path(), found.identity, found.result, found.curve, found.machine)
    weights = None
    if task.keep and found.weights is not None:
        from safetensors.torch import save

        weights = save({name: w.cpu() for name, w in state_dict(found.weights).items()})
    return Output(row_of(run, task.role, task.number), weights)
