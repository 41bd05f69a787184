"""The leaders of all leaderboards at a glance."""

from collections.abc import Sequence

from lenetlab.analysis.board import Board
from lenetlab.analysis.targets import MAIN
from lenetlab.report.charts.theme import Styles
from lenetlab.report.metrics import metrics
from lenetlab.report.page.board_table import column, entry, reached_at
from lenetlab.report.page.cell import anchor
from lenetlab.report.page.table import Column, Entry, Table, number


def glance(boards: Sequence[Board], styles: Styles) -> Table:
    """The leader of every leaderboard; where there is none, the highest mean, as such."""
    led = [one.led for one in boards]
    who = "Leader" if all(led) else "Leader, or highest mean" if any(led) else "Highest mean"
    compared = any(one.led and one.compared for one in boards)
    of_board = [metrics(one) for one in boards]
    mean, rest = (
        [key for key in keys if any(every[key].shown for every in of_board)]
        for keys in MEAN_AND_REST
    )
    columns = (
        Column(
            "Leaderboard" if any(one.contest.terms for one in boards) else "Scenario", kind="word"
        ),
        Column(who, kind="text"),
        *(column(of_board[0][key]) for key in mean),
        Column(f"To {MAIN.accuracy:g}\u00a0%", "passes"),
        *(column(of_board[0][key]) for key in rest),
        *((Column("Tie with it"), Column("Ahead")) if compared else ()),
    )
    rows = (_row(one, mean, rest, compared, styles) for one in boards)
    return Table(columns, [row for row in rows if row])


# The mean and its interval, and what stands behind the target; each where a leaderboard has it.
MEAN_AND_REST = (("accuracy", "half"), ("loss",))


def _row(
    board: Board, mean: Sequence[str], rest: Sequence[str], compared: bool, styles: Styles
) -> list[Entry]:
    line = board.lead if board.led else next(iter(board.measured), None)
    if line is None:
        return []
    ties, ahead = (
        [other.name for other in board.measured if other.standing == standing]
        for standing in ("tied", "ahead")
    )
    mine = board.led and board.compared
    every = metrics(board)
    entries = [
        Entry(board.contest.title, link=board.contest.key),
        Entry(styles.among_scenarios(line.name, board.scenario), link=anchor(line.cell.place)),
        *(entry(key, every[key], line, board) for key in mean),
        reached_at(line, MAIN, "passes"),
        *(entry(key, every[key], line, board) for key in rest),
    ]
    if compared:
        entries += [
            number(len(ties) if mine else None, note=", ".join(ties)),
            number(len(ahead) if mine else None, note=", ".join(ahead)),
        ]
    return entries
