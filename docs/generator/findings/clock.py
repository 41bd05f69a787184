"""Runs that were made for little time: accuracy against the CPU time of budgets tuned for.

CPU time is counted in passes of the costs' reference, SGD at batch 64, which is the same in every
study: single runs shared their machine with others.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from curves import INK

from findings.charts import Series, in_turn, over, point
from findings.effects import accuracies, two_samples
from findings.finding import table
from findings.words import gap, mean, p, sentence
from lenetlab.analysis.at_budget import at_budgets
from lenetlab.analysis.comparison import Difference, Side, side
from lenetlab.analysis.equal_time import REFERENCE
from lenetlab.analysis.intervals import Summary
from lenetlab.phrases import joined, passes
from lenetlab.records.cells import Results
from lenetlab.records.costs import Costs, Ratio
from lenetlab.report.charts.theme import ticks


@dataclass(frozen=True)
class Timed:
    """A method at the end of a budget. cost : of a pass, in passes of SGD at batch 64. values : of
    the seeds, in percent."""

    name: str
    passes: float
    cost: Ratio
    accuracy: Summary
    values: tuple[float, ...]

    @property
    def time(self) -> float:
        """CPU time, in passes of SGD at batch 64."""
        return self.cost.ratio * self.passes

    def at(self, end: Literal["low", "high"]) -> "Timed":
        """As if a pass cost the lower or the upper quartile of what was measured."""
        return replace(self, cost=replace(self.cost, ratio=getattr(self.cost, end)))


@dataclass(frozen=True)
class Gap:
    """How far a method is from `sgd`, both at the end of a budget."""

    sgd: Timed
    difference: Difference

    @property
    def side(self) -> Side:
        """What test and interval say together."""
        return side(self.difference.low, self.difference.high, self.difference.adjusted)


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
        for one in at_budgets([results], "plain"):
            name, cost = one.cell.place.name, known and known.of(one.cell.place)
            if cost and name in (REFERENCE, *names):
                values = tuple(accuracies(one.cell))
                found.append(Timed(name, one.passes, cost, one.accuracy, values))
    return found


def against_sgd(found: Sequence[Timed]) -> list[Placed]:
    """Every budget of every method for which SGD has one of as much time or more, between that and
    its budget of less."""
    sgd = sorted((one for one in found if one.name == REFERENCE), key=_time)
    dear = too_dear(found)
    others = [one for one in found if one.name != REFERENCE and one not in dear]
    less = [max((x for x in sgd if x.time <= one.time), key=_time, default=None) for one in others]
    more = [min((x for x in sgd if x.time >= one.time), key=_time) for one in others]
    pairs = [(one, other) for one, *both in zip(others, less, more, strict=True)
             for other in both if other is not None]  # fmt: skip
    tests = two_samples([(one.values, other.values) for one, other in pairs])
    gaps = iter([Gap(other, test) for (_, other), test in zip(pairs, tests, strict=True)])
    return [Placed(one, next(gaps) if fewer else None, next(gaps))
            for one, fewer in zip(others, less, strict=True)]  # fmt: skip


def too_dear(found: Sequence[Timed]) -> list[Timed]:
    """Budgets that take more CPU time than the longest of SGD's."""
    longest = max((one.time for one in found if one.name == REFERENCE), default=0.0)
    return [one for one in found if one.time > longest]


def said(found: Sequence[Timed]) -> str:
    """Who is above and below an SGD that was tuned for as much time; empty without any."""
    placed = against_sgd(found)
    if not placed:
        return ""
    each = []
    for stands, what in STANDS.items():
        here = [one.one for one in placed if one.stands == stands]
        each += [f"{what} ({len(here)} of {len(placed)}): {_budgets(here)}"] * bool(here)
    tests = sum(1 + (one.less is not None) for one in placed)
    text = (
        "Tuned for little time instead of cut off: budgets, in passes, against the SGD that was "
        "tuned for the next smaller and for the next larger amount of CPU time. "
        f"{sentence('; '.join(each))}. Two samples each, so no pairs; Welch’s test with Holm’s "
        f"correction over these {tests}."
    )
    if dear := too_dear(found):
        text += (f" Not compared, as they take more time than SGD’s longest budget ({len(dear)}): "
                 f"{_budgets(dear)}.")  # fmt: skip
    if moved := unsure(found, placed):
        text += (" If a pass of each cost the lower or the upper quartile of what was measured, "
                 f"another verdict would stand on {_budgets(moved)}.")  # fmt: skip
    return text


def unsure(found: Sequence[Timed], placed: Sequence[Placed]) -> list[Timed]:
    """Those that would stand otherwise at a quartile of their measured costs."""
    moved: set[tuple[str, float]] = set()
    for end in ("low", "high"):
        others = [one if one.name == REFERENCE else one.at(end) for one in found]
        stands = {(x.one.name, x.one.passes): x.stands for x in against_sgd(others)}
        moved |= {(x.one.name, x.one.passes) for x in placed
                  if stands.get((x.one.name, x.one.passes)) != x.stands}  # fmt: skip
    return [x.one for x in placed if (x.one.name, x.one.passes) in moved]


def _budgets(some: Sequence[Timed]) -> str:
    """`muon` for 1 and 2, `soap` for 3."""
    names = dict.fromkeys(one.name for one in some)
    each = [f"`{name}` for {joined([f'{x.passes:g}' for x in some if x.name == name])}"
            for name in names]  # fmt: skip
    return ", ".join(each)


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


def _of_sgd(found: Gap | None) -> list[str]:
    if found is None:
        return ["–", "–"]
    return [f"{found.sgd.time:.2g}", f"{gap(found.difference)}, p {p(found.difference)}"]


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
