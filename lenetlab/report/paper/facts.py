"""Every number a text may ask for, by name, from the results and what lies beside them."""

import math
from collections.abc import Sequence
from statistics import fmean, median
from typing import Any

from lenetlab.analysis.targets import TARGETS
from lenetlab.report.beside import Beside
from lenetlab.report.paper import formats
from lenetlab.report.paper.numbers import Fact, Facts, count
from lenetlab.report.paper.standing import Difference, compare, interval
from lenetlab.results import Cell, Results, Row


def board_key(scenario: str, rules: str) -> str:
    """What a leaderboard is called in a text: its scenario, and its rules if they are not strict."""
    return scenario if rules == "strict" else f"{scenario},{rules}"


def all_facts(results: Results, beside: Beside) -> Facts:
    """The tree of all numbers."""
    rows = [row for cell in results.cells for row in (*cell.trials, *cell.finals)]
    ids = [row.id for row in rows]
    failed = [row.id for row in rows if not row.done]
    facts: dict[str, Any] = {
        "methods": count(len({cell.place.name for cell in results.cells})),
        "families": count(len({cell.place.family for cell in results.cells})),
        "scenarios": count(len(results.scenarios())),
        "seeds": count(results.seeds),
        "passes": Fact(results.passes, formats.amount),
        "trials": count(results.trials or None),
        "tuning_passes": Fact(results.tuning_passes or None, formats.amount),
        "runs": count(len(rows), ids),
        "failed": count(len(failed), failed),
        "cpu_seconds": Fact(
            sum(row.cpu_seconds for row in rows) if rows else None, formats.duration, ids
        ),
        "starter": {"accuracy": Fact(TARGETS[0].accuracy, formats.percent)},
        "targets": {str(i): Fact(t.accuracy, formats.two) for i, t in enumerate(TARGETS)},
        "baseline": _baseline(beside.baseline),
    }
    for scenario, rules in results.scenarios():
        facts[board_key(scenario, rules)] = board_facts(results.within(scenario, rules))
    return facts


def _baseline(row: Row | None) -> Facts:
    ids = [row.id] if row else []
    return {
        "accuracy": Fact(row and row.accuracy, formats.percent, ids),
        "loss": Fact(row and row.loss, formats.four, ids),
        "starter_average_loss": Fact(row and row.starter_average_loss, formats.six, ids),
        "seconds": Fact(row and row.train_seconds, formats.duration, ids),
        "threads": count(row and row.machine.get("threads"), ids),
    }


def board_facts(cells: Sequence[Cell]) -> Facts:
    """The numbers of one leaderboard, and those of its methods by name."""
    first, differences = compare(cells)
    verdicts = [d.verdict for d in differences]
    to_leader = {d.cell.place.name: d for d in differences}
    facts: dict[str, Any] = {
        "methods": count(len(cells)),
        "measured": count(sum(any(row.done for row in cell.finals) for cell in cells)),
        "ties": count(verdicts.count("tie")),
        "worse": count(verdicts.count("worse")),
        "better": count(verdicts.count("better")),
    }
    for cell in cells:
        facts[cell.place.name] = _cell_facts(cell, to_leader.get(cell.place.name))
    if first is not None:
        facts["leader"] = facts[first.place.name]
    return facts


def _cell_facts(cell: Cell, difference: Difference | None) -> Facts:
    done = [row for row in cell.finals if row.done]
    ids = [row.id for row in done]
    spread = interval([row.accuracy for row in done if row.accuracy is not None])
    half = spread.high - spread.mean if spread and spread.high is not None else None
    apart = difference.interval if difference else None
    trial = cell.best

    def mean(name: str) -> float | None:
        values = [value for row in done if (value := getattr(row, name)) is not None]
        return fmean(values) if values else None

    return {
        "accuracy": Fact(spread and spread.mean, formats.percent, ids),
        "accuracy_bare": Fact(spread and spread.mean, formats.two, ids),
        "half": Fact(half, formats.two, ids),
        "low": Fact(spread and spread.low, formats.percent, ids),
        "high": Fact(spread and spread.high, formats.percent, ids),
        "loss": Fact(mean("loss"), formats.four, ids),
        "starter_average_loss": Fact(mean("starter_average_loss"), formats.six, ids),
        "nonzeros": count(mean("nonzeros"), ids),
        "cpu_seconds": Fact(mean("cpu_seconds"), formats.amount, ids),
        "train_seconds": Fact(mean("train_seconds"), formats.amount, ids),
        "memory": Fact(mean("peak_memory_mb"), formats.amount, ids),
        "seeds": count(len(done), ids),
        "held_out": Fact(trial and trial.accuracy, formats.two, [trial.id] if trial else []),
        "tuning_seconds": Fact(
            sum(row.cpu_seconds for row in cell.trials) if cell.trials else None,
            formats.duration,
            [row.id for row in cell.trials],
        ),
        "difference": Fact(apart and apart.mean, formats.points, ids),
        "difference_low": Fact(apart and apart.low, formats.points, ids),
        "difference_high": Fact(apart and apart.high, formats.points, ids),
        "p": Fact(difference.p if difference else None, formats.p_value, ids),
        "passes_to": _reached(cell, "passes"),
        "seconds_to": _reached(cell, "seconds"),
    }


def _reached(cell: Cell, unit: str) -> Facts:
    """Median over all seeds of passes or seconds to each target; a miss counts as infinite."""
    found = {}
    for i, target in enumerate(TARGETS):
        reached = [_first(row, target.accuracy, unit) for row in cell.finals]
        middle = median(reached) if reached else math.inf
        ids = [row.id for row in cell.finals]
        found[str(i)] = Fact(middle if middle < math.inf else None, formats.amount, ids)
    return found


def _first(row: Row, accuracy: float, unit: str) -> float:
    return next((look[unit] for look in row.looks if look["accuracy"] >= accuracy), math.inf)
