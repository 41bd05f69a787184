"""Runs that were made for little time: accuracy against the CPU time of budgets tuned for.

CPU time is counted in passes of SGD of the same study, since studies were computed in company of
other runs, and on other days.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from curves import INK

from findings.charts import Series, in_turn, over, point
from findings.words import mean
from lenetlab.analysis.at_budget import at_budgets
from lenetlab.analysis.equal_time import REFERENCE, rate
from lenetlab.analysis.intervals import Summary
from lenetlab.phrases import passes
from lenetlab.records.cells import Results
from lenetlab.records.contest import Contest
from lenetlab.report.charts.theme import ticks


@dataclass(frozen=True)
class Timed:
    """A method at the end of a budget. time : CPU time, in passes of SGD there."""

    name: str
    passes: float
    time: float
    accuracy: Summary


def made_for(steps: Iterable[Results], names: Sequence[str]) -> list[Timed]:
    """`names` and the reference at every budget, in scenario `plain`; without failed runs."""
    found = []
    for results in steps:
        sgd = next((c for c in results.within(Contest("plain")) if c.place.name == REFERENCE), None)
        unit = rate(sgd) if sgd else None
        for one in at_budgets([results], "plain"):
            name, seconds = one.cell.place.name, rate(one.cell)
            if unit and seconds and name in (REFERENCE, *names):
                found.append(Timed(name, one.passes, seconds / unit * one.passes, one.accuracy))
    return found


def said(found: Sequence[Timed]) -> str:
    """What each method reaches by the best of its budgets that cost no more than the reference's
    greatest; empty without it."""
    last = max((one for one in found if one.name == REFERENCE), key=_time, default=None)
    if last is None:
        return ""
    each = []
    for name in dict.fromkeys(one.name for one in found if one.name != REFERENCE):
        within = [one for one in found if one.name == name and one.time <= last.time]
        if within:
            best = max(within, key=_time)
            each.append(f"`{name}` {mean(best.accuracy)} % ({passes(best.passes)}, CPU time of "
                        f"{best.time:.2g} passes of SGD)")  # fmt: skip
    if not each:
        return ""
    return (
        f"Tuned for less time instead of cut off, each by the greatest of its budgets that costs "
        f"no more than SGD’s {last.passes:g} passes ({mean(last.accuracy)} %): {', '.join(each)}. "
        "Other budgets have other seeds, so these are no pairs; where steps of the ladder are "
        "missing, the next smaller one stands."
    )


def figure(found: Sequence[Timed]) -> str:
    """Accuracy against CPU time, a curve a method."""
    names = list(dict.fromkeys(one.name for one in found if one.name != REFERENCE))
    series = []
    for name, colour in {REFERENCE: INK, **in_turn(names)}.items():
        here = sorted((one for one in found if one.name == name), key=_time)
        points = [point(one.time, one.accuracy) for one in here]
        series += [Series(name, points, colour, dashed=name == REFERENCE)] * bool(points)
    times = [one.time for one in found]
    return over(series, ("CPU time, in passes of SGD", "test accuracy, %"),
                ticks=ticks(min(times), max(times)))  # fmt: skip


def _time(one: Timed) -> float:
    return one.time
