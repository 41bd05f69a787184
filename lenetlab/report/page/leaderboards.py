"""The leaderboards: their columns and lines, and the leaders at a glance."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lenetlab.analysis.board import Board, Line, board
from lenetlab.analysis.equal_time import at_equal_time, limit
from lenetlab.analysis.speed import Reached
from lenetlab.analysis.targets import TARGETS, targets_on
from lenetlab.records.rows import Results
from lenetlab.report import formats
from lenetlab.report.attachments import Attachments, LeaderNet
from lenetlab.report.charts.theme import Styles
from lenetlab.report.formats import points
from lenetlab.report.metrics import PAGE, Metric, metrics
from lenetlab.report.page.cell import anchor
from lenetlab.report.page.drawings import Drawn, board_charts, choices
from lenetlab.report.page.table import Column, Entry, Table, number, short, text
from lenetlab.report.wording import compared_with, contest_about, of_leaders

# What reaching a target is counted in: how the page calls it, and how the analysis does.
UNITS = {"passes": "passes", "seconds": "seconds", "CPU seconds": "cpu_seconds"}
GLANCE = TARGETS[2]  # what all good methods reach, and few at once


@dataclass(frozen=True)
class LineView:
    """A line of a leaderboard. state : `leader`, `failed` or nothing. guest : whether it is marked
    as one."""

    place: str
    name: str
    family: str
    link: str
    state: str
    entries: Sequence[Entry]
    guest: bool = False


@dataclass(frozen=True)
class BoardView:
    """A leaderboard and what belongs to it. choices : methods, and which curves show at first."""

    id: str
    name: str
    about: str
    families: Sequence[str]
    groups: Sequence[str]
    table: Table
    lines: Sequence[LineView]
    at_time: Table
    notes: Sequence[str]
    failures: Sequence[Entry]
    choices: Sequence[tuple[str, bool]]
    charts: Sequence[Drawn]


def boards(results: Results) -> list[Board]:
    """The analysis of every leaderboard."""
    return [board(results, *contest) for contest in results.leaderboards()]


def view(
    found: Board, seeds: int, style: Styles, attachments: Attachments, datasets: dict[str, Any]
) -> BoardView:
    """A leaderboard as the page shows it, of `seeds` planned finals a method; the data of its
    charts goes into `datasets`."""
    cells = [line.cell for line in found.lines]
    id = found.contest.key
    every = metrics(found)
    families = sorted({_family(line) for line in found.begun} - {""})
    reached = any(line.reached for line in found.lines)
    return BoardView(
        id=id,
        name=found.contest.title,
        about=contest_about(found),
        families=families,
        groups=list(UNITS) if reached else [],
        table=Table(_columns(found, every, bool(families)), ()),
        lines=[
            replace(
                _line(line, seeds, found, every, bool(families)),
                guest=line.name in attachments.guests,
            )
            for line in found.begun
        ],
        at_time=_at_time(found),
        notes=list(_notes(found)),
        failures=[failure for line in found.lines for failure in _failures(line)],
        choices=choices(cells, style),
        charts=board_charts(found, style, id, _leader_net(attachments, found), datasets),
    )


def _at_time(found: Board) -> Table:
    """The methods at the same CPU time; no rows where nobody's time is the measure."""
    cells = [line.cell for line in found.lines]
    seconds = limit(cells)
    links = {cell.place.name: anchor(cell.place) for cell in cells}
    rows = [] if seconds is None else [
        [Entry(at.name, link=links[at.name]), number(at.accuracy, 2), short(at.passes),
         text("yes" if at.whole else "cut off"), number(at.seeds)]
        for at in at_equal_time(cells, seconds)
    ]  # fmt: skip
    return Table(AT_TIME, rows)


AT_TIME = (
    Column("Method", kind="text"),
    Column("accuracy", "%"),
    Column("passes"),
    Column("whole budget", kind="word"),
    Column("seeds"),
)


def _leader_net(attachments: Attachments, found: Board) -> LeaderNet | None:
    return next(iter(of_leaders(attachments.leader_nets, [found])), None)


def _family(line: Line) -> str:
    return line.cell.place.family.replace("_", " ")


def _columns(found: Board, every: Mapping[str, Metric], family: bool) -> list[Column]:
    """The columns of a leaderboard; the first is the method's."""
    return [
        Column("Method", kind="text"),
        *([Column("Family", kind="family")] if family else []),
        Column("Runs", "done", "runs on the test set with a result, of those "
               + ("planned" if found.planned else "there are"), ascending=False),
        *(column for key in PAGE for column in _column(key, every, found)),
    ]  # fmt: skip


def _column(key: str, every: Mapping[str, Metric], found: Board) -> Iterator[Column]:
    if key == "targets":
        for unit in UNITS:
            for target in targets_on(found.contest.problem):
                meaning = f"{unit} to {target.accuracy:g} %: {target.whose}"
                yield Column(f"{target.accuracy:g}\u00a0%", unit, meaning, group=unit)
    elif (metric := every[key]).shown:
        yield column(metric)


def column(metric: Metric) -> Column:
    """A metric's column; a heading begins with a capital on the page."""
    title = metric.title[0].upper() + metric.title[1:]
    return Column(title, metric.unit, metric.meaning, ascending=metric.ascending)


