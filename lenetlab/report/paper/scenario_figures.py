"""The figures of a scenario, each with a caption that says what to see. What has nothing to show
gives no picture."""

from collections import Counter
from collections.abc import Mapping, Sequence

from lenetlab.analysis.board import Board
from lenetlab.records.run_folder import Run
from lenetlab.report.charts.curves import accuracy_curves, loss_curves
from lenetlab.report.charts.differences import difference_rows, differences
from lenetlab.report.charts.theme import SHOWN
from lenetlab.report.charts.training import FEWEST, training_loss, training_rows
from lenetlab.report.paper.markdown import Markdown, code
from lenetlab.report.paper.pictures import Picture, Pictures, cells_of
from lenetlab.report.wording import captions

DRAWN = 16  # methods whose difference to the leader is drawn


def training(board: Board, runs: Mapping[str, Run], pictures: Pictures) -> Sequence[Picture]:
    """Training loss against passes, of single runs by id."""
    best = set(_measured(board)[:SHOWN])
    rows = training_rows([cell for cell in cells_of(board) if cell.place.name in best], runs)
    if not rows:
        return []
    where = board.contest
    chart = training_loss(rows, pictures.styles, f"scenario {where.title}")
    caption = Markdown(f"In {code(where.title)}. {captions.training(_seeds(board))}")
    return [(pictures.draw(chart, f"training-{where.key}"), caption)]


def curves(board: Board, pictures: Pictures) -> Sequence[Picture]:
    """Accuracy and loss against passes."""
    cells, best = cells_of(board), _measured(board)[:SHOWN]
    if max(Counter(row["method"] for row in pictures.rows_of(board)).values(), default=0) < FEWEST:
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


def apart(board: Board, pictures: Pictures) -> Sequence[Picture]:
    """Differences to the leader, of three methods or more."""
    rows = difference_rows(board)
    if len(rows) < FEWEST or board.reference is None:
        return []
    first, where = board.reference.place.name, board.contest
    chart = differences(rows[:DRAWN], first, where.key, pictures.styles)
    best = f" The first {DRAWN} of {len(rows)}." if len(rows) > DRAWN else ""
    caption = Markdown(
        f"Compared with {code(first)} in {code(where.title)}. {captions.differences(board)}{best}"
    )
    return [(pictures.draw(chart, f"differences-{where.key}"), caption)]


def panels(board: Board, pictures: Pictures) -> Sequence[Picture]:
    """Accuracy while training, and at the end compared with the leader, as one figure."""
    found = [*curves(board, pictures)[:1], *apart(board, pictures)]
    sides = ["Left: ", "Right: "] if len(found) > 1 else [""]
    said = " ".join(f"{side}{text}" for side, (_, text) in zip(sides, found, strict=False))
    return [
        *((file, "") for file, _ in found[:-1]),
        *((file, Markdown(said)) for file, _ in found[-1:]),
    ]


def _seeds(board: Board) -> int:
    return max((line.accuracy.n for line in board.measured if line.accuracy), default=0)


def _measured(board: Board) -> list[str]:
    return [line.name for line in board.lines if line.accuracy is not None]
