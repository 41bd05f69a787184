"""The figures of a scenario, each with a caption that says what to see. What has nothing to show
gives no picture."""

from collections.abc import Sequence

from lenetlab.analysis.board import Board
from lenetlab.report import captions
from lenetlab.report.charts.curves import accuracy_curves, loss_curves
from lenetlab.report.charts.differences import difference_rows, differences
from lenetlab.report.charts.pareto import pareto
from lenetlab.report.charts.theme import SHOWN
from lenetlab.report.paper.markdown import Markdown, code
from lenetlab.report.paper.pictures import Picture, Pictures, cells_of

DRAWN = 16  # methods whose difference to the leader is drawn


def curves(board: Board, pictures: Pictures) -> Sequence[Picture]:
    """Accuracy and loss against passes."""
    cells, best = cells_of(board), _measured(board)[:SHOWN]
    if not best:
        return []
    where = code(board.contest.title)
    others = " Faint: the others." if len(_measured(board)) > SHOWN else ""
    rows = pictures.rows_of(board)
    accuracy = accuracy_curves(cells, pictures.styles, "passes", best, rows)
    loss = loss_curves(cells, pictures.styles, "passes", best, rows)
    return [
        (
            pictures.draw(accuracy, f"accuracy-{board.contest.key}"),
            Markdown(f"In {where}. {captions.accuracy(_seeds(board))}{others}"),
        ),
        (
            pictures.draw(loss, f"loss-{board.contest.key}"),
            Markdown(f"In {where}. {captions.loss(_seeds(board))}"),
        ),
    ]


def comparisons(board: Board, pictures: Pictures) -> Sequence[Picture]:
    """Differences to the leader, and the Pareto front."""
    found: list[Picture] = []
    where = code(board.contest.title)
    rows = difference_rows(board)
    if rows and board.reference is not None:
        first = board.reference.place.name
        chart = differences(rows[:DRAWN], first, board.contest.key, pictures.styles)
        best = f" The first {DRAWN} of {len(rows)}." if len(rows) > DRAWN else ""
        caption = Markdown(
            f"Compared with {code(first)} in {where}. {captions.differences(board)}{best}"
        )
        found.append((pictures.draw(chart, f"differences-{board.contest.key}"), caption))
    if len(_measured(board)) > 1:
        points = pictures.rows_of(board)
        chart = pareto(cells_of(board), pictures.styles, rows=points)
        caption = Markdown(f"Accuracy against CPU seconds in {where}. {captions.pareto()}")
        found.append((pictures.draw(chart, f"pareto-{board.contest.key}"), caption))
    return found


def _seeds(board: Board) -> int:
    return max((line.accuracy.n for line in board.measured if line.accuracy), default=0)


def _measured(board: Board) -> list[str]:
    return [line.name for line in board.lines if line.accuracy is not None]
