"""The paper as a file: PDF by Typst, or Markdown or TeX with its figures in a folder beside it."""

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, get_args

from lenetlab.disk import check_writable, encoded, make_folder, replace_bytes, replace_text
from lenetlab.errors import unknown
from lenetlab.records.cells import Results
from lenetlab.records.run_folder import Run
from lenetlab.report.attachments import Attachments
from lenetlab.report.charts.theme import Styles, styles
from lenetlab.report.paper import typst
from lenetlab.report.paper.compose import Composed, compose
from lenetlab.report.paper.front import Front
from lenetlab.report.paper.markdown import escape
from lenetlab.report.paper.own import compose_own
from lenetlab.report.paper.pictures import Pictures
from lenetlab.report.paper.tex import Tex, document
from lenetlab.report.paper.translate import translate

Format = Literal["pdf", "md", "tex"]
MOST_PAGES = 10
# Lines of a leaderboard, until the paper is short enough. Tables of 14 stand where they are named,
# longer ones where a page has place.
ROWS = (None, 40, 30, 24, 14, 8, 4)
SOURCES = "sources.json"


def write(
    results: Results,
    path: Path,
    form: Format = "pdf",
    attachments: Attachments | None = None,
    front: Front | None = None,
    runs: Sequence[Run] = (),
) -> list[Path]:
    """Write the paper of `results` to `path` and return the files that were written.

    Of single runs, `runs`, it is a student's own: the starter script's lines first, and places
    to write in.

    pdf : ten pages, or what is more than that once long leaderboards are cut, which say so. The
        runs behind every number are attached to the file as sources.json.
    md, tex : figures and sources.json go into the folder `<path's name>_files` beside it. TeX is
        for LuaLaTeX or XeLaTeX.
    """
    if form not in get_args(Format):
        raise unknown("format", form, get_args(Format))
    attachments, front = attachments or Attachments(), front or Front()
    make = _composer(results, attachments, front, runs)
    check_writable(path)
    make_folder(path.parent)
    if form == "pdf":
        replace_bytes(path, _pdf(results, make, front))
        return [path]
    folder = path.with_name(f"{path.stem}_files")
    pictures = Pictures(folder, "svg" if form == "md" else "pdf", _styles(results))
    note = f"The file {folder.name}/{SOURCES} says for every number from which."
    paper = make(pictures, None, note)
    if form == "md":
        text = _with_front(paper, front)
    else:
        text = document(paper.title, translate(_body(paper), Tex()), front)
    replace_bytes(folder / SOURCES, _sources(paper))
    replace_text(path, text)
    return [path, folder]


Make = Callable[[Pictures, int | None, str], Composed]  # of so many lines, with that note


def _composer(
    results: Results, attachments: Attachments, front: Front, runs: Sequence[Run]
) -> Make:
    """A study's paper, or that of single runs."""
    if runs and not results.planned:
        return lambda pictures, rows, note: compose_own(
            results, runs, attachments, pictures, rows, note, front
        )
    return lambda pictures, rows, note: compose(
        results, attachments, pictures, rows, note, front.title
    )


def _with_front(paper: Composed, front: Front) -> str:
    """Markdown with the authors below its title."""
    title, _, rest = paper.markdown.partition("\n")
    return "\n\n".join([title, *map(escape, front.lines), rest.lstrip("\n")])


def _pdf(results: Results, make: Make, front: Front) -> bytes:
    note = f"The file {SOURCES} attached to this one says for every number from which."
    with TemporaryDirectory(prefix="lenetlab-paper-") as temporary:
        folder = Path(temporary)
        pictures = Pictures(folder / "figures", "svg", _styles(results), typst.FONT)
        shutil.copy(str(files("lenetlab.report.paper") / "templates" / "paper.typ"), folder)
        source = folder / "main.typ"
        for rows in ROWS:
            paper = make(pictures, rows, note)
            (folder / SOURCES).write_bytes(_sources(paper))
            text = typst.document(paper.title, translate(_body(paper), typst.Typst()), front)
            source.write_bytes(encoded(text))
            if typst.pages(source) <= MOST_PAGES:
                break
        return typst.compile_pdf(source)


def _body(paper: Composed) -> str:
    """Without the title, which the document's own head has."""
    return paper.markdown.partition("\n")[2]


def _sources(paper: Composed) -> bytes:
    return encoded(json.dumps(paper.numbers.sources, indent=1, ensure_ascii=False) + "\n")


def _styles(results: Results) -> Styles:
    """Of the methods that have a run: the length of a name that is only planned makes no legend."""
    return styles(replace(results, cells=tuple(results.begun())))
