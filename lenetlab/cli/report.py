"""`lenetlab report`: a study as a page to look at, or as a paper to hand in."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import typer

from lenetlab.cli.options import Json
from lenetlab.cli.terminal.console import err, out, print_json
from lenetlab.cli.terminal.numbers import count
from lenetlab.errors import UserError
from lenetlab.records.locate import open_results, results_folder
from lenetlab.records.rows import Results
from lenetlab.records.submissions import entries
from lenetlab.report.attachments import Attachments, read_attachments

Format = Literal["html", "pdf", "md", "tex"]


def report(
    target: Annotated[
        Path,
        typer.Argument(
            help="A study file, its working folder, a folder of results, or a folder of runs."
        ),
    ],
    format: Annotated[Format, typer.Option(help="A page, a paper, or its source.")] = "html",
    to: Annotated[
        Path | None, typer.Option(help="Where it goes (default: its name, in this folder).")
    ] = None,
    submissions: Annotated[
        Path | None,
        typer.Option(help="A folder of challenges, whose guests stand on the page as well."),
    ] = None,
    open: Annotated[bool, typer.Option("--open", help="Show it when it is written.")] = False,
    json: Json = False,
) -> None:
    """Make a report of stored results: a page that works offline, or a paper.

    Nothing is trained. What is not finished is shown as far as it is.

    - `lenetlab report studies/course.toml --open`
    - `lenetlab report results/course --format pdf --to course.pdf`
    - `lenetlab report course --submissions submissions --to leaderboard.html`
    - `lenetlab run adamw sgd --vary lr=0.001,0.01 --seeds 3`, then `lenetlab report runs`
    """
    results = open_results(target)
    path = to or Path(f"{Path(results.name).name or 'report'}.{format}")
    attachments = read_attachments(results_folder(target))
    if submissions is not None:
        if format != "html":
            raise UserError(f"--submissions is for the page; expected html, not {format}")
        results, attachments = _with_guests(results, attachments, submissions)
    written = _write(results, path, format, attachments)
    if json:
        print_json({"files": [str(path) for path in written]})
    else:
        out.print(*written, sep="\n", soft_wrap=True, markup=False)
    if open:
        typer.launch(str(written[0]))


def _with_guests(
    results: Results, attachments: Attachments, folder: Path
) -> tuple[Results, Attachments]:
    cells, left_out = entries(folder, results)
    for sentence in left_out:
        err.print(f"left out: {sentence}", markup=False, soft_wrap=True)
    names = sorted({cell.place.name for cell in cells})
    said = [f"With {count(len(names), 'guest')}: {', '.join(names)}. Guests are marked."]
    entered = replace(results, cells=(*results.cells, *cells))
    return entered, replace(attachments, guests=frozenset(names), said=said if names else [])


def _write(results: Results, path: Path, form: Format, attachments: Attachments) -> list[Path]:
    if not attachments.methods:
        from lenetlab.methods.describe import describe

        cells = (cell for some in (results, *attachments.others) for cell in some.cells)
        named = describe(cell.place.method for cell in cells)
        attachments = replace(attachments, methods=named)
    if form == "html":  # a page and a paper need other libraries
        from lenetlab.report.page.write import write as write_page

        return [write_page(results, path, attachments)]
    from lenetlab.report.paper.write import write as write_paper

    return write_paper(results, path, form, attachments)
