"""What draws the paper's figures, each once, into a folder beside the paper."""

from pathlib import Path
from typing import Any

from lenetlab.analysis.board import Board
from lenetlab.records.rows import Cell
from lenetlab.report.charts import render
from lenetlab.report.charts.curves import curve_rows
from lenetlab.report.charts.theme import Styles

Picture = tuple[str, object]  # a file, relative to the paper, and its caption
WIDTH, HEIGHT = 300, 165  # of a picture, and of the plot in it: two stand side by side


class Pictures:
    """Draws into `folder`, as `form`. The paper may be composed again, shorter: what was drawn or
    bootstrapped is kept."""

    def __init__(self, folder: Path, form: str, styles: Styles) -> None:
        self.styles = styles
        self._folder, self._form = folder, form
        self._drawn: set[Path] = set()
        self._rows: dict[str, list[dict[str, Any]]] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def draw(self, chart: object, name: str) -> str:
        """The chart as a file; its path, relative to the paper."""
        safe = "".join(c if c.isalnum() or c in "-+" else "_" for c in name)[:80]
        path = self._folder / f"{safe}.{self._form}"
        if path not in self._drawn:
            render.save(chart, path, width=WIDTH, height=HEIGHT)
            self._drawn.add(path)
        return str(Path(self._folder.name) / path.name)

    def rows_of(self, board: Board) -> list[dict[str, Any]]:
        """The board's curves."""
        key = board.contest.key
        if key not in self._rows:
            self._rows[key] = curve_rows(cells_of(board))
        return self._rows[key]


def cells_of(board: Board) -> list[Cell]:
    """Its cells, in its order."""
    return [line.cell for line in board.lines]
