"""The notebook runs from beginning to end, and what is committed of it reads well."""

import re
import sys
from pathlib import Path

import nbformat

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


def test_it_runs() -> None:
    notebook = executed()
    assert all(cell.outputs for cell in notebook.cells if cell.cell_type == "code")