def _state(line: Line, found: Board) -> str:
    """The reference is marked where there is something to refer to."""
    is_reference = line.standing == "reference" and bool(found.led or found.compared)
    return "leader" if is_reference else ""


def _line(
    line: Line, seeds: int, found: Board, every: Mapping[str, Metric], family: bool
) -> LineView:
    failed = line.runs > 0 and line.accuracy is None
    return LineView(
        place="" if line.rank is None else str(line.rank),
        name=line.name,
        family=_family(line),
        link=anchor(line.cell.place),
        state=_state(line, found) if not failed else "failed",
        entries=[
            *([text(_family(line))] if family else []),
            _runs(line, seeds),
            *(entry for key in PAGE for entry in _entries(key, line, found, every)),
        ],
    )


def _runs(line: Line, seeds: int) -> Entry:
    done = line.runs - len(line.failures)
    return Entry(f"{done}/{max(seeds, line.runs)}", done, "; ".join(line.failures)[:300])


def _entries(key: str, line: Line, found: Board, every: Mapping[str, Metric]) -> Iterator[Entry]:
    """The fields of a line in the columns of `_column`."""
    if key == "targets":
        for unit in UNITS.values():
            yield from (_reached(one, unit) for one in line.reached)
            targets = targets_on(found.contest.problem)
            yield from (number(None) for _ in targets[len(line.reached) :])
    elif (metric := every[key]).shown:
        yield entry(key, metric, line, found)


def entry(key: str, metric: Metric, line: Line, found: Board) -> Entry:
    """A metric of a line, by which it is sorted, and what is said when it is pointed at."""
    if key == "difference":
        return _difference(metric, line, found)
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


def _difference(metric: Metric, line: Line, found: Board) -> Entry:
    if line.standing == "reference":
        return Entry("–", 0.0, "the others are compared with it" if found.compared else "")
    d = line.difference
    if d is None:
        return number(None, note=line.reason or "")
    tie = "= " if line.tied else "≈ " if line.standing == "borderline" else ""
    p = formats.p_value(d.adjusted)
    p = f"p {p}" if p.startswith("<") else f"p = {p}"
    note = f"{points(d.low)} to {points(d.high)}, {p} after Holm’s correction, {d.n} seeds"
    return Entry(tie + metric.text(line), d.mean, note)


def _reached(found: Reached, unit: str) -> Entry:
    missed = f"{found.missed} of {found.runs} seeds never did" if found.missed else ""
    value = float(getattr(found, unit))
    return Entry("never", value, missed) if math.isinf(value) else short(value, missed)


def _notes(found: Board) -> Iterator[str]:
    if len(found.begun) > 1 and (said := compared_with(found)):
        yield said
    if any(line.standing == "tied" for line in found.lines):
        yield (
            f"The = marks a tie: at {100 * found.level:g} % confidence, all comparisons taken "
            "together, the difference may be luck."
        )
    if any(line.standing == "borderline" for line in found.lines):
        yield (
            "The ≈ marks what is borderline: the test, corrected by Holm’s rule, finds a "
            "difference, and the interval that holds together with all others has 0 in it."
        )
    if found.waiting:
        yield f"Without a run yet: {', '.join(found.waiting)}."


def _failures(line: Line) -> Iterator[Entry]:
    for row in (*line.cell.finals, *line.cell.trials):
        if not row.done:
            kind = "seed" if row.role == "final" else row.role
            reason = row.status if row.reason is None else f"{row.status}, {row.reason}"
            yield Entry(f"{line.name}, {kind} {row.number}", note=reason,
                        link=anchor(line.cell.place))  # fmt: skip


def glance(found: Sequence[Board]) -> Table:
    """The leader of every leaderboard; where there is none, the highest mean, as such."""
    led = [one.led for one in found]
    who = "Leader" if all(led) else "Leader, or highest mean" if any(led) else "Highest mean"
    compared = any(one.led and one.compared for one in found)
    columns = (
        Column(
            "Leaderboard" if any(one.contest.terms for one in found) else "Scenario", kind="word"
        ),
        Column(who, kind="text"),
        *(column(metric) for one in found[:1] for metric in _glanced(one).values()),
        Column(f"To {GLANCE.accuracy:g}\u00a0%", "passes"),
        *((Column("Tie with it"), Column("Ahead")) if compared else ()),
    )
    return Table(columns, [row for one in found if (row := _glance(one, compared))])


def _glanced(found: Board) -> dict[str, Metric]:
    every = metrics(found)
    return {key: every[key] for key in ("accuracy", "half", "loss", "beats")}


def _glance(found: Board, compared: bool) -> list[Entry]:
    line = found.lead if found.led else next(iter(found.measured), None)
    if line is None:
        return []
    ties, ahead = (
        [other.name for other in found.measured if other.standing == standing]
        for standing in ("tied", "ahead")
    )
    at = next((one for one in line.reached if one.target == GLANCE), None)
    mine = found.led and found.compared
    entries = [
        Entry(found.contest.title, link=found.contest.key),
        Entry(line.name, link=anchor(line.cell.place)),
        *(entry(key, metric, line, found) for key, metric in _glanced(found).items()),
        _reached(at, "passes") if at else number(None),
    ]
    if compared:
        entries += [
            number(len(ties) if mine else None, note=", ".join(ties)),
            number(len(ahead) if mine else None, note=", ".join(ahead)),
        ]
    return entries
