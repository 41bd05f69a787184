"""The table of a leaderboard: its columns, and its lines, field by field."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from lenetlab.analysis.board import Board, Line
from lenetlab.analysis.speed import Reached
from lenetlab.analysis.targets import MAIN, TARGETS, Target, targets_on
from lenetlab.phrases import p_equals
from lenetlab.report.charts.theme import Styles
from lenetlab.report.formats import points
from lenetlab.report.metrics import PAGE, PAGE_FOLDED, Metric
from lenetlab.report.page.cell import anchor
from lenetlab.report.page.table import Column, Entry, number, short, text
from lenetlab.report.wording.standings import BORDERLINE, TIE, verdict

# What reaching a target is counted in: how the page calls it, and how the analysis does.
UNITS = {"passes": "passes", "seconds": "seconds", "CPU seconds": "cpu_seconds"}
ASIDE = [target for target in TARGETS if target is not MAIN]
GROUPS = {"target": [MAIN], "targets": ASIDE}


@dataclass(frozen=True)
class LineView:
    """A line of a leaderboard.

    title : what a stranger knows the method as. coded : whether its name differs from that.
    colour : its family's. state : `leader`, `failed` or nothing.
    guest : whether it was entered into the study afterwards.
    """

    place: str
    name: str
    title: str
    coded: bool
    family: str
    colour: str
    link: str
    state: str
    entries: Sequence[Entry]
    guest: bool = False


def units(board: Board) -> dict[str, str]:
    """Those of `UNITS` that differ here: seconds measured apart are CPU seconds, and not said
    twice."""
    same = all(one.seconds == one.cpu_seconds for line in board.lines for one in line.reached)
    return {name: key for name, key in UNITS.items() if not same or key != "seconds"}


def columns(board: Board, every: Mapping[str, Metric], family: bool, seeds: int) -> list[Column]:
    """The columns of a leaderboard; the first is the method's. How many of the `seeds` runs are
    done is folded away once all are."""
    whole = all(_done(line) == max(seeds, line.runs) for line in board.begun)
    what = "runs on the test set with a result, of those "
    planned = "planned" if board.planned else "there are"
    return [
        Column("Method", kind="text"),
        *(column for key in PAGE for column in _columns(key, every, board)),
        *([Column("Family", kind="family", folded=True)] if family else []),
        Column("Runs", "done", what + planned, ascending=False, folded=whole),
        *(replace(column, folded=True) for key in PAGE_FOLDED
          for column in _columns(key, every, board)),
    ]  # fmt: skip


def _columns(key: str, every: Mapping[str, Metric], board: Board) -> Iterator[Column]:
    if key in GROUPS:
        for unit in units(board):
            for target in _targets(key, board):
                meaning = f"{unit} to {target.accuracy:g} %: {target.whose}"
                title = f"{'To ' if target is MAIN else ''}{target.accuracy:g}\u00a0%"
                yield Column(title, unit, meaning, group=unit)
    elif key == "verdict":
        if board.compared:
            yield Column("Verdict", "at 5 in 100", f"{TIE} {BORDERLINE}", kind="word")
    elif (metric := every[key]).shown:
        yield column(metric)


def _targets(key: str, board: Board) -> list[Target]:
    """The targets of a group, where they are of the board's problem."""
    known = targets_on(board.contest.problem)
    return [target for target in GROUPS[key] if target in known]


def column(metric: Metric) -> Column:
    """A metric's column; its heading begins with a capital on the page."""
    title = metric.title
    if title[1:2] != " ":  # the p of a test stays small
        title = title[0].upper() + title[1:]
    return Column(title, metric.unit, metric.meaning, ascending=metric.ascending)


def line_view(
    line: Line, seeds: int, board: Board, every: Mapping[str, Metric], family: bool, styles: Styles
) -> LineView:
    """A line of a leaderboard, with a field for each of `columns` but the first."""
    failed = line.runs > 0 and line.accuracy is None
    title = styles.titles.get(line.name, line.name)
    return LineView(
        place="" if line.rank is None else str(line.rank),
        name=line.name,
        title=title,
        coded=styles.label(line.name) not in (title, line.name),
        family=family_of(line),
        colour=styles.colour_of(line.name),
        link=anchor(line.cell.place),
        state=_state(line, board) if not failed else "failed",
        entries=[
            *(entry for key in PAGE for entry in _entries(key, line, board, every)),
            *([text(family_of(line))] if family else []),
            _runs(line, seeds),
            *(entry for key in PAGE_FOLDED for entry in _entries(key, line, board, every)),
        ],
    )


def family_of(line: Line) -> str:
    """As it is shown."""
    return line.cell.place.family.replace("_", " ")


def _state(line: Line, board: Board) -> str:
    """The reference is marked where there is something to refer to."""
    is_reference = line.standing == "reference" and bool(board.led or board.compared)
    return "leader" if is_reference else ""


def _done(line: Line) -> int:
    return line.runs - len(line.failures)


def _runs(line: Line, seeds: int) -> Entry:
    done = _done(line)
    return Entry(f"{done}/{max(seeds, line.runs)}", done, "; ".join(line.failures)[:300])


def _entries(key: str, line: Line, board: Board, every: Mapping[str, Metric]) -> Iterator[Entry]:
    """The fields of a line in the columns of `_columns`."""
    if key in GROUPS:
        for unit in units(board).values():
            yield from (reached_at(line, target, unit) for target in _targets(key, board))
    elif key == "verdict":
        if board.compared:
            yield Entry(verdict(line, board), note=line.reason or "")
    elif (metric := every[key]).shown:
        yield entry(key, metric, line, board)


def entry(key: str, metric: Metric, line: Line, board: Board) -> Entry:
    """A metric of a line, by which it is sorted, and what is said when it is pointed at."""
    if key == "difference":
        return _difference(metric, line, board)
    note = {"accuracy": _median, "beats": _record}.get(key, _nothing)(line)
    return Entry(metric.text(line), metric.of(line), note)


def _nothing(line: Line) -> str:
    return ""


def _median(line: Line) -> str:
    if line.accuracy is None or line.accuracy.median_interval is None:
        return ""
    median, at = line.accuracy.median, line.accuracy.median_interval
    return f"median {median:.2f}, {at.low:.2f} to {at.high:.2f} at {100 * at.level:.1f} %"


def _record(line: Line) -> str:
    beaten = [verdict for verdict in line.records if verdict.beaten]
    best = max(beaten, key=lambda verdict: verdict.target) if beaten else None
    found = best or next(iter(line.records), None)
    return found.reason if found else ""


def _difference(metric: Metric, line: Line, board: Board) -> Entry:
    if line.standing == "reference":
        return Entry("–", 0.0, "the others are compared with it" if board.compared else "")
    d = line.difference
    if d is None:
        return number(None, note=line.reason or "")
    note = f"{points(d.low)} to {points(d.high)}, {p_equals(d.adjusted)} after Holm’s correction, "
    return Entry(metric.text(line), d.mean, f"{note}{d.n} seeds")


def reached_at(line: Line, target: Target, unit: str) -> Entry:
    """What a method spends until `target`, counted in one of `UNITS`' values."""
    found = next((one for one in line.reached if one.target == target), None)
    return _reached(found, unit) if found else number(None)


def _reached(reached: Reached, unit: str) -> Entry:
    missed = f"{reached.missed} of {reached.runs} seeds never did" if reached.missed else ""
    value = float(getattr(reached, unit))
    return Entry("never", value, missed) if math.isinf(value) else short(value, missed)
