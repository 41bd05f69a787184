"""Seconds from costs that were measured apart, and who is how far at the same CPU time.

Passes leave out what a method computes by itself: Newton-Schulz steps, decompositions, updates.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, median
from typing import Any

from lenetlab.analysis.clocks import one_clock
from lenetlab.analysis.targets import counting
from lenetlab.records.cells import Cell, Results, RunRow
from lenetlab.records.costs import Costs

REFERENCE = "sgd"  # whose CPU time for its whole budget is the limit


def priced(results: Results, costs: Costs | None) -> Results:
    """`results` with the seconds of finals by `costs`: passes times the reference's seconds times
    the ratio. A cell that was not measured keeps its own, and is named."""
    if costs is None:
        return results
    cells = tuple(_priced(cell, costs) for cell in results.cells)
    return replace(results, cells=cells, timed=_timed(results, costs))


def _timed(results: Results, costs: Costs) -> str:
    """Where seconds are from."""
    without = [f"{cell.place.name} in {cell.place.where}" for cell in results.cells
               if cell.finals and costs.of(cell.place) is None]  # fmt: skip
    own = f" Of the runs themselves are those of {', '.join(without)}." if without else ""
    return (
        "Seconds of finals are CPU seconds of one thread: a pass of each recipe was measured "
        f"apart, in turns with that of {costs.reference}, and the ratio stands for "
        f"{costs.seconds:.3g} s a pass of it on {costs.machine} ({costs.date}). Those of searches "
        f"are of the runs themselves, beside whatever else was computed.{own}"
    )


def _priced(cell: Cell, costs: Costs) -> Cell:
    found = costs.of(cell.place)
    if found is None:
        return cell
    each = found.ratio * costs.seconds

    def at(passes: float | None) -> float | None:
        return None if passes is None else each * passes

    def row(given: RunRow) -> RunRow:
        evaluations = [
            {**evaluation, "seconds": at(evaluation["passes"]),
             "cpu_seconds": at(evaluation["passes"])}
            for evaluation in given.evaluations
        ]  # fmt: skip
        seconds = at(given.passes)
        return replace(given, evaluations=evaluations, train_seconds=seconds, cpu_seconds=seconds)

    return replace(cell, finals=tuple(map(row, cell.finals)))


@dataclass(frozen=True)
class AtTime:
    """A method when the time is up. accuracy : mean over seeds of the last measurement until then,
    in percent, and `by_seed` each; passes, seconds : the medians there. whole : whether it had come
    to the end of its budget."""

    name: str
    accuracy: float
    passes: float
    seconds: float
    whole: bool
    by_seed: Mapping[int, float]

    @property
    def seeds(self) -> int:
        """How many there are."""
        return len(self.by_seed)


def rate(cell: Cell) -> float | None:
    """CPU seconds of an effective pass, the median over the finals: single runs share their machine
    with others. None without a final that is done."""
    each = [row.cpu_seconds / row.passes for row in cell.finals
            if row.done and row.cpu_seconds and row.passes]  # fmt: skip
    return median(each) if each else None


def limit(cells: Sequence[Cell]) -> float | None:
    """CPU seconds that the reference takes for its whole budget; None without it."""
    found = _reference(cells)
    each = None if found is None else rate(found)
    if found is None or each is None:
        return None
    return each * median(row.passes for row in found.finals if row.done and row.passes)


def _reference(cells: Sequence[Cell]) -> Cell | None:
    return next((cell for cell in cells if cell.place.name == REFERENCE), None)


def at_equal_time(cells: Sequence[Cell], seconds: float) -> list[AtTime]:
    """Every method after `seconds` of CPU time, the best first; who has no measurement by then, a
    failed run, or the seconds of another engine than the reference, is left out. One that is left
    alone is compared with nobody: nothing. Under a constraint only measurements within the bound
    count."""
    reference = _reference(cells)
    timed = [cell for cell in cells if reference is None or one_clock(cell, reference)]
    found = [at for cell in timed if (at := _at(cell, seconds)) is not None]
    return sorted(found, key=lambda at: -at.accuracy) if len(found) > 1 else []


def _at(cell: Cell, seconds: float) -> AtTime | None:
    each = rate(cell)
    if each is None or not all(row.done for row in cell.finals):
        return None
    passes = seconds / each * (1 + 1e-9)
    lasts: dict[int, Mapping[str, Any]] = {}
    whole = True
    for row in cell.finals:
        until = [evaluation for evaluation in counting(row) if evaluation["passes"] <= passes]
        if not until:
            return None
        lasts[row.seed] = until[-1]
        whole &= until[-1] is row.evaluations[-1]
    by_seed = {seed: float(evaluation["accuracy"]) for seed, evaluation in lasts.items()}
    passes_there = median(float(evaluation["passes"]) for evaluation in lasts.values())
    return AtTime(
        cell.place.name, fmean(by_seed.values()), passes_there, each * passes_there, whole, by_seed
    )
