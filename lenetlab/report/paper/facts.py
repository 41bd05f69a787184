"""Every number a text may ask for, by name, from the results and what lies beside them."""

import math
from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean
from typing import Any

from lenetlab.analysis.board import Board, Line
from lenetlab.analysis.choosing import deciding
from lenetlab.analysis.cost import total
from lenetlab.analysis.equal_time import at_equal_time, limit
from lenetlab.analysis.targets import TARGETS
from lenetlab.phrases import p_equals
from lenetlab.records.cells import Results, RunRow
from lenetlab.report import formats
from lenetlab.report.attachments import Attachments
from lenetlab.report.metrics import metrics
from lenetlab.report.paper.numbers import Fact, Facts, count
from lenetlab.report.wording.standings import STANDINGS


def all_facts(results: Results, boards: Sequence[Board], attachments: Attachments) -> Facts:
    """The tree of all numbers."""
    rows = results.rows()
    failed = [row.id for row in rows if not row.done]
    facts: dict[str, Any] = {
        "methods": count(len({cell.place.name for cell in results.begun()})),
        "families": count(len({cell.place.family for cell in results.begun()} - {""}) or None),
        "scenarios": count(len({contest.scenario for contest in results.contests()})),
        "seeds": count(results.seeds or None),
        "passes": Fact(results.passes or None, formats.amount),
        "trials": count(results.trials or None),
        "tuning_passes": Fact(results.tuning_passes or None, formats.amount),
        "runs": count(len(rows), _ids(rows)),
        "failed": count(len(failed), failed),
        "cpu_seconds": Fact(
            total(row.cpu_seconds for row in rows) if rows else None, formats.duration, _ids(rows)
        ),
        "starter": {"accuracy": Fact(TARGETS[0].accuracy, formats.percent)},
        "targets": {str(i): Fact(t.accuracy, formats.two) for i, t in enumerate(TARGETS)},
        "baseline": _baseline(attachments.baseline),
    }
    for board in boards:
        facts[board.contest.key] = board_facts(board)
    return facts


def _ids(rows: Sequence[RunRow]) -> list[str]:
    return [row.id for row in rows]


def _baseline(row: RunRow | None) -> Facts:
    ids = [row.id] if row else []
    threads = row.machine.get("threads") if row else None
    return {
        "accuracy": Fact(row.accuracy if row else None, formats.percent, ids),
        "loss": Fact(row.loss if row else None, formats.four, ids),
        "starter_average_loss": Fact(row.starter_average_loss if row else None, formats.six, ids),
        "seconds": Fact(row.train_seconds if row else None, formats.duration, ids),
        "threads": count(threads, ids),
    }


def board_facts(board: Board) -> Facts:
    """The numbers of one leaderboard, and those of its methods by name; `leader` is what the
    methods are compared with."""
    standings = [line.standing for line in board.begun]
    facts: dict[str, Any] = {
        "methods": count(len(board.begun)),
        **{kind: count(standings.count(kind)) for kind in STANDINGS},
    }
    cells = [line.cell for line in board.lines]
    seconds = limit(cells)
    at_time = {} if seconds is None else {at.name: at for at in at_equal_time(cells, seconds)}
    for line in board.lines:
        finals, at = _ids(line.cell.finals), at_time.get(line.name)
        facts[line.name] = {
            **_line_facts(line, board),
            "at_time": {
                "accuracy": Fact(at.accuracy if at else None, formats.two, finals),
                "passes": Fact(at.passes if at else None, formats.amount, finals),
            },
        }
    if board.reference is not None:
        facts["leader"] = {**facts[board.reference.place.name], **_decided(board)}
    elif board.lines:
        facts["leader"] = _emptied({**facts[board.lines[0].name], **_decided(board)})
    return facts


def _decided(board: Board) -> Facts:
    """By what the leader leads: the mean of all its runs at full length on held-out images, and how
    many these are."""
    cell = board.reference if board.led else None
    rows = deciding(cell) if cell is not None else ()
    known = [row.accuracy for row in rows if row.accuracy is not None]
    return {
        "decided": Fact(fmean(known) if known else None, formats.percent, _ids(rows)),
        "deciding": count(len(known) or None, _ids(rows)),
    }


def _emptied(facts: Facts) -> Facts:
    """The same names, and dashes: of a leader that is not there yet."""
    return {
        name: replace(fact, value=None, runs=()) if isinstance(fact, Fact) else _emptied(fact)
        for name, fact in facts.items()
    }


def _line_facts(line: Line, board: Board) -> Facts:
    done = [row for row in line.cell.finals if row.done]
    finals, trials = _ids(done), _ids(line.cell.search)
    held = _ids(line.cell.held_out) if board.planned else trials
    accuracy = line.accuracy.mean if line.accuracy else None
    interval = line.accuracy.interval if line.accuracy else None
    apart = line.difference
    memory = [row.peak_memory_mb for row in done if row.peak_memory_mb is not None]

    def to_targets(unit: str) -> Facts:
        """Medians to each target; a miss counts as infinite, and infinite is a dash."""
        found = {}
        for i, reached in enumerate(line.reached):
            value = getattr(reached, unit)
            given = value if value < math.inf else None
            found[str(i)] = Fact(given, formats.amount, _ids(line.cell.finals))
        return found or {str(i): Fact(None, formats.amount) for i in range(len(TARGETS))}

    sources = {"held_out": held, "tuning_passes": trials}
    return {
        **{
            key: Fact(metric.of(line), metric.write, sources.get(key, finals))
            for key, metric in metrics(board).items()
        },
        "accuracy": Fact(accuracy, formats.percent, finals),
        "accuracy_bare": Fact(accuracy, formats.two, finals),
        "low": Fact(interval.low if interval else None, formats.percent, finals),
        "high": Fact(interval.high if interval else None, formats.percent, finals),
        "passes": Fact(line.training.passes if line.training else None, formats.amount, finals),
        "seconds": Fact(line.training.seconds if line.training else None, formats.amount, finals),
        "memory": Fact(fmean(memory) if memory else None, formats.amount, finals),
        "p_equals": Fact(apart.adjusted if apart else None, p_equals, finals),
        "seeds": count(len(done), finals),
        "tuning_seconds": Fact(
            line.tuning.cpu_seconds if line.tuning else None, formats.duration, trials
        ),
        "difference_low": Fact(apart.low if apart else None, formats.points, finals),
        "difference_high": Fact(apart.high if apart else None, formats.points, finals),
        "passes_to": to_targets("passes"),
        "seconds_to": to_targets("seconds"),
    }
