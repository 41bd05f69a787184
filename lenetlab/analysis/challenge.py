"""A guest among the methods of a study: better than which, by how much, how surely, at what cost.

Against the leader there is one test, fixed on held-out images before the test set was used: nothing
to correct for. Runs of one seed begin at the same weights and see the data in the same order, so
they are compared in pairs, on whichever machine each was made: rounding parts their bits and not
what they have in common. Against all methods of the leaderboard the comparison is a board's
(comparison.py), with the guest as its reference: corrected by Holm's rule, intervals that hold
together.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Literal

from lenetlab.analysis.as_json import as_json
from lenetlab.analysis.board import Board, Line, Metric, Standing, board, by_seed
from lenetlab.analysis.comparison import compare, side
from lenetlab.analysis.cost import Cost, cost
from lenetlab.analysis.intervals import Summary, median_interval
from lenetlab.analysis.record import RecordVerdict
from lenetlab.analysis.speed import durations
from lenetlab.analysis.targets import TARGETS, Target
from lenetlab.records.cells import Cell, Results, RunRow
from lenetlab.records.contest import Contest
from lenetlab.records.selection import leader as leader_of

# What is the same for all methods on one machine; versions of a method are its own affair.
COMMON = ("engine", "torch", "capability", "device", "threads", "kernel", "accelerator", "prices",
          "part_versions")  # fmt: skip
Answer = Literal["better", "tied", "borderline", "worse", "not compared"]
# A resident behind the guest is one that the guest is better than.
ANSWERS: dict[Standing, Answer] = {"behind": "better", "tied": "tied", "ahead": "worse",
                                   "borderline": "borderline"}  # fmt: skip


@dataclass(frozen=True)
class Effect:
    """The guest's mean minus another's, with its interval and two-sided p (for residents after
    Holm's correction) of `n` seeds."""

    mean: float
    low: float
    high: float
    p: float
    n: int


@dataclass(frozen=True)
class Resident:
    """A method of the study: whether the guest is `better`, `tied`, `borderline` (Holm's test finds
    a difference, the interval has 0 in it) or `worse`; or why they are not compared."""

    name: str
    answer: Answer
    effect: Effect | None
    reason: str | None


@dataclass(frozen=True)
class Middle:
    """The median over seeds of what was spent until a target, with its interval. None for a median
    that half of the runs or more never came to, for an interval of fewer than six seeds, and for
    an upper end that lies among the runs that never did."""

    median: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Arrival:
    """Runs on the way to a target: how many there are, how many `reached` it, at what expense."""

    runs: int
    reached: int
    passes: Middle
    cpu_seconds: Middle


@dataclass(frozen=True)
class ToTarget:
    """The guest and the leader on the way to a target."""

    target: Target
    guest: Arrival
    leader: Arrival


@dataclass(frozen=True)
class Figures:
    """What one of the two came to: on the test set, on held-out images (by which its recipe was
    chosen), and what that cost."""

    name: str
    accuracy: Summary | None
    loss: Summary | None
    held_out: float | None
    tuning: Cost | None
    finals: Cost | None
    words: str | None


@dataclass(frozen=True)
class Challenge:
    """What came of it. An effect is None where it cannot be tested (`untested` says why).

    leads : whether held-out images would make the guest the leader; None where its search was not
    the study's. failures : finals of the guest without figures, of `runs`.
    """

    scenario: str
    guest: Figures
    leader: Figures
    accuracy: Effect | None
    loss: Effect | None
    untested: str | None
    leads: bool | None
    residents: tuple[Resident, ...]
    runs: int
    failures: tuple[str, ...]
    reached: tuple[ToTarget, ...]
    records: tuple[RecordVerdict, ...]

    @property
    def verdict(self) -> str:
        """`better`, `worse`, `no difference found` or `not tested`, to the leader by accuracy."""
        if self.accuracy is None:
            return "not tested"
        found = side(self.accuracy.low, self.accuracy.high, self.accuracy.p)
        return {"above": "better", "below": "worse"}.get(found, "no difference found")

    def answered(self, answer: Answer) -> list[Resident]:
        """The residents with that answer."""
        return [one for one in self.residents if one.answer == answer]


def challenge(results: Results, contest: Contest, guest: str, leader: str) -> Challenge:
    """The method `guest` of `results` against `leader` and all others of the leaderboard."""
    found = board(results, contest, against=guest)
    lines = {line.name: line for line in found.lines}
    new, first = lines[guest], lines[leader]
    untested = _untested(new.cell, first.cell)
    return Challenge(
        scenario=contest.scenario,
        guest=_figures(new),
        leader=_figures(first),
        accuracy=None if untested else _effect(new.cell, first.cell, "accuracy"),
        loss=None if untested else _effect(new.cell, first.cell, "loss"),
        untested=untested,
        leads=_leads(found, new.cell, first.cell),
        residents=tuple(_resident(line) for line in found.lines if line is not new and line.runs),
        runs=new.runs,
        failures=new.failures,
        reached=tuple(map(ToTarget, TARGETS, arrivals(new.cell), arrivals(first.cell))),
        records=new.records,
    )


def answer(challenge: Challenge) -> dict[str, Any]:
    """A challenge as plain values, as challenge.json has it."""
    plain: dict[str, Any] = as_json(challenge)
    return {"verdict": challenge.verdict, **plain}


def arrivals(cell: Cell) -> list[Arrival]:
    """The finals of a cell on the way to every target."""
    return [
        Arrival(
            runs=len(taken["passes"]),
            reached=sum(map(math.isfinite, taken["passes"].values())),
            passes=_middle(list(taken["passes"].values())),
            cpu_seconds=_middle(list(taken["cpu_seconds"].values())),
        )
        for taken in durations(cell.finals)
    ]


def _middle(values: Sequence[float]) -> Middle:
    if not values:
        return Middle(None, None, None)
    interval = median_interval(values)
    ends = (None, None) if interval is None else (interval.low, interval.high)
    return Middle(*(_finite(value) for value in (median(values), *ends)))


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _figures(line: Line) -> Figures:
    rows = line.cell.finals
    return Figures(line.name, line.accuracy, line.loss, line.held_out, line.tuning, cost(rows),
                   line.words)  # fmt: skip


def _leads(board: Board, guest: Cell, first: Cell) -> bool | None:
    """By the study's own rule, where the guest was searched at the leader's price."""
    prices = [sorted(row.recorded.budget for row in cell.trials) for cell in (guest, first)]
    if not guest.trials or prices[0] != prices[1]:
        return None
    return leader_of([line.cell for line in board.lines]) is guest


def _resident(line: Line) -> Resident:
    d, answer = line.difference, ANSWERS.get(line.standing, "not compared")
    effect = None if d is None else Effect(-d.mean, -d.high, -d.low, d.adjusted, d.n)
    return Resident(line.name, answer, effect, line.reason)


def _untested(new: Cell, leader: Cell) -> str | None:
    for cell in (new, leader):
        failed = sum(not row.done for row in cell.finals)
        if failed:
            return f"{failed} of {len(cell.finals)} finals of {cell.place.name} failed"
        if len(cell.finals) < 2:
            return f"{cell.place.name} has {len(cell.finals)} finals; two are needed"
    if len(by_seed(new, "accuracy").keys() & by_seed(leader, "accuracy").keys()) < 2:
        return f"{new.place.name} and {leader.place.name} have no two seeds in common"
    return None


def _effect(mine: Cell, theirs: Cell, metric: Metric) -> Effect | None:
    found = compare(by_seed(theirs, metric), [by_seed(mine, metric)])[0]
    if found is None:
        return None
    return Effect(found.mean, found.low, found.high, found.p, found.n)


def common_numerics(row: RunRow) -> tuple[str, ...]:
    """What of a row's numerics is the same for all methods on one machine."""
    return tuple(str(row.numerics.get(key)) for key in COMMON)
