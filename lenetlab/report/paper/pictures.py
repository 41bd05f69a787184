"""The paper's figures: drawn into a folder, each with a caption that says what to see."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lenetlab.analysis.board import Board
from lenetlab.analysis.profiles import profiles as profiles_of
from lenetlab.report.beside import Champion
from lenetlab.report.charts import vectors
from lenetlab.report.charts.champion import confusion, filters
from lenetlab.report.charts.curves import accuracy_curves, curve_rows, loss_curves
from lenetlab.report.charts.differences import difference_rows, differences
from lenetlab.report.charts.pareto import pareto
from lenetlab.report.charts.sensitivity import sensitivity
from lenetlab.report.charts.steps import budget, budget_rows, profile_rows, profiles
from lenetlab.report.charts.theme import SHOWN, Styles
from lenetlab.report.paper.facts import board_key
from lenetlab.report.paper.markdown import Markdown, code
from lenetlab.results import Cell, Results

Picture = tuple[str, object]
DRAWN = 16  # methods whose difference to the leader is drawn
SMALL = 6  # small charts of sensitivity
WIDTH, HEIGHT = 300, 165  # of a picture, and of the plot in it: two stand side by side


class Pictures:
    """Draws into `folder`, as `form`; files are named relative to the paper. What has nothing to
    show gives no picture."""

    def __init__(self, folder: Path, form: str, styles: Styles) -> None:
        self._folder, self._form, self._styles = folder, form, styles
        self._drawn: set[Path] = set()
        self._rows: dict[str, list[dict[str, Any]]] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def curves(self, board: Board) -> Sequence[Picture]:
        """Accuracy and loss against passes."""
        cells, best = _cells(board), _measured(board)[:SHOWN]
        if not best:
            return []
        where = f"scenario {code(_key(board))}"
        others = " Faint: the others." if len(_measured(board)) > SHOWN else ""
        rows = self._rows_of(board)
        accuracy = accuracy_curves(cells, self._styles, "passes", best, False, rows)
        loss = loss_curves(cells, self._styles, "passes", best, False, rows)
        return [
            (
                self._draw(accuracy, f"accuracy-{_key(board)}"),
                Markdown(
                    f"Test accuracy in {where} against effective passes, logarithmic: means over "
                    f"seeds, and bootstrap bands of 95 in 100.{others}"
                ),
            ),
            (
                self._draw(loss, f"loss-{_key(board)}"),
                Markdown(
                    f"True mean test loss in {where}. Where it rises while accuracy does not "
                    "fall, a net grows sure of its mistakes."
                ),
            ),
        ]

    def comparisons(self, board: Board) -> Sequence[Picture]:
        """Differences to the leader, and the Pareto front."""
        found: list[Picture] = []
        key = code(_key(board))
        rows = difference_rows(board)
        if rows and board.reference is not None:
            first = board.reference.place.name
            chart = differences(rows[:DRAWN], first, _key(board))
            best = f" The first {DRAWN} of {len(rows)}." if len(rows) > DRAWN else ""
            caption = (
                f"Differences to {code(first)} in scenario {key}, paired by seed, with intervals "
                f"that hold together. Open circles are ties.{best}"
            )
            found.append((self._draw(chart, f"differences-{_key(board)}"), Markdown(caption)))
        if _measured(board):
            points = self._rows_of(board)
            chart = pareto(_cells(board), self._styles, interactive=False, rows=points)
            caption = (
                f"Accuracy against CPU seconds in scenario {key}: a point for every method and "
                "look; the line joins those that no other is above and left of."
            )
            found.append((self._draw(chart, f"pareto-{_key(board)}"), Markdown(caption)))
        return found

    def computation(self, results: Results, boards: Sequence[Board]) -> Sequence[Picture]:
        """Performance profiles over scenarios and targets, and what tuning buys."""
        found: list[Picture] = []
        rows = profile_rows(profiles_of(results))
        if any(row["fraction"] for row in rows):
            best = list(dict.fromkeys(row["method"] for row in rows))[:SHOWN]
            chart = profiles(rows, self._styles, best, interactive=False)
            caption = (
                f"Performance profiles over {rows[0]['problems']} pairs of scenario and target: "
                "on which fraction of them a method needed at most so many times the passes of "
                "the best. Left: how often it is best; right: how many it reaches at all."
            )
            found.append((self._draw(chart, "profiles"), Markdown(caption)))
        for board in boards:
            spent = budget_rows(_cells(board))
            if not spent:
                continue
            names = [line.name for line in board.lines][:SHOWN]
            key = _key(board)
            chart = budget(spent, self._styles, key, names, interactive=False)
            caption = (
                f"What tuning buys in scenario {code(key)}: the best held-out accuracy of so many "
                "trials, the median over all ways to choose them from those that were run."
            )
            found.append((self._draw(chart, f"budget-{key}"), Markdown(caption)))
            break  # one scenario stands for all: the page has the others
        return found

    def sensitivity(self, boards: Sequence[Board]) -> Sequence[Picture]:
        """Trials of the first scenario's best few against learning rate and batch size."""
        for board in boards:
            tried = [line.name for line in board.lines if _has_rate(line.cell)][:SMALL]
            if tried:
                chart = sensitivity(_cells(board), tried, interactive=False)
                caption = (
                    f"Held-out accuracy of the trials in scenario {code(_key(board))} against "
                    "learning rate, coloured by batch size, for the methods with the highest "
                    "means. A flat cloud is a method that forgives; crosses on the floor failed."
                )
                return [(self._draw(chart, f"sensitivity-{_key(board)}"), Markdown(caption))]
        return []

    def champion(self, champions: Sequence[Champion]) -> Sequence[Picture]:
        """The first leader's mistakes and filters."""
        if not champions:
            return []
        one = champions[0]
        whose = f"of {code(one.method)} in scenario {code(one.scenario)}, seed {one.seed}"
        return [
            (
                self._draw(confusion(one.confusion), "confusion"),
                Markdown(
                    f"Test images by truth and answer, {whose}. The shades are of the mistakes, "
                    "the diagonal counts the right ones."
                ),
            ),
            (
                self._draw(filters(one.filters), "filters"),
                Markdown(
                    f"The six filters of the first layer {whose}. One scale for all, white is zero."
                ),
            ),
        ]

    def _rows_of(self, board: Board) -> list[dict[str, Any]]:
        """The board's curves, bootstrapped once."""
        key = _key(board)
        if key not in self._rows:
            self._rows[key] = curve_rows(_cells(board))
        return self._rows[key]

    def _draw(self, chart: object, name: str) -> str:
        safe = "".join(c if c.isalnum() or c in "-+" else "_" for c in name)[:80]
        path = self._folder / f"{safe}.{self._form}"
        if path not in self._drawn:  # the paper may be composed again, shorter
            vectors.save(chart, path, width=WIDTH, height=HEIGHT)
            self._drawn.add(path)
        return str(Path(self._folder.name) / path.name)


def _key(board: Board) -> str:
    return board_key(board.scenario, board.rules)


def _cells(board: Board) -> list[Cell]:
    return [line.cell for line in board.lines]


def _measured(board: Board) -> list[str]:
    return [line.name for line in board.lines if line.accuracy is not None]


def _has_rate(cell: Cell) -> bool:
    return any("lr" in row.recipe["method"][1] for row in cell.trials)
