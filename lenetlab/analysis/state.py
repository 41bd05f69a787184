"""How far a study is, from its rows: what is done, failed and left, the best, the time to come."""

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean

from lenetlab.results import Cell, Results, Row, leader


@dataclass(frozen=True)
class Standing:
    """A scenario under a rule set. `best` is by held-out images, None before the first trial."""

    scenario: str
    rules: str
    done: int
    failed: int
    left: int
    best: tuple[str, Row] | None


def standings(results: Results) -> list[Standing]:
    """The scenarios of a study in its order."""
    return [_standing(results, *where) for where in results.scenarios()]


def seconds_left(results: Results, workers: int) -> float | None:
    """Seconds until the last run ends; None where nothing tells how long a run takes.

    A cell's runs are taken to cost what its runs so far cost per effective pass, a cell without
    any what those of all cells cost in the mean.
    """
    known = {cell.place: pace for cell in results.cells if (pace := _pace(cell)) is not None}
    if not known or workers < 1:
        return None
    usual = fmean(known.values())
    total = 0.0
    for cell in results.cells:
        trials, finals = _left(results, cell)
        passes = trials * results.tuning_passes + finals * results.passes
        total += passes * known.get(cell.place, usual)
    return total / workers


def failures(cells: Iterable[Cell]) -> list[tuple[Cell, Row]]:
    """The failed runs of `cells`, in their order, a cell's latest first."""
    return [
        (cell, row)
        for cell in cells
        for row in reversed((*cell.trials, *cell.finals))
        if not row.done
    ]


def _standing(results: Results, scenario: str, rules: str) -> Standing:
    cells = results.within(scenario, rules)
    rows = [row for cell in cells for row in (*cell.trials, *cell.finals)]
    done = sum(row.done for row in rows)
    left = sum(sum(_left(results, cell)) for cell in cells)
    first = leader(cells)
    best = (first.place.name, first.best) if first is not None and first.best else None
    return Standing(scenario, rules, done, len(rows) - done, left, best)


def _left(results: Results, cell: Cell) -> tuple[int, int]:
    """Trials and finals to come. A cell with finals alone is not tuned; one whose trials have all
    failed gets no finals."""
    untuned = bool(cell.finals) and not cell.trials
    trials = 0 if untuned else max(results.trials - len(cell.trials), 0)
    hopeless = bool(cell.trials) and trials == 0 and cell.best is None
    finals = 0 if hopeless else max(results.seeds - len(cell.finals), 0)
    return trials, finals


def _pace(cell: Cell) -> float | None:
    """Seconds per effective pass, measuring included; None without a finished run."""
    rows = [row for row in (*cell.trials, *cell.finals) if row.done and row.passes > 0]
    passes = sum(row.passes for row in rows)
    return sum(row.train_seconds + row.apart_seconds for row in rows) / passes if rows else None
