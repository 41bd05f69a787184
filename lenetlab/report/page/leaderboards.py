"""A leaderboard with all that belongs to it: its table, what is said of it, its charts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lenetlab.analysis.board import Board, Line
from lenetlab.analysis.equal_time import at_equal_time, limit
from lenetlab.records.cells import Results
from lenetlab.records.finished import ended
from lenetlab.records.leader_net import LeaderNet
from lenetlab.report.attachments import Attachments, still_leading
from lenetlab.report.charts.theme import Styles
from lenetlab.report.metrics import metrics
from lenetlab.report.page.board_table import LineView, columns, family_of, line_view, units
from lenetlab.report.page.cell import anchor
from lenetlab.report.page.choosing import choosing
from lenetlab.report.page.drawings import board_charts, choices
from lenetlab.report.page.drawn import Drawn
from lenetlab.report.page.table import Column, Entry, Table, Titled, number, short, text
from lenetlab.report.wording.leaderboards import compared_with, contest_about, otherwise_timed
from lenetlab.report.wording.leading import first_and_leader
from lenetlab.report.wording.standings import BORDERLINE, TIE


@dataclass(frozen=True)
class BoardView:
    """A leaderboard and what belongs to it.

    first : why the first row does not lead, if it does not. waiting : methods without a run.
    choosing : what held-out images said. choices : methods, and which curves show at first.
    """

    id: str
    name: str
    about: str
    first: str
    families: Sequence[str]
    groups: Sequence[str]
    table: Table
    lines: Sequence[LineView]
    choosing: Sequence[Titled]
    at_time: Table
    notes: Sequence[str]
    waiting: Sequence[str]
    failures: Sequence[Entry]
    choices: Sequence[tuple[str, bool]]
    charts: Sequence[Drawn]


def view(
    board: Board,
    results: Results,
    style: Styles,
    attachments: Attachments,
    datasets: dict[str, Any],
) -> BoardView:
    """A leaderboard of `results` as the page shows it; the data of its charts goes into
    `datasets`."""
    cells = [line.cell for line in board.lines]
    id = board.contest.key
    every = metrics(board)
    families = sorted({family_of(line) for line in board.begun} - {""})
    reached = any(line.reached for line in board.lines)
    return BoardView(
        id=id,
        name=board.contest.title,
        about=contest_about(board, style.label),
        first=first_and_leader(board, style.titles),
        families=families,
        groups=list(units(board)) if reached else [],
        table=Table(columns(board, every, bool(families), results.seeds), ()),
        lines=[
            replace(
                line_view(line, results.seeds, board, every, bool(families), style),
                guest=line.name in attachments.guests,
            )
            for line in board.begun
        ],
        choosing=choosing(board, results, style),
        at_time=_at_time(board, style),
        notes=[*_notes(board, style), *([results.timed] if results.timed else [])],
        waiting=list(map(style.label, board.waiting)),
        failures=[failure for line in board.lines for failure in _failures(line, style)],
        choices=choices(cells, style),
        charts=board_charts(board, style, id, _leader_net(attachments, board), datasets),
    )  # fmt: skip


def _at_time(board: Board, style: Styles) -> Table:
    """The methods at the same CPU time; no rows where nobody's time is the measure."""
    cells = [line.cell for line in board.lines]
    seconds = limit(cells)
    links = {cell.place.name: anchor(cell.place) for cell in cells}
    rows = [] if seconds is None else [
        [Entry(style.label(at.name), link=links[at.name]), number(at.accuracy, 2), short(at.passes),
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


def _leader_net(attachments: Attachments, board: Board) -> LeaderNet | None:
    return next(iter(still_leading(attachments.leader_nets, [board])), None)


def _notes(board: Board, style: Styles) -> Iterator[str]:
    if len(board.begun) > 1 and (said := compared_with(board, style.label)):
        yield said
    if said := otherwise_timed(board, style.label):
        yield said
    if any(line.standing == "tied" for line in board.lines):
        yield TIE
    if any(line.standing == "borderline" for line in board.lines):
        yield BORDERLINE


def _failures(line: Line, style: Styles) -> Iterator[Entry]:
    for row in (*line.cell.finals, *line.cell.trials):
        if not row.done:
            kind = "seed" if row.role == "final" else row.role
            yield Entry(f"{style.label(line.name)}, {kind} {row.number}",
                        note=ended(row.status, row.reason),
                        link=anchor(line.cell.place))  # fmt: skip
