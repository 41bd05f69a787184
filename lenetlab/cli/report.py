"""`lenetlab report`: a study as a page to look at, or as a paper to hand in."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import typer

from lenetlab.cli.shared.options import Json
from lenetlab.cli.terminal.console import out, print_err, print_json
from lenetlab.errors import UserError
from lenetlab.phrases import count
from lenetlab.records.cells import FINAL, Results
from lenetlab.records.locate import open_results, results_folder
from lenetlab.records.rows import row_of
from lenetlab.records.run_folder import Run, finished_runs
from lenetlab.records.submissions import entries
from lenetlab.report.attachments import Attachments, read_attachments
from lenetlab.report.paper.front import Front
from lenetlab.report.paper.starter import baseline_of

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
    title: Annotated[str, typer.Option(help="Of the paper, in place of the results' own.")] = "",
    author: Annotated[
        list[str] | None, typer.Option(help="Who hands the paper in; repeat it for each.")
    ] = None,
    group: Annotated[str, typer.Option(help="Their group, below the authors.")] = "",
    course: Annotated[str, typer.Option(help="What the paper is for, below the authors.")] = "",
    open: Annotated[bool, typer.Option("--open", help="Show it when it is written.")] = False,
    json: Json = False,
) -> None:
    """Make a report of stored results: a page that works offline, or a paper.

    Nothing is trained. What is not finished is shown as far as it is.

    - `lenetlab report course --open`, of the study that comes with lenetlab
    - `lenetlab report results/course --format pdf --to course.pdf`
    - `lenetlab report course --submissions submissions --to leaderboard.html`
    - `lenetlab run adamw sgd --vary lr=0.001,0.01 --seeds 3`, then `lenetlab report runs`
    - `lenetlab report runs --format pdf --title "Optimizers" --author Ada --author Emmy`
    """
    results = open_results(target)
    path = to or Path(f"{Path(results.name).name or 'report'}.{format}")
    attachments = read_attachments(results_folder(target))
    if submissions is not None:
        if format != "html":
            raise UserError(f"--submissions is for the page; expected html, not {format}")
        results, attachments = _with_guests(results, attachments, submissions)
    front = Front(title, tuple(author or ()), group, course)
    if front != Front() and format == "html":
        raise UserError("--title, --author, --group and --course are for a paper; add --format pdf")
    runs = [] if results.planned or format == "html" else finished_runs(results_folder(target))
    first = baseline_of(runs)
    if attachments.baseline is None and first is not None:
        attachments = replace(attachments, baseline=row_of(first, FINAL, first.seed))
    written = _write(results, path, format, attachments, front, runs)
    if json:
        print_json({"files": [str(path) for path in written]})
    else:
        out.print(*written, sep="\n", soft_wrap=True)
    if open:
        typer.launch(str(written[0]))


def _with_guests(
    results: Results, attachments: Attachments, folder: Path
) -> tuple[Results, Attachments]:
    cells, left_out = entries(folder, results)
    for sentence in left_out:
        print_err(f"left out: {sentence}")
    names = sorted({cell.place.name for cell in cells})
    said = [f"With {count(len(names), 'guest')}: {', '.join(names)}. Guests are marked."]
    entered = replace(results, cells=(*results.cells, *cells))
    return entered, replace(attachments, guests=frozenset(names), said=said if names else [])


def _write(
    results: Results,
    path: Path,
    form: Format,
    attachments: Attachments,
    front: Front,
    runs: Sequence[Run],
) -> list[Path]:
    if not attachments.methods:
        from lenetlab.methods.describe import describe

        cells = (cell for some in (results, *attachments.others) for cell in some.cells)
        named = describe(cell.place.method for cell in cells)
        attachments = replace(attachments, methods=named)
    if form == "html":  # a page and a paper need other libraries
        from lenetlab.report.page.write import write as write_page

        return [write_page(results, path, attachments)]
    from lenetlab.methods.describe import defaults
    from lenetlab.report.paper.write import write as write_paper

    attachments = replace(attachments, defaults=defaults(), spaces=_spaces(results))
    return write_paper(results, path, form, attachments, front, runs)


def _spaces(results: Results) -> dict[str, dict[str, str]]:
    """What a search of each tuned method varies, with the decay of a scenario that has some; of
    those methods whose trials were drawn from there, in every scenario."""
    from lenetlab.experiments.tuning.search_space import space_of
    from lenetlab.experiments.tuning.within import all_within
    from lenetlab.methods.describe import is_here

    found: dict[str, dict[str, str]] = {}
    others: set[str] = set()
    for cell in results.cells if results.tuned else ():
        method, scenario = cell.place.method, cell.place.scenario
        if cell.trials and is_here(method):
            drawn = (row.recorded for row in cell.trials if row.number)
            if not all_within(method, scenario, drawn):
                others.add(method)
            said = {key: str(span) for key, span in space_of(method, scenario).items()}
            found[method] = found.get(method, {}) | said
    return {method: said for method, said in found.items() if method not in others}
