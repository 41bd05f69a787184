"""A new method against the leader of stored results: better, by how much, how sure, at what cost.

One test against one reference, fixed on held-out images before the test set was used: nothing
to correct for. With the same numerics record, runs of one seed begin at the same weights and see
the data in the same order, and are compared in pairs; else by Welch's test, as independent samples.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from scipy import stats

from lenetlab.analysis.comparison import compare
from lenetlab.analysis.intervals import LEVEL
from lenetlab.analysis.record import Verdict, record
from lenetlab.analysis.speed import Reached, durations, reached
from lenetlab.analysis.targets import TARGETS
from lenetlab.records.rows import Cell, RunRow

Metric = Literal["accuracy", "loss"]
# What is the same for all methods on one machine; versions of a method are its own affair.
COMMON = ("engine", "torch", "capability", "device", "threads", "kernel")


@dataclass(frozen=True)
class Effect:
    """The challenger's mean minus the leader's, with its interval and two-sided p."""

    mean: float
    low: float
    high: float
    p: float
    n: int


@dataclass(frozen=True)
class Challenge:
    """What came of it. An effect is None where it cannot be tested (`untested` says why).

    paired : by seed. better_than, of : how many stored methods have a lower mean, of how many.
    failures : finals of the challenger without figures, of `runs`.
    """

    leader: str
    paired: bool
    accuracy: Effect | None
    loss: Effect | None
    untested: str | None
    mean: float | None
    leader_mean: float | None
    better_than: int
    of: int
    runs: int
    failures: tuple[str, ...]
    reached: tuple[Reached, ...]
    records: tuple[Verdict, ...]

    @property
    def verdict(self) -> str:
        """`better`, `worse`, `no difference found` or `not tested`, by accuracy."""
        if self.accuracy is None:
            return "not tested"
        if self.accuracy.p > 1 - LEVEL:
            return "no difference found"
        return "better" if self.accuracy.mean > 0 else "worse"


def challenge(new: Cell, leader: Cell, stored: Sequence[Cell]) -> Challenge:
    """`new` against `leader`; `stored` are the other methods of the scenario, the leader too."""
    mine, theirs = _done(new), _done(leader)
    failures = tuple(f"seed {r.seed}: {r.status}, {r.reason}" for r in new.finals if not r.done)
    paired = bool(mine and theirs) and _numerics(mine) == _numerics(theirs)
    untested = _untested(new, leader)
    means = [fmean(_values(done, "accuracy")) for cell in stored if (done := _done(cell))]
    mean = fmean(_values(mine, "accuracy")) if mine else None
    return Challenge(
        leader=leader.place.name,
        paired=paired,
        accuracy=None if untested else _effect(mine, theirs, "accuracy", paired),
        loss=None if untested else _effect(mine, theirs, "loss", paired),
        untested=untested,
        mean=mean,
        leader_mean=fmean(_values(theirs, "accuracy")) if theirs else None,
        better_than=0 if mean is None else sum(mean > other for other in means),
        of=len(means),
        runs=len(new.finals),
        failures=failures,
        reached=reached(new.finals, durations(leader.finals)),
        records=tuple(
            record(_values(mine, "accuracy"), target.accuracy, len(failures)) for target in TARGETS
        ),
    )


def _untested(new: Cell, leader: Cell) -> str | None:
    for cell in (new, leader):
        failed = sum(not row.done for row in cell.finals)
        if failed:
            return f"{failed} of {len(cell.finals)} finals of {cell.place.name} failed"
        if len(cell.finals) < 2:
            return f"{cell.place.name} has {len(cell.finals)} finals; two are needed"
    return None


def _effect(mine: Sequence[RunRow], theirs: Sequence[RunRow], metric: Metric, paired: bool
) -> Effect | None:  # fmt: skip
    if paired:
        ours = dict(zip((row.seed for row in mine), _values(mine, metric), strict=True))
        other = dict(zip((row.seed for row in theirs), _values(theirs, metric), strict=True))
        found = compare(other, [ours])[0]
        if found is None:
            return None
        return Effect(found.mean, found.low, found.high, found.p, found.n)
    ours_, other_ = _values(mine, metric), _values(theirs, metric)
    test = stats.ttest_ind(ours_, other_, equal_var=False)
    low, high = test.confidence_interval(LEVEL)
    mean = fmean(ours_) - fmean(other_)
    return Effect(mean, float(low), float(high), float(test.pvalue), min(len(mine), len(theirs)))


def _values(rows: Sequence[RunRow], metric: Metric) -> list[float]:
    return [float(getattr(row, metric)) for row in rows]


def _done(cell: Cell) -> list[RunRow]:
    return [row for row in cell.finals if row.done]


def _numerics(rows: Sequence[RunRow]) -> set[tuple[object, ...]]:
    return {tuple(row.numerics.get(key) for key in COMMON) for row in rows}
