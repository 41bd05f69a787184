"""Runs that were made for little time: accuracy against the CPU time of budgets tuned for.

CPU time is counted in passes of the costs' reference, SGD at batch 64, which is the same in every
study: single runs shared their machine with others.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from curves import INK
from scipy import stats

from findings.charts import Series, in_turn, over, point
from findings.finding import table
from findings.words import mean, sentence
from lenetlab.analysis.at_budget import at_budgets
from lenetlab.analysis.comparison import Side, side
from lenetlab.analysis.equal_time import REFERENCE, rate
from lenetlab.analysis.intervals import Summary
from lenetlab.analysis.proportions import holm
from lenetlab.analysis.record import ALPHA
from lenetlab.phrases import joined, p_value, passes
from lenetlab.records.cells import Results
from lenetlab.records.contest import Contest
from lenetlab.records.costs import Costs
from lenetlab.report.charts.theme import ticks
from lenetlab.report.formats import points


@dataclass(frozen=True)
class Timed:
    """A method at the end of a budget. time : CPU time, in passes of SGD at batch 64. values : of
    the seeds, in percent."""

    name: str
    passes: float
    time: float
    accuracy: Summary
    values: tuple[float, ...]


@dataclass(frozen=True)
class Gap:
    """How far a method is from SGD, both at the end of a budget. Two samples: Welch's test, its p
    after Holm's correction over all; Bonferroni's interval."""

    sgd: Timed
    difference: float
    low: float
    high: float
    p: float

    @property
    def side(self) -> Side:
        """What test and interval say together."""
        return side(self.low, self.high, self.p)


@dataclass(frozen=True)
class Placed:
    """A method at the end of a budget, between two budgets of SGD: the largest that takes as much
    CPU time or less (None where it has none), and the least that takes as much or more."""

    one: Timed
    less: Gap | None
    more: Gap

    @property
    def stands(self) -> Literal["above", "below", "between"]:
        """`above` where it is above an SGD of more time, `below` where it is below one of less;
        else SGD's budgets lie too far apart to tell."""
        if self.more.side == "above":
            return "above"
        if self.less is not None and self.less.side == "below":
            return "below"
        return "between"


def made_for(
    steps: Iterable[Results], costs: Mapping[str, Costs], names: Sequence[str]
) -> list[Timed]:
    """`names` and SGD at every budget, in scenario `plain`; without failed runs, and without
    studies whose `costs`, by name, are not known."""
    found = []
    for results in steps:
        known = costs.get(results.name)
        measured = {
            cell.place.name for cell in results.within(Contest("plain"))
            if known and known.of(cell.place)
        }  # fmt: skip
        for one in at_budgets([results], "plain"):
            name, seconds = one.cell.place.name, rate(one.cell)
            if known and seconds and name in measured and name in (REFERENCE, *names):
                values = tuple(row.accuracy for row in one.cell.finals if row.accuracy is not None)
                time = seconds / known.seconds * one.passes
                found.append(Timed(name, one.passes, time, one.accuracy, values))
    return found


def against_sgd(found: Sequence[Timed]) -> list[Placed]:
    """Every budget of every method for which SGD has one of as much time or more, between that and
    its budget of less."""
    sgd = sorted((one for one in found if one.name == REFERENCE), key=_time)
    longest = max((one.time for one in sgd), default=0.0)
    others = [one for one in found if one.name != REFERENCE and one.time <= longest]
    less = [max((x for x in sgd if x.time <= one.time), key=_time, default=None) for one in others]
    more = [min((x for x in sgd if x.time >= one.time), key=_time) for one in others]
    pairs = [(one, other) for one, *both in zip(others, less, more, strict=True)
             for other in both if other is not None]  # fmt: skip
    tested = [_welch(one.values, other.values, ALPHA / len(pairs)) for one, other in pairs]
    adjusted = holm([p for *_, p in tested])
    gaps = iter([
        Gap(other, difference, low, high, p)
        for (_, other), (difference, low, high, _), p in zip(pairs, tested, adjusted, strict=True)
    ])  # fmt: skip
    return [Placed(one, next(gaps) if fewer else None, next(gaps))
            for one, fewer in zip(others, less, strict=True)]  # fmt: skip


def _welch(
    one: Sequence[float], other: Sequence[float], alpha: float
) -> tuple[float, float, float, float]:
    """The difference of the means, its interval at level 1 - `alpha`, and p."""
    test = stats.ttest_ind(one, other, equal_var=False)
    low, high = test.confidence_interval(1 - alpha)
    return fmean(one) - fmean(other), float(low), float(high), float(test.pvalue)


def said(placed: Sequence[Placed]) -> str:
    """Who is above and below an SGD that was tuned for as much time; empty without any."""
    if not placed:
        return ""
    each = []
    for stands, what in STANDS.items():
        here = [one.one for one in placed if one.stands == stands]
        names = dict.fromkeys(one.name for one in here)
        told = [f"`{name}` for {joined([f'{x.passes:g}' for x in here if x.name == name])}"
                for name in names]  # fmt: skip
        each += [f"{what} ({len(here)} of {len(placed)}): {', '.join(told)}"] * bool(told)
    tests = sum(1 + (one.less is not None) for one in placed)
    return (
        "Tuned for little time instead of cut off: every budget, in passes, against the SGD that "
        "was tuned for the next smaller and for the next larger amount of CPU time. "
        f"{sentence('; '.join(each))}. Two samples each, so no pairs; Welch’s test with Holm’s "
        f"correction over these {tests}."
    )


STANDS = {
    "above": "above SGD of more time",
    "below": "below SGD of less time",
    "between": "between the two, where these budgets of SGD cannot tell",
}


def placed_table(placed: Sequence[Placed]) -> str:
    """A row a budget."""
    rows = [
        [f"`{x.one.name}`, {passes(x.one.passes)}", f"{x.one.time:.2g}", mean(x.one.accuracy),
         *_of_sgd(x.less), *_of_sgd(x.more), x.stands]
        for x in placed
    ]  # fmt: skip
    heads = ["method, budget", "CPU time, passes of SGD", "accuracy, %", "SGD of less: its time",
             "to it, points", "SGD of more: its time", "to it, points", ""]  # fmt: skip
    return table(heads, rows)


def _of_sgd(gap: Gap | None) -> list[str]:
    if gap is None:
        return ["–", "–"]
    ends = f"[{points(gap.low)}, {points(gap.high)}]"
    return [f"{gap.sgd.time:.2g}", f"{points(gap.difference)} {ends}, p {p_value(gap.p)}"]


def figure(found: Sequence[Timed]) -> str:
    """Accuracy against CPU time, a curve a method."""
    names = list(dict.fromkeys(one.name for one in found if one.name != REFERENCE))
    series = []
    for name, colour in {REFERENCE: INK, **in_turn(names)}.items():
        here = sorted((one for one in found if one.name == name), key=_time)
        marks = [point(one.time, one.accuracy) for one in here]
        series += [Series(name, marks, colour, dashed=name == REFERENCE)] * bool(marks)
    times = [one.time for one in found]
    return over(series, ("CPU time, in passes of SGD at batch 64", "test accuracy, %"),
                ticks=ticks(min(times), max(times)))  # fmt: skip


def _time(one: Timed) -> float:
    return one.time
