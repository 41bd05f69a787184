"""Runs that were made for little time: accuracy against the CPU time of budgets tuned for.

CPU time is counted in passes of the costs' reference, SGD at batch 64, which is the same in every
study: single runs shared their machine with others.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, variance

from curves import INK
from scipy import stats

from findings.charts import Series, in_turn, over, point
from findings.finding import table
from findings.words import mean
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
class Rival:
    """A method at the end of a budget, against SGD that was tuned for at least as much CPU time.
    Two samples: Welch's test, its p after Holm's correction over all; Bonferroni's interval."""

    one: Timed
    sgd: Timed
    difference: float
    low: float
    high: float
    p: float

    @property
    def side(self) -> Side:
        """What test and interval say together."""
        return side(self.low, self.high, self.p)


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


def against_sgd(found: Sequence[Timed]) -> list[Rival]:
    """Every budget of every method, where SGD was tuned for as much time or more."""
    sgd = sorted((one for one in found if one.name == REFERENCE), key=_time)
    pairs = [
        (one, other)
        for one in found
        if one.name != REFERENCE
        and (other := next((each for each in sgd if each.time >= one.time), None)) is not None
    ]
    tested = [_welch(one.values, other.values, ALPHA / len(pairs)) for one, other in pairs]
    adjusted = holm([p for *_, p in tested])
    return [
        Rival(one, other, difference, low, high, p)
        for (one, other), (difference, low, high, _), p in zip(pairs, tested, adjusted, strict=True)
    ]


def _welch(
    one: Sequence[float], other: Sequence[float], alpha: float
) -> tuple[float, float, float, float]:
    """The difference of the means, its interval at level 1 - `alpha`, and p."""
    a, b = variance(one) / len(one), variance(other) / len(other)
    freedom = (a + b) ** 2 / (a**2 / (len(one) - 1) + b**2 / (len(other) - 1))
    gap, error = fmean(one) - fmean(other), sqrt(a + b)
    half = float(stats.t.ppf(1 - alpha / 2, freedom)) * error
    return gap, gap - half, gap + half, float(2 * stats.t.sf(abs(gap) / error, freedom))


def said(rivals: Sequence[Rival]) -> str:
    """Who is above and below an SGD that had as much time to be tuned for; empty without any."""
    if not rivals:
        return ""
    each = []
    for word in ("above", "below", "borderline", "tied"):
        here = [one for one in rivals if one.side == word]
        names = dict.fromkeys(one.one.name for one in here)
        told = [f"`{name}` for {joined([f'{r.one.passes:g}' for r in here if r.one.name == name])}"
                for name in names]  # fmt: skip
        if told:
            what = {"tied": "not to be told from it", "borderline": "borderline"}.get(
                word, f"{word} it"
            )
            each.append(f"{what}: {', '.join(told)}")
    return (
        "Tuned for little time instead of cut off: every budget, in passes, against the SGD that "
        "was tuned for the least budget of as much CPU time or more. "
        f"{'; '.join(f'{x[0].upper()}{x[1:]}' if i == 0 else x for i, x in enumerate(each))}. "
        f"Two samples each, so no pairs; Welch’s test with Holm’s correction over these "
        f"{len(rivals)}."
    )


def clause(rivals: Sequence[Rival]) -> str:
    """For a title: how often a recipe that was tuned for its time is above SGD's."""
    if not rivals:
        return ""
    above = sum(one.side == "above" for one in rivals)
    return f"; tuned for its time, above SGD in {above or 'none'} of {len(rivals)} cases"


def rivals_table(rivals: Sequence[Rival]) -> str:
    """A row a budget."""
    rows = [
        [f"`{r.one.name}`, {passes(r.one.passes)}", f"{r.one.time:.2g}", mean(r.one.accuracy),
         f"{r.sgd.passes:g} ({r.sgd.time:.2g})", mean(r.sgd.accuracy),
         f"{points(r.difference)} [{points(r.low)}, {points(r.high)}]", p_value(r.p)]
        for r in rivals
    ]  # fmt: skip
    heads = ["method, budget", "CPU time, passes of SGD", "accuracy, %", "SGD’s passes (time)",
             "SGD’s accuracy, %", "to SGD, points", "p (Holm)"]  # fmt: skip
    return table(heads, rows)


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
