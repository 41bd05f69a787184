"""The weights of a record: those of the first final of who holds it, beside the rows."""

from pathlib import Path

from safetensors import SafetensorError, safe_open

from lenetlab.disk import replace_bytes
from lenetlab.experiments.run.runtime import Runtime
from lenetlab.experiments.study.leaders import weights_of
from lenetlab.problem.model import weights_file
from lenetlab.records.cells import Results
from lenetlab.records.record_boards import finals
from lenetlab.records.run_folder import WEIGHTS

RUN = "run"  # in the file's metadata: whose weights they are


def write_record_weights(folder: Path, results: Results, runtime: Runtime, kept: Path) -> None:
    """Write the weights beside the rows in `folder`, unless they are there. `kept` is where a study
    keeps weights, by id; those that are not there are computed again.

    Raises `UserError` where nobody holds the record, and as `weights_of` does.
    """
    row, path = finals(results)[0], folder / WEIGHTS
    if run_of(path) == row.id:
        return
    weights, _ = weights_of(row, runtime, kept)
    replace_bytes(path, weights_file(weights, {RUN: row.id}))


def run_of(path: Path) -> str | None:
    """The id of the run whose weights a file holds; None where it says none."""
    if not path.is_file():
        return None
    try:
        with safe_open(path, "pt") as file:
            return (file.metadata() or {}).get(RUN)
    except SafetensorError:
        return None
