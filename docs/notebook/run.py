"""Run the notebook in a folder of its own and keep its output: `python docs/notebook/run.py`."""

import os
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).with_name("optimizer.ipynb")


def executed(timeout: int = 600) -> nbformat.NotebookNode:
    """The notebook with fresh outputs; raises `CellExecutionError` where a cell fails."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(
            notebook,
            timeout=timeout,
            kernel_name="python3",
            record_timing=False,
            resources={"metadata": {"path": folder}},
        )
        client.execute()
    return notebook


if __name__ == "__main__":
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    nbformat.write(executed(), NOTEBOOK)
    sys.exit(0)
