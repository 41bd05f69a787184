"""What a pass of every final recipe of a study costs, alone and in turns with a reference.

    python benchmarks/recipes_cost.py results/course [--blocks 15] [--scenario plain] [--force]

Every recipe that finals were trained by is trained for some blocks of a CPU second's part, each
between two of the reference, SGD with batch 64 by the same engine with one thread. A block's ratio
is CPU seconds of an effective pass over the mean of the reference's before and after it. cost.json
beside the rows gets the median over the blocks and its quartiles, the reference's own seconds a
pass, the machine and the date; the tables take their seconds from there. A recipe that does the
reference's work has its ratio, 1. Cells that are in the file stay, if the machine is the same, so
that it can be stopped and go on. But where the reference took longer than it does at best, the
machine was slowed down, by neighbours perhaps, and that slows methods down unequally: such a cell
is measured again, and the calmer of both measurements stays.
"""

import argparse
import time
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from statistics import fmean, median, quantiles
from typing import Any

from lenetlab.openmp import wait_briefly

wait_briefly()

from timing import machine, per_pass

from lenetlab.disk import read_json, replace_json
from lenetlab.errors import UserError
from lenetlab.experiments.recipe.recall import recall
from lenetlab.experiments.recipe.recipe import Recipe, make_recipe
from lenetlab.experiments.run.in_memory import prepare
from lenetlab.experiments.run.runtime import Runtime
from lenetlab.experiments.run.training import Diverged, StepError, Training
from lenetlab.records.cells import Cell
from lenetlab.records.costs import COST, key
from lenetlab.records.rows import read_results

BLOCK = 0.2  # CPU seconds
SLOWED = 1.15  # times the least seconds of the reference, from where a cell is measured again
REFERENCE = "sgd, batch 64"
# The parts of a recipe that decide what a pass of it asks for and computes.
WORK = ("method", "plan", "wrappers", "constraint", "problem", "augmentation")


class Course:
    """A training that begins anew where its budget ends."""

    def __init__(self, recipe: Recipe, runtime: Runtime) -> None:
        self._recipe, self._runtime = recipe, runtime
        self._training = self._begun()

    def _begun(self) -> Training:
        return prepare(self._recipe, 0, self._runtime).training()

    def block(self) -> float:
        """CPU seconds of an effective pass, from a block of whole steps."""
        if self._training.oracle.ledger.passes >= self._recipe.budget.amount:
            self._training = self._begun()
        return per_pass(self._training, time.process_time, BLOCK)


def ratio(cell: Cell, runtime: Runtime, reference: Course, blocks: int) -> dict[str, Any]:
    """A cell's entry; the reference's seconds of a pass are appended to the blocks' own list."""
    recipe = recall(cell.finals[0].recipe)
    found, theirs = [1.0] * 2, [reference.block()]
    if not same_work(recipe):
        course = Course(recipe, runtime)
        course.block()  # what is built or compiled at the first step is no part of a pass
        found, theirs = [], [reference.block()]
        for _ in range(blocks):
            own = course.block()
            theirs.append(reference.block())
            found.append(own / fmean(theirs[-2:]))
    low, _, high = quantiles(found, n=4, method="inclusive")
    place = dict(zip(("method", "scenario", "rules", "variant"), key(cell.place), strict=True))
    return {**place, "ratio": round(median(found), 4), "low": round(low, 4),
            "high": round(high, 4), "reference_seconds": round(median(theirs), 5)}  # fmt: skip


def steady(cells: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those whose reference was not slowed down."""
    least = min((one["reference_seconds"] for one in cells), default=0.0)
    return [one for one in cells if one["reference_seconds"] < SLOWED * least]


def calmest(cells: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Of each cell the measurement whose reference was fastest."""
    found: dict[tuple[str, ...], Mapping[str, Any]] = {}
    for one in sorted(cells, key=lambda one: one["reference_seconds"]):
        found.setdefault(_key(one), one)
    return [found[place] for place in dict.fromkeys(map(_key, cells))]


def _key(one: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(one[name] for name in ("method", "scenario", "rules", "variant"))


def same_work(recipe: Recipe) -> bool:
    """Whether a pass of it asks for what the reference's does, whatever the rate."""
    same = make_recipe("sgd", {"lr": recipe.method.settings.get("lr", 0.1)}, batch_size=64)
    return all(getattr(recipe, part) == getattr(same, part) for part in WORK)


def main() -> None:
    """Measure, and write after every cell."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--blocks", type=int, default=15)
    parser.add_argument("--scenario")
    parser.add_argument("--force", action="store_true")
    given = parser.parse_args()
    if given.blocks < 5:
        parser.error("a median needs 5 blocks or more")
    where = machine(parser, given.force).partition(", load")[0]
    results, path = read_results(given.folder), given.folder / COST
    before = read_json(path) if path.exists() else {}
    cells = before.get("cells", []) if before.get("machine") == where else []
    known = {_key(one) for one in steady(cells)}
    runtime = Runtime(threads=1)
    reference = Course(make_recipe("sgd", {}, batch_size=64, passes=results.passes), runtime)
    reference.block()
    for cell in results.cells:
        if not cell.finals or key(cell.place) in known:
            continue
        if given.scenario not in (None, cell.place.scenario):
            continue
        try:
            entry = ratio(cell, runtime, reference, given.blocks)
        except (Diverged, StepError, UserError) as error:
            print(f"{cell.place.name} in {cell.place.scenario}: not measured, {error}", flush=True)
            continue
        cells = calmest([*cells, entry])
        name = f"{cell.place.name} in {cell.place.scenario}"
        print(f"{name:<36} {entry['ratio']:8.2f} ({entry['low']:.2f} to {entry['high']:.2f})",
              flush=True)  # fmt: skip
        replace_json(path, {
            "machine": where, "date": date.today().isoformat(), "reference": REFERENCE,
            "seconds": median(one["reference_seconds"] for one in cells), "cells": cells,
        })  # fmt: skip


if __name__ == "__main__":
    main()
