"""What a method reaches for a budget that its runs were made for, over all budgets there are.

A run's schedule is made for the whole of its budget, so that only its end tells what can be had
for that much; what it had on the way does not. Runs of several studies, one for each budget, or of
one that varies it, stand together.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import fmean

from lenetlab.analysis.budget import GUESSING
from lenetlab.analysis.intervals import Summary, summarise
from lenetlab.problem.problems import DEFAULT
from lenetlab.records.cells import Cell, Results, RunRow
from lenetlab.records.contest import located

Budget = tuple[str, float]


@dataclass(frozen=True)
class AtBudget:
    """A method at the end of a budget.

    passes : the budget; of one in epochs what was spent, the mean over the seeds.
    cpu_seconds : spent, the mean over the seeds; None where that is not known.
    accuracy : in percent, on the test set. at_chance : runs that ended no better than guessing: a
        mean and its interval hide them. line : what its other budgets have in common with it: the
        method, where all were tuned; else the recipe too.
    """

    cell: Cell
    budget: Budget
    passes: float
    cpu_seconds: float | None
    accuracy: Summary
    at_chance: int
    line: str


def at_budgets(some: Iterable[Results], scenario: str, problem: str = DEFAULT) -> list[AtBudget]:
    """The methods of `scenario` on a problem by name and then by budget, those alone of whom no
    run failed. Where studies have the same method at the same budget, the first one counts."""
    found: dict[tuple[str, Budget], AtBudget] = {}
    for results in some:
        for cell in _cells(results, scenario, problem):
            ordered = sorted(cell.finals, key=_budget)
            line = cell.place.method if results.tuned else cell.place.name
            for budget, rows in groupby(ordered, key=_budget):
                if one := _at_budget(cell, budget, list(rows), line):
                    found.setdefault((cell.place.name, budget), one)
    return sorted(found.values(), key=lambda one: (one.line, one.passes))


def by_scenario(
    results: Results, others: Iterable[Results] = (), fewest: int = 1
) -> dict[str, list[AtBudget]]:
    """Those of `results` and of the studies beside it, by scenario and problem in words; where
    there are as many as `fewest`."""
    some = [results, *others]
    where = dict.fromkeys((contest.scenario, contest.problem) for contest in results.contests())
    found = {located(*one): at_budgets(some, *one) for one in where}
    return {name: here for name, here in found.items() if len(here) >= fewest}


def count_budgets(some: Iterable[AtBudget]) -> int:
    """How many budgets there are. Ten epochs are ten passes, where that is what was spent."""
    return len({round(one.passes, 3) for one in some})


def _cells(results: Results, scenario: str, problem: str) -> list[Cell]:
    """Those by the strict rules; where nets are ranked by their size they have a figure of their
    own."""
    return [
        cell
        for cell in results.cells
        if (cell.place.scenario, cell.place.rules, cell.place.problem)
        == (scenario, "strict", problem)
        and not any(row.recorded.size for row in cell.finals)
    ]


def _budget(row: RunRow) -> Budget:
    return row.recorded.budget


def _at_budget(cell: Cell, budget: Budget, rows: Sequence[RunRow], line: str) -> AtBudget | None:
    known = [row.accuracy for row in rows if row.accuracy is not None]
    accuracy = summarise(known)
    passes = [row.passes for row in rows if row.passes is not None]
    seconds = [row.cpu_seconds for row in rows if row.cpu_seconds is not None]
    if accuracy is None or not passes or not all(row.done for row in rows):
        return None
    unit, amount = budget
    return AtBudget(
        cell,
        budget,
        passes=amount if unit == "passes" else fmean(passes),
        cpu_seconds=fmean(seconds) if len(seconds) == len(rows) else None,
        accuracy=accuracy,
        at_chance=sum(value <= GUESSING for value in known),
        line=line,
    )
