"""The notebook runs from beginning to end, and what is committed of it reads well."""

import re
import sys
from pathlib import Path

import nbformat
import pytest

FOLDER = Path(__file__).parents[2] / "docs" / "notebook"
sys.path.insert(0, str(FOLDER))
from run import NOTEBOOK, executed


def test_ten_cells_with_outputs_and_no_path_of_a_machine() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert len(code) == 10
    assert all(cell.outputs for cell in code), "committed as it was executed"
    text = str([cell.outputs for cell in code])
    assert not re.search(r"/(home|root|tmp|work|Users)/", text)
    assert "Traceback" not in text
    assert "Warning" not in text


NUMBER = re.compile(r"\d+\.\d+")
CLOSE = 0.03  # of a figure: another processor rounds otherwise, and a short training shows it


def said(cell: nbformat.NotebookNode) -> str:
    """What a cell has printed and returned."""
    return "".join(o.get("text") or o["data"]["text/plain"] for o in cell.outputs)


@pytest.mark.long
def test_it_gives_the_figures_that_are_committed() -> None:
    stored = nbformat.read(NOTEBOOK, as_version=4)
    for before, now in zip(stored.cells, executed().cells, strict=True):
        if now.cell_type == "code":
            assert NUMBER.sub("#", said(now)) == NUMBER.sub("#", said(before))
            figures = [[float(x) for x in NUMBER.findall(said(cell))] for cell in (now, before)]
            assert figures[0] == pytest.approx(figures[1], rel=CLOSE)
