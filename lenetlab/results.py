"""The results of a study: one row a run, in text that can be read, compared and kept in git.

    study.json                  what was planned: title, tuning, seeds, passes, and every cell
    <scenario>/<cell>.jsonl     a cell's runs, one line each: trials by number, then finals by seed

A *cell* is a method in a scenario. Its *trials* are scored on held-out training images; its
*finals* are trained on all images by the recipe of the best trial, and measured on the test set.
Lines are in a fixed order with fixed keys, so that the same runs give the same bytes. Reading
needs no torch.
"""

import gc
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import orjson

from lenetlab.errors import UserError
from lenetlab.records import Run, read_json, replace_bytes, replace_json

FORMAT = 1
STUDY = "study.json"
TRIAL, FINAL = "trial", "final"


@dataclass(frozen=True)
class Place:
    """Where a cell stands in its study. `method` has its wrappers around it, as in `ema+sgd`;
    `variant` tells cells apart that differ in settings which were given, not tuned."""

    method: str
    family: str
    scenario: str
    rules: str = "strict"
    variant: str = ""

    @property
    def name(self) -> str:
        """What a person calls it within its scenario."""
        return f"{self.method}, {self.variant}" if self.variant else self.method


@dataclass(frozen=True)
class Row:
    """One run. Figures that do not exist are None, never 0.

    role, number : `trial` and its number from 0, or `final` and its seed.
    recipe : canonical, without what is at its default.
    accuracy : percent of the test images, of the held-out images in a trial; correct : their count.
    loss : the true mean cross-entropy, in nats; starter_average_loss : what the script prints.
    nonzeros : of the 40,800 weights of fc1 and fc2.
    looks : measurements in order, each with at, passes, epochs, steps, gradients, accuracy, loss,
        nonzeros, seconds and cpu_seconds (training so far).
    train_seconds, cpu_seconds, apart_seconds : of training; of training, by all threads; of
        measuring and saving, in neither of the others.
    bill : counts of the ledger. passes, epochs, steps : where the run ended. Of a run that was
        killed from outside nothing of this is known.
    """

    role: str
    number: int
    id: str
    status: str
    reason: str | None
    label: str
    recipe: Mapping[str, Any]
    seed: int
    accuracy: float | None
    loss: float | None
    starter_average_loss: float | None
    correct: int | None
    nonzeros: int | None
    passes: float | None
    epochs: float | None
    steps: int | None
    bill: Mapping[str, int] | None
    train_seconds: float | None
    cpu_seconds: float | None
    apart_seconds: float | None
    peak_memory_mb: float | None
    looks: Sequence[Mapping[str, Any]]
    numerics: Mapping[str, Any]
    machine: Mapping[str, Any]

    @property
    def done(self) -> bool:
        """Whether it has figures."""
        return self.status == "done"


@dataclass(frozen=True)
class Cell:
    """A method in a scenario: its trials by number, its finals by seed."""

    place: Place
    trials: tuple[Row, ...] = ()
    finals: tuple[Row, ...] = ()

    @property
    def begun(self) -> bool:
        """Whether it has a run."""
        return bool(self.trials or self.finals)

    @property
    def best(self) -> Row | None:
        """The trial whose recipe the finals have; None if none is done."""
        return best_trial(self.trials)


@dataclass(frozen=True)
class Results:
    """A study's cells, in the order of its file, those without a run included.

    trials, tuning_passes : of every tuned cell; 0 where nothing was tuned.
    seeds, passes : planned for the finals of every cell.
    """

    name: str
    title: str
    trials: int
    tuning_passes: float
    seeds: int
    passes: float
    cells: tuple[Cell, ...] = field(default_factory=tuple)

    def scenarios(self) -> list[tuple[str, str]]:
        """Scenario and rule set of the cells, in the order in which they first occur."""
        return list(dict.fromkeys((c.place.scenario, c.place.rules) for c in self.cells))

    def begun(self) -> list[Cell]:
        """The cells that have a run; all of them if none has."""
        return [cell for cell in self.cells if cell.begun] or list(self.cells)

    def within(self, scenario: str, rules: str = "strict") -> list[Cell]:
        """The cells of one leaderboard."""
        return [c for c in self.cells if (c.place.scenario, c.place.rules) == (scenario, rules)]


def best_trial(trials: Iterable[Row]) -> Row | None:
    """The done trial with the highest accuracy on the held-out images; between equals the lower
    loss, then the lower number. The test set has no part in it."""
    done = [row for row in trials if row.done]
    return min(done, key=lambda row: standing(row.accuracy, row.loss, row.number), default=None)


def standing(accuracy: float | None, loss: float | None, number: int) -> tuple[float, float, int]:
    """What trials that are done are ordered by, the best first."""
    assert accuracy is not None
    assert loss is not None
    return -accuracy, loss, number


