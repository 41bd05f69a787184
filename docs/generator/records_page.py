"""The record boards and the fewest seconds in docs/records.md, from the committed results.

    python docs/generator/records_page.py      writes them between their marks

A test holds them to what the results give.
"""

from pathlib import Path

import marks
from markdown_table import markdown_table

from lenetlab.analysis.record_board import RecordBoard, record_board
from lenetlab.disk import read_json
from lenetlab.records.record_boards import RECORDS, record_folders
from lenetlab.records.rows import read_results
from lenetlab.report.record_boards import IN_DOCS, ahead, columns

ROOT = Path(__file__).parents[2]
PAGE, BOARDS = ROOT / "docs" / "records.md", ROOT / "results" / RECORDS
SECONDS = ROOT / "results" / "seconds.json"


def computed(folder: Path = BOARDS) -> list[RecordBoard]:
    """The record boards in `folder` that are computed."""
    read = [read_results(one) for one in record_folders(folder)]
    boards = [record_board(one, one.record) for one in read if one.record is not None]
    return [one for one in boards if one.computed]


def table(folder: Path = BOARDS) -> str:
    """The record boards that are computed, a line each; what is to be said of them."""
    shown = computed(folder)
    if not shown:
        return "None is computed yet.\n"
    found = columns(shown)
    cells = [found[key] for key in IN_DOCS if key in found]
    heads = [f"{'' if column.words else '>'}{column.heading}" for column in cells]
    lines = markdown_table(heads, [[column.text(one) for column in cells] for one in shown])
    said = [f"- {sentence}" for one in shown if (sentence := ahead(one))]
    return "\n\n".join(filter(None, (lines, "\n".join(said)))) + "\n"


def seconds(file: Path = SECONDS) -> str:
    """The fewest seconds to the targets, as `benchmarks/seconds.py` measured them."""
    heads = ["to", "who", ">mean, %", ">lower bound, one-sided 95 %", "outcome", ">training, s",
             ">whole process, s"]  # fmt: skip
    rows = [
        [f"{one['target']:g} %",
         f"`{one['method']}`, {one['scenario']}, {one['passes']:g} passes (`{one['study']}`)",
         f"{one['mean']:.2f}", f"{one['bound']:.2f}", one["outcome"],
         f"{one['train_seconds']:.2f}", f"{one['process_seconds']:.2f}"]
        for one in read_json(file)["targets"]
    ]  # fmt: skip
    return markdown_table(heads, rows) + "\n"


def write() -> None:
    """From the committed results."""
    marks.write(PAGE, {"records": table(), "seconds": seconds()})


if __name__ == "__main__":
    write()
