"""`lenetlab records`: the record boards, who holds each, and whether that beats its bound."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from lenetlab.analysis.record_board import RecordBoard, record_board
from lenetlab.cli.shared.options import Json
from lenetlab.cli.terminal.console import make_table, out, print_json, print_out
from lenetlab.errors import UserError
from lenetlab.records.locate import STUDIES, published
from lenetlab.records.record_boards import RECORDS, record_folders
from lenetlab.records.rows import read_results
from lenetlab.report.record_boards import Column, ahead, columns


def records(
    folder: Annotated[
        Path | None,
        typer.Argument(
            help="Folder with a folder of results for each board (default: those that come with "
            "lenetlab)."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Show the record boards: who holds each, and whether that beats its bound.

    - `lenetlab records`
    - `lenetlab records results/records --json`

    A board is a study whose file has a bound: for the mean over ten seeds or more that its search
    has not had, of the test accuracy or the test loss. Who holds it was chosen on held-out images.
    The bound is beaten where a one-sided test at 5 %, corrected by Holm's rule for all methods that
    tried, says so and the mean's 95 % interval is beyond it; where one of them does, it is
    borderline. `lenetlab run --recipe BOARD` trains it again.
    """
    if folder is not None and not folder.is_dir():
        raise UserError(f"{folder} is no folder; expected one with a folder of results each board")
    found = read_boards(folder or published(RECORDS))
    if json:
        print_json([one.as_json() for one in found])
        return
    if not found:
        where = "with lenetlab" if folder is None else f"in {folder}"
        out.print(f"there are no record boards {where}; docs/records.md tells how one is made")
        return
    for table in _tables(found):
        out.print(table, "")
    for sentence in filter(None, map(ahead, found)):
        print_out(sentence)


def read_boards(folder: Path) -> list[RecordBoard]:
    """The boards with results in `folder`; and of the study files that lie beside it in a checkout,
    those that have none yet."""
    found = {}
    for one in record_folders(folder):
        results = read_results(one)
        if results.record is not None:
            found[one.name] = record_board(results, results.record)
    studies = folder.resolve().parent.parent / STUDIES / folder.name
    for file in sorted(studies.glob("*.toml")):
        if file.stem not in found:
            found[file.stem] = _planned(file)
    return [found[name] for name in sorted(found)]


def _planned(file: Path) -> RecordBoard:
    from lenetlab.experiments.study.study_file import read_study  # needs torch; most calls do not

    study, recipes = read_study(file)
    if study.record is None:
        raise UserError(f"{file} has no [record]; the studies beside it are record boards")
    size = recipes[0][0].recorded().size
    contest = study.cells[0].place.contest._replace(terms=size)
    return RecordBoard(study.name, study.record, contest.title, study.passes)


def _tables(boards: list[RecordBoard]) -> Iterator[Table]:
    """What each is about and came to, in words; then the figures of those that have some."""
    shown = columns(boards)
    yield _table(boards, [column for column in shown.values() if column.words])
    if begun := [one for one in boards if one.line is not None]:
        figures = [column for column in shown.values() if not column.words]
        yield _table(begun, [shown["name"], *figures])


def _table(boards: list[RecordBoard], shown: Sequence[Column]) -> Table:
    table = make_table(*(
        ("<" if column.words else "") + "\n".join(filter(None, (column.title, column.unit)))
        for column in shown
    ))  # fmt: skip
    for one in boards:
        table.add_row(*(column.text(one) for column in shown))
    return table
