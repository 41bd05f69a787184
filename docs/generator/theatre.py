"""The theatre of the study's page: the best of every family on its way, in one plane of weights.

    python docs/generator/theatre.py      writes results/course/plane.json; some minutes

Of every family in `plain` the method that was best on held-out images is trained by its finals'
recipe and seed 0, once for its weights and once for the points on its way.
"""

import shlex
import tempfile
from pathlib import Path

from shell import lenetlab

from lenetlab.analysis.board import Line, board
from lenetlab.disk import read_json, replace_json
from lenetlab.inspection.plane import FILE
from lenetlab.records.cells import Results
from lenetlab.records.contest import Contest
from lenetlab.records.rows import read_results

STUDIED = Path(__file__).parents[2] / "results" / "course"
SCENARIO = "plain"


def best_of_families(results: Results) -> list[Line]:
    """The line of every family that was best on held-out images, in the order of those."""
    lines = [line for line in board(results, Contest(SCENARIO)).lines if line.held_out is not None]
    found: dict[str, Line] = {}
    for line in sorted(lines, key=lambda line: -(line.held_out or 0.0)):
        found.setdefault(line.cell.place.family, line)
    return list(found.values())


def write() -> None:
    """From the committed rows."""
    with tempfile.TemporaryDirectory() as folder:
        for line in best_of_families(read_results(STUDIED)):
            final = line.cell.finals[0]
            _, *words = shlex.split(final.recorded.command(final.seed))
            print(line.name, flush=True)
            lenetlab(*words, "--out", f"{folder}/runs")
        runs = sorted(map(str, Path(folder, "runs").glob("*-*")))
        lenetlab("inspect", *runs, "--plane", "--to", folder)
        replace_json(STUDIED / FILE, read_json(Path(folder) / FILE))


if __name__ == "__main__":
    write()
