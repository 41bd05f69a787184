"""The figures of a scenario, each with a caption that says what to see. What has nothing to show
gives no picture."""

from collections.abc import Sequence

from lenetlab.analysis.board import Board
from lenetlab.report.charts.curves import accuracy_curves, loss_curves
from lenetlab.report.charts.differences import difference_rows, differences
from lenetlab.report.charts.pareto import pareto
from lenetlab.report.charts.theme import SHOWN
from lenetlab.report.paper.markdown import Markdown, code
from lenetlab.report.paper.pictures import Picture, Pictures, cells_of, key_of

DRAWN = 16  # methods whose difference to the leader is drawn


def curves(board: Board, pictures: Pictures) -> Sequence[Picture]:
    """Accuracy and loss against passes."""
    cells, best = cells_of(board), _measured(board)[:SHOWN]
    if not best:
        return []
    where = f"scenario {code(key_of(board))}"
    others = " Faint: the others." if len(_measured(board)) > SHOWN else ""
    rows = pictures.rows_of(board)
    accuracy = accuracy_curves(cells, pictures.styles, "passes", best, rows)
    loss = loss_curves(cells, pictures.styles, "passes", best, rows)
    return [
        (
            pictures.draw(accuracy, f"accuracy-{key_of(board)}"),
            Markdown(
                f"Test accuracy in {where} against effective passes, logarithmic: means over "
                f"seeds, and bootstrap bands of 95 in 100.{others}"
            ),
        ),
        (
            pictures.draw(loss, f"loss-{key_of(board)}"),
            Markdown(
                f"True mean test loss in {where}. Where it rises while accuracy does not "
                "fall, a net grows sure of its mistakes."
            ),
        ),
    ]


def comparisons(board: Board, pictures: Pictures) -> Sequence[Picture]:
    """Differences to the leader, and the Pareto front."""
    found: list[Picture] = []
    key = code(key_of(board))
    rows = difference_rows(board)
    if rows and board.reference is not None:
        first = board.reference.place.name
        chart = differences(rows[:DRAWN], first, key_of(board))
        best = f" The first {DRAWN} of {len(rows)}." if len(rows) > DRAWN else ""
        caption = (
            f"Differences to {code(first)} in scenario {key}, paired by seed, with intervals "
            f"that hold together. Open circles are ties.{best}"
        )
        found.append((pictures.draw(chart, f"differences-{key_of(board)}"), Markdown(caption)))
    if _measured(board):
        points = pictures.rows_of(board)
        chart = pareto(cells_of(board), pictures.styles, rows=points)
        caption = (
            f"Accuracy against CPU seconds in scenario {key}: a point for every method and "
            "look; the line joins those that no other is above and left of."
        )
        found.append((pictures.draw(chart, f"pareto-{key_of(board)}"), Markdown(caption)))
    return found


def _measured(board: Board) -> list[str]:
    return [line.name for line in board.lines if line.accuracy is not None]
