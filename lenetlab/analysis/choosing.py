"""How the leader of a leaderboard was chosen: what held-out images said of each method."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from lenetlab.records.cells import Cell, RunRow
from lenetlab.records.selection import leader


@dataclass(frozen=True)
class Stage:
    """The mean held-out accuracy of `n` runs, in percent; None where one of them failed."""

    mean: float | None
    n: int


@dataclass(frozen=True)
class Candidate:
    """A tuned method. None where there was no such stage.

    trial : the trial whose recipe the finals have. confirmed : that recipe run again.
    leading : and once more, since it was among the best.
    decided : all runs at full length that its place is by; the trial, where there are none.
    """

    cell: Cell
    trial: Stage
    confirmed: Stage | None
    leading: Stage | None
    decided: Stage


def candidates(cells: Sequence[Cell]) -> list[Candidate]:
    """The tuned methods of a leaderboard: the leader first, then those with most runs at full
    length, the best of them first."""
    first = leader(cells)
    found = [_candidate(cell) for cell in cells if cell.best is not None]
    return sorted(found, key=lambda one: (one.cell is not first, *_order(one)))


def _candidate(cell: Cell) -> Candidate:
    assert cell.best is not None
    again = cell.held_out if cell.confirmations else ()
    leading = _stage(cell.leading) if cell.leading else None
    confirmed = _stage(again) if again else None
    return Candidate(cell, _stage((cell.best,)), confirmed, leading, _stage(deciding(cell)))


def deciding(cell: Cell) -> Sequence[RunRow]:
    """The runs by which a tuned cell has its place: those at full length, the trial where there are
    none."""
    again = cell.held_out if cell.confirmations else ()
    return (*again, *cell.leading) or (() if cell.best is None else (cell.best,))


def _stage(rows: Sequence[RunRow]) -> Stage:
    known = [row.accuracy for row in rows if row.done and row.accuracy is not None]
    return Stage(fmean(known) if len(known) == len(rows) else None, len(rows))


def _order(one: Candidate) -> tuple[int, int, float]:
    stages = (one.leading is not None) + (one.confirmed is not None)
    return -stages, -one.decided.n, -(one.decided.mean or 0.0)
