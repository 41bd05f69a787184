"""What draws the paper's figures, each once, into a folder beside the paper."""

from pathlib import Path
from typing import Any

from lenetlab.analysis.board import Board
from lenetlab.disk import make_folder
from lenetlab.records.cells import Cell
from lenetlab.report.charts import render
from lenetlab.report.charts.curves import curve_rows
from lenetlab.report.charts.theme import FONT, Styles
from lenetlab.report.paper.picture_rows import WIDE

Picture = tuple[str, object]  # a file, relative to the paper, and its caption
WIDTH, HEIGHT = 300, 165  # of a picture, and of the plot in it: two stand side by side
WHOLE = 618  # of one as wide as the page
LONG = 20  # letters of a name, of which two do not stand beside each other
SIZE = 11  # of its letters, which are then as large as a caption's


class Pictures:
    """Draws into `folder`, as `form`. The paper may be composed again, shorter: what was drawn or
    bootstrapped is kept."""

    def __init__(self, folder: Path, form: str, styles: Styles, font: str = FONT) -> None:
        self.styles = styles
        self._font = font
        longest = max((len(styles.label(name)) for name in styles.names), default=0)
        self._columns = 1 if longest > LONG else 2  # of a legend
        self._folder, self._form = make_folder(folder), form
        self._drawn: set[Path] = set()
        self._rows: dict[str, list[dict[str, Any]]] = {}

    def draw(self, chart: object, name: str, width: float = WIDTH) -> str:
        """The chart as a file; its path, relative to the paper."""
        safe = "".join(c if c.isalnum() or c in "-+" else "_" for c in name)[:80]
        path = self._folder / f"{safe}{WIDE * (width > WIDTH)}.{self._form}"
        if path not in self._drawn:
            render.save(
                chart, path, width=width, height=HEIGHT, font=self._font, size=SIZE,
                columns=self._columns * (2 if width > WIDTH else 1),
            )  # fmt: skip
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
