"""STAND-IN until analysis has it: what a method's runs say, and how it stands to the leader."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from scipy.stats import t as student, ttest_1samp

from lenetlab.analysis.proportions import holm
from lenetlab.results import Cell, leader


@dataclass(frozen=True)
class Interval:
    mean: float
    low: float | None
    high: float | None
    n: int


def interval(values: Sequence[float]) -> Interval | None:
    if not values:
        return None
    mean, n = fmean(values), len(values)
    if n < 2:
        return Interval(mean, None, None, n)
    half = float(student.ppf(0.975, n - 1)) * stdev(values) / math.sqrt(n)
    return Interval(mean, mean - half, mean + half, n)


@dataclass(frozen=True)
class Difference:
    cell: Cell
    interval: Interval
    p: float | None

    @property
    def verdict(self) -> str:
        if self.p is None or self.p > 0.05:
            return "tie"
        return "better" if self.interval.mean > 0 else "worse"


def compare(cells: Sequence[Cell]) -> tuple[Cell | None, list[Difference]]:
    first = leader(cells)
    if first is None:
        return None, []
    theirs = {r.number: r.accuracy for r in first.finals if r.done}
    out = []
    for cell in cells:
        if cell is first:
            continue
        d = [r.accuracy - theirs[r.number] for r in cell.finals if r.done and r.number in theirs]
        if d:
            p = float(ttest_1samp(d, 0).pvalue) if len(d) > 1 else None
            out.append(Difference(cell, interval(d), p))
    ps = holm([d.p if d.p is not None else 1.0 for d in out])
    return first, [
        Difference(d.cell, d.interval, p if d.p is not None else None) for d, p in zip(out, ps)
    ]