def leader(cells: Iterable[Cell]) -> Cell | None:
    """The cell whose best trial is best of all: fixed on held-out images, before the test."""
    tuned = [(cell, best) for cell in cells if (best := cell.best) is not None]
    return min(
        tuned,
        key=lambda pair: standing(pair[1].accuracy, pair[1].loss, 0),
        default=(None, None),
    )[0]


def total(values: Iterable[float | None]) -> float | None:
    """The sum; None if one of the values is not known."""
    known = list(values)
    return None if None in known else sum(value for value in known if value is not None)


LOOK = ("at", "passes", "epochs", "steps", "gradients", "accuracy", "loss", "nonzeros")
MACHINE = ("lenetlab", "python", "system", "processor", "cores", "threads", "git")


def row_of(run: Run, role: str, number: int) -> Row:
    """A recorded run as a row."""
    result, machine = run.result, run.machine
    looks = [
        {key: look.get(key) for key in LOOK}
        | {"seconds": round(look["seconds"], 4), "cpu_seconds": round(look["cpu_seconds"], 4)}
        for look in run.looks
    ]
    return Row(
        role=role,
        number=number,
        id=run.identity["id"],
        status=run.status,
        reason=result["reason"],
        label=run.label,
        recipe=run.identity["recipe"],
        seed=run.seed,
        accuracy=result["final"]["accuracy"],
        loss=result["final"]["loss"],
        starter_average_loss=result["final"]["starter_average_loss"],
        correct=result["final"]["correct"],
        nonzeros=result["nonzeros"],
        passes=result["passes"],
        epochs=result["epochs"],
        steps=result["steps"],
        bill=result["bill"],
        train_seconds=round(machine["train_seconds"], 4),
        cpu_seconds=round(machine["cpu_seconds"], 4),
        apart_seconds=round(machine["apart_seconds"], 4),
        peak_memory_mb=round(machine["peak_memory_mb"], 1),
        looks=looks,
        numerics=run.identity["numerics"],
        machine={key: machine.get(key) for key in MACHINE},
    )


def write_results(folder: Path, results: Results) -> None:
    """Write `results` into `folder`, each file atomically; files of cells that are not (or no
    longer) among them are left alone."""
    folder.mkdir(parents=True, exist_ok=True)
    for cell in results.cells:
        write_cell(folder, cell)
    plan = {f.name: getattr(results, f.name) for f in fields(results) if f.name != "cells"}
    cells = [asdict(cell.place) for cell in results.cells]
    replace_json(folder / STUDY, {"format": FORMAT, **plan, "cells": cells})


def write_cell(folder: Path, cell: Cell) -> None:
    """Write one cell's lines; nothing for a cell without a run."""
    rows = [*sorted(cell.trials, key=_number), *sorted(cell.finals, key=_number)]
    if not rows:
        return
    lines = [json.dumps(asdict(row), ensure_ascii=False, allow_nan=False) for row in rows]
    path = cell_path(folder, cell.place)
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_bytes(path, ("\n".join(lines) + "\n").encode())


def _number(row: Row) -> int:
    return row.number


def cell_path(folder: Path, place: Place) -> Path:
    """The file of a cell."""
    name = re.sub(r"[^A-Za-z0-9_.+=-]+", "_", place.name).strip("._") or "cell"
    scenario = place.scenario if place.rules == "strict" else f"{place.scenario},{place.rules}"
    return folder / scenario / f"{name[:120]}.jsonl"


def read_results(folder: Path) -> Results:
    """The results in `folder`; `UserError` if there are none, or a line is broken."""
    plan = read_json(folder / STUDY)
    if plan.get("format") != FORMAT:
        raise UserError(
            f"{folder / STUDY} has format {plan.get('format')}, this version of lenetlab reads "
            f"format {FORMAT}; make it again with `lenetlab study`"
        )
    places = [Place(**place) for place in plan["cells"]]
    kept = {f.name: plan[f.name] for f in fields(Results) if f.name != "cells"}
    with _no_collection():
        return Results(**kept, cells=tuple(read_cell(folder, place) for place in places))


@contextmanager
def _no_collection() -> Iterator[None]:
    """Rows have no cycles: looking for some, again and again in all that were read so far, takes
    longer than reading."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def read_cell(folder: Path, place: Place) -> Cell:
    """A cell as far as it was computed."""
    path = cell_path(folder, place)
    rows = []
    if path.exists():
        for number, line in enumerate(path.read_bytes().splitlines(), start=1):
            try:
                rows.append(Row(**orjson.loads(line)))
            except (orjson.JSONDecodeError, TypeError) as error:
                raise UserError(
                    f"{path}:{number} is no row of results ({error}); restore the file, or delete "
                    "it and run the study again"
                ) from None
    return Cell(
        place,
        tuple(row for row in rows if row.role == TRIAL),
        tuple(row for row in rows if row.role == FINAL),
    )
