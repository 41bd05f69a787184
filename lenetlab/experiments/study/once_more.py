"""A recorded final trained once more, alone: for its seconds, for its folder, and for its bits."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass

from lenetlab.experiments.recipe.recall import recall
from lenetlab.experiments.run.on_disk import execute
from lenetlab.experiments.run.repeat import without_data
from lenetlab.experiments.run.runtime import Runtime
from lenetlab.experiments.study.entered import Entered
from lenetlab.experiments.study.model import eval_points
from lenetlab.experiments.study.worker import runtime_of
from lenetlab.records.cells import Cell, RunRow
from lenetlab.records.challenge import RUNS
from lenetlab.records.finished import Result
from lenetlab.records.run_folder import Run


@dataclass(frozen=True)
class Once:
    """A final trained once more by itself. run : None where there was none to train; remark : how
    it ended otherwise."""

    run: Run | None = None
    remark: str | None = None

    @property
    def whole(self) -> Run | None:
        """The run, where it has figures."""
        return self.run if self.run is not None and self.run.result.done else None


@dataclass(frozen=True)
class TrainedOnce:
    """Of the guest and of the leader, the final of the first seed that has figures."""

    guest: Once
    leader: Once


def train_once(
    found: Entered, limit: float | None, say: Callable[[str], object]
) -> list[TrainedOnce]:
    """Train a final of every cell once more, one run after the other, into run folders; `say` is
    told before each."""
    folder = found.folder / RUNS
    runtime = without_data(runtime_of(found.setup), folder)
    trained = [TrainedOnce(*(_once(cell, runtime, limit, say) for cell in pair))
               for pair in found.pairs]  # fmt: skip
    runs = (once.run for one in trained for once in (one.guest, one.leader))
    kept = {run.path.name for run in runs if run is not None}
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.is_dir() and path.name not in kept:  # of a recipe that is no longer the one
            shutil.rmtree(path)
    return trained


def _once(cell: Cell, runtime: Runtime, limit: float | None, say: Callable[[str], object]) -> Once:
    done = [row for row in cell.finals if row.done]
    if not done:
        return Once()
    row = min(done, key=lambda row: row.seed)
    said = f"seed {row.seed} of {cell.place.name}"
    say(f"{said} in {cell.place.scenario}, by itself")
    run = once_more(row, runtime, limit)
    if not run.result.done:
        return Once(run, f"{said}, trained a second time, ended as {run.status}: "
                         f"{run.result.reason}")  # fmt: skip
    if run.result != Result.read(vars(row)):
        return Once(run, f"{said}, trained a second time, has other figures: it is not "
                         "deterministic")  # fmt: skip
    return Once(run)


def once_more(row: RunRow, runtime: Runtime, limit: float | None = None) -> Run:
    """A recorded final trained here, alone: for its seconds, and for the folder that is left."""
    recipe = recall(row.recipe)
    return execute(recipe, row.seed, runtime, eval_points(recipe.budget.amount), limit=limit)
