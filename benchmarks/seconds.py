"""The fewest seconds on this machine to the targets: training alone, and a whole process.

    python benchmarks/seconds.py [--threads 2] [--seeds 10] [--json FILE] [--force]

Candidates are the recipes that the committed studies, steps of the ladder and record boards
confirmed on held-out images, `MARGIN` points above the target or more, since those images are a
little easier than the test's. The cheapest of them by their rows' CPU seconds are timed here, in
turns; the fastest is trained with seeds that no search had, and its accuracies on the test set are
tested against the target by the record rule. Then the same is given to the shell, `lenetlab
run` from its start to its end. On a busy machine nothing is measured.
"""

import argparse
import shlex
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median
from typing import Any

from lenetlab.openmp import wait_briefly

wait_briefly()

from rich.console import Console
from rich.table import Table
from timing import LENETLAB, machine, per_pass, process_seconds

from lenetlab.analysis.record import records
from lenetlab.disk import replace_json
from lenetlab.experiments.recipe.recall import recall
from lenetlab.experiments.recipe.recipe import Recipe
from lenetlab.experiments.run.in_memory import compute, prepare
from lenetlab.experiments.run.runtime import Runtime
from lenetlab.records.cells import Cell
from lenetlab.records.recipe import RecordedRecipe
from lenetlab.records.rows import STUDY, read_results

RESULTS = Path(__file__).parents[1] / "results"
TARGETS = (89.38, 90.24, 91.0, 91.5)
MARGIN = 0.3  # points
TIMED = 6  # candidates of a target
FIRST_SEED = 300
BLOCK = 0.5  # seconds
PROCESSES = 3


@dataclass(frozen=True)
class Candidate:
    """A recipe that was confirmed: by which study, how well, and roughly at what cost."""

    study: str
    cell: Cell
    held_out: float
    cpu_seconds: float

    @property
    def recipe(self) -> Recipe:
        """What its finals were trained by."""
        return recall(self.cell.finals[0].recipe)


def candidates() -> Iterator[Candidate]:
    """All that was confirmed on all weights, by the training images as they are."""
    for file in sorted(RESULTS.glob(f"**/{STUDY}")):
        for cell in read_results(file.parent).cells:
            place, done = cell.place, [row for row in cell.finals if row.done]
            if place.scenario not in ("plain", "l2") or place.rules != "strict" or not done:
                continue
            if not cell.confirmations:
                continue
            yield Candidate(
                file.parent.name,
                cell,
                fmean(row.accuracy for row in cell.held_out if row.accuracy is not None),
                median(row.cpu_seconds for row in done if row.cpu_seconds is not None),
            )


def seconds_of(recipe: Recipe, runtime: Runtime) -> float:
    """Of the whole training, from a block of whole steps."""
    training = prepare(recipe, FIRST_SEED, runtime).training()
    training.step()
    amount = recipe.budget.amount
    return per_pass(training, time.perf_counter, BLOCK, amount - 0.1) * amount


def fastest(found: list[Candidate], target: float, runtime: Runtime) -> Candidate | None:
    """Of those that are good enough on held-out images."""
    able = sorted((one for one in found if one.held_out >= target + MARGIN),
                  key=lambda one: one.cpu_seconds)[:TIMED]  # fmt: skip
    timed = [(min(seconds_of(one.recipe, runtime) for _ in range(2)), one) for one in able]
    for seconds, one in timed:
        print(f"{target:g} %: {one.cell.place.name} in {one.cell.place.where} of {one.study}, "
              f"{one.held_out:.2f} % held out, {seconds:.2f} s", flush=True)  # fmt: skip
    return min(timed, key=lambda pair: pair[0], default=(0.0, None))[1]


def command_seconds(recipe: Recipe, threads: int) -> float:
    """Of `lenetlab run`, from the shell, the median of a few."""
    _, *words = shlex.split(RecordedRecipe.read(recipe.canonical()).command(FIRST_SEED))
    command = [LENETLAB, *words, "--threads", str(threads)]
    return median(process_seconds(command)[0] for _ in range(PROCESSES))


def measured(one: Candidate, target: float, given: Any, runtime: Runtime) -> dict[str, Any]:
    """Seconds, and accuracies by fresh seeds."""
    seeds = range(FIRST_SEED, FIRST_SEED + given.seeds)
    runs = [compute(one.recipe, seed, runtime, eval_at=[]) for seed in seeds]
    accuracies = [run.result.accuracy for run in runs if run.result.accuracy is not None]
    (verdict,) = records([(accuracies, len(runs) - len(accuracies))], target)
    return {
        "target": target, "method": one.cell.place.name, "scenario": one.cell.place.where,
        "study": one.study, "passes": one.recipe.budget.amount, "held_out": one.held_out,
        "recipe": one.recipe.canonical(), "seeds": len(accuracies), "mean": verdict.mean,
        "bound": verdict.bound, "outcome": verdict.outcome,
        "train_seconds": median(run.machine["train_seconds"] for run in runs),
        "process_seconds": command_seconds(one.recipe, given.threads),
    }  # fmt: skip


def main() -> None:
    """Print a table, and write it where it is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--force", action="store_true")
    given = parser.parse_args()
    where = machine(parser, given.force)
    runtime, found, lines = Runtime(threads=given.threads), list(candidates()), []
    for target in TARGETS:
        if (one := fastest(found, target, runtime)) is None:
            print(f"{target:g} %: nothing was {MARGIN:g} points above it on held-out images")
            continue
        lines.append(measured(one, target, given, runtime))
    table = Table("target, %", "who", "passes", "mean, %", "one-sided", "outcome", "training, s",
                  "whole process, s", title=f"{where}; {given.threads} threads")  # fmt: skip
    for line in lines:
        table.add_row(f"{line['target']:g}", f"{line['method']} in {line['scenario']}",
                      f"{line['passes']:g}", f"{line['mean']:.2f}", f"> {line['bound']:.2f}",
                      line["outcome"], f"{line['train_seconds']:.2f}",
                      f"{line['process_seconds']:.2f}")  # fmt: skip
    Console(width=120).print(table)
    if given.json:
        replace_json(given.json, {"machine": where, "threads": given.threads, "targets": lines})


if __name__ == "__main__":
    main()
