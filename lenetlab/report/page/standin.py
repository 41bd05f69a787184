"""Until lenetlab.analysis has it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median, stdev

from scipy import stats

from lenetlab.analysis.targets import TARGETS
from lenetlab.results import Cell, Results, Row, leader


@dataclass(frozen=True)
class Interval:
    mean: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Line:
    cell: Cell
    n: int
    accuracy: Interval | None
    loss: float | None
    starter: float | None
    passes_to: tuple[float, ...]
    seconds_to: tuple[float, ...]
    missed: tuple[int, ...]
    tuning_passes: float
    nonzeros: float | None
    difference: Interval | None
    p: float | None
    tie: bool
    place: str


def interval(v: Sequence[float]) -> Interval | None:
    if not v:
        return None
    if len(v) < 2:
        return Interval(v[0], None, None)
    h = float(stats.t.ppf(0.975, len(v) - 1)) * stdev(v) / math.sqrt(len(v))
    return Interval(fmean(v), fmean(v) - h, fmean(v) + h)


def to(row: Row, acc: float, key: str) -> float:
    return next((x[key] for x in row.looks if x["accuracy"] >= acc), math.inf)


def board(results: Results, scenario: str, rules: str) -> tuple[Cell | None, list[Line]]:
    cells = results.within(scenario, rules)
    lead = leader(cells)
    out = []
    for cell in cells:
        done = [r for r in cell.finals if r.done]
        acc = interval([r.accuracy for r in done])
        diff = p = None
        if lead and cell is not lead:
            other = {r.seed: r for r in lead.finals if r.done}
            d = [r.accuracy - other[r.seed].accuracy for r in done if r.seed in other]
            diff = interval(d)
            p = float(stats.ttest_1samp(d, 0).pvalue) if len(d) > 1 else None
        out.append(Line(
            cell, len(done), acc,
            fmean(r.loss for r in done) if done else None,
            fmean(r.starter_average_loss for r in done) if done else None,
            tuple(median(to(r, t.accuracy, "passes") for r in done) if done else math.nan for t in TARGETS),
            tuple(median(to(r, t.accuracy, "seconds") for r in done) if done else math.nan for t in TARGETS),
            tuple(sum(math.isinf(to(r, t.accuracy, "passes")) for r in done) for t in TARGETS),
            sum(r.passes for r in cell.trials),
            fmean(r.nonzeros for r in done) if done else None,
            diff, p, p is not None and p > 0.05, "",
        ))
    out.sort(key=lambda l: -(l.accuracy.mean if l.accuracy else -1))
    return lead, out
