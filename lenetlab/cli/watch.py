"""`lenetlab watch`: the state of a study in the terminal, from its working folder alone."""

import time
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from lenetlab.analysis.state import Standing
    from lenetlab.progress import Progress
    from lenetlab.results import Cell, Place, Results

EVERY = 1.0  # seconds between two readings of the folder
FAILURES = 5  # shown


def watch(
    target: Annotated[
        Path, typer.Argument(help="A study file, its working folder, or a folder of results.")
    ],
    out: Annotated[Path, typer.Option(help="Folder that `lenetlab study` was given.")] = Path(
        "runs"
    ),
    once: Annotated[
        bool, typer.Option("--once", help="Print the state and end; always so without a terminal.")
    ] = False,
) -> None:
    """Show how far a study is: what runs, what is left, the best so far, what failed.

    It reads files and disturbs nothing: start and stop it as you like, Ctrl-C ends it. The best
    are by held-out images; the test set is shown when the study has ended, by `lenetlab compare`.

    - `lenetlab watch studies/course.toml`
    """
    from lenetlab.cli.output import out as console

    folder = working_folder(target, out)
    if once or not console.is_terminal:
        console.print(screen(folder, time.time()), soft_wrap=False)
        return
    from rich.live import Live

    try:
        with Live(console=console, auto_refresh=False) as live:
            while True:
                live.update(screen(folder, time.time()), refresh=True)
                time.sleep(EVERY)
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


def working_folder(target: Path, out: Path) -> Path:
    """The folder of `target` that has progress.json or results."""
    from lenetlab.errors import UserError
    from lenetlab.opening import RESULTS, STUDIES
    from lenetlab.progress import PROGRESS
    from lenetlab.results import STUDY

    folder = out / STUDIES / target.stem if target.is_file() else target
    if folder.name == RESULTS and (folder.parent / PROGRESS).exists():
        folder = folder.parent
    signs = (folder / PROGRESS, folder / STUDY, folder / RESULTS / STUDY)
    if not any(sign.exists() for sign in signs):
        raise UserError(
            f"{folder} holds no study; expected a study file that `lenetlab study` was given, its "
            "working folder, or a folder of results (and --out, if the study had another)"
        )
    return folder


def read(folder: Path) -> "tuple[Results | None, list[Cell], Progress | None]":
    """The rows so far (None before the first are written), the cells by the time of their last
    run, the newest first, and what the coordinator says."""
    from dataclasses import replace

    from lenetlab.opening import RESULTS
    from lenetlab.progress import read_progress
    from lenetlab.results import STUDY, cell_path, read_plan

    progress = read_progress(folder)
    elsewhere = progress.results if progress is not None else None
    places = [Path(elsewhere)] if elsewhere else []
    found = next((p for p in (*places, folder, folder / RESULTS) if (p / STUDY).exists()), None)
    if found is None:
        return None, [], progress
    plan, cells = read_plan(found), []
    for place in (cell.place for cell in plan.cells):
        path = cell_path(found, place)
        stamp = path.stat().st_mtime_ns if path.exists() else 0
        cells.append((stamp, _cell(found, place, stamp)))
    newest = [cell for _, cell in sorted(cells, key=lambda pair: -pair[0])]
    return replace(plan, cells=tuple(cell for _, cell in cells)), newest, progress


@lru_cache(maxsize=None)
def _cell(folder: Path, place: "Place", stamp: int) -> "Cell":
    """A cell; `stamp` changes when its file does."""
    from lenetlab.results import read_cell

    return read_cell(folder, place)


def screen(folder: Path, now: float) -> "RenderableType":
    """All that is shown, as of `now` (seconds since 1970)."""
    from rich.console import Group
    from rich.text import Text

    from lenetlab.analysis.state import failures, seconds_left, standings

    results, newest, progress = read(folder)
    title = results.title if results is not None else folder.name
    parts: list[RenderableType] = [Text(title, style="bold"), _coordinator(progress, folder, now)]
    if progress is not None and progress.running and progress.alive(now):
        parts += [Text(), _running(progress, now)]
    if results is None:
        return Group(*parts, Text(), Text("no run is recorded so far"))
    states = standings(results)
    parts += [Text(), _table(states)]
    left = sum(state.left for state in states)
    if progress is not None and progress.alive(now) and left:
        seconds = seconds_left(results, progress.workers)
        about = "unknown before the first run has ended" if seconds is None else duration(seconds)
        parts.append(Text(f"time left: about {about}" if seconds else f"time left: {about}"))
    if failed := failures(newest):
        shown = "" if len(failed) <= FAILURES else f", {FAILURES} of {len(failed)} shown"
        parts += [Text(), Text(f"failed{shown}", style="bold")]
        parts += [
            Text(f"{cell.place.name} in {cell.place.scenario}, {row.role} {row.number}: "
                 f"{row.status}, {row.reason}", style="red")
            for cell, row in failed[:FAILURES]
        ]  # fmt: skip
    return Group(*parts)


def _coordinator(progress: "Progress | None", folder: Path, now: float) -> "RenderableType":
    from rich.text import Text

    if progress is None:
        return Text(f"results in {folder}; no coordinator has left a word here")
    where = f"process {progress.pid} on {progress.host}"
    if progress.alive(now):
        since = duration(now - progress.begun)
        many = "1 worker" if progress.workers == 1 else f"{progress.workers} workers"
        return Text(f"running for {since}, {many}, {where}", style="green")
    if progress.state == "finished":
        return Text(f"finished {duration(now - progress.updated)} ago")
    ago = duration(now - progress.updated)
    how = "was stopped" if progress.state == "stopped" else f"is gone ({where})"
    return Text(
        f"the coordinator {how}, last heard of {ago} ago; to go on: {progress.command}",
        style="yellow",
    )


def _running(progress: "Progress", now: float) -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("runs now", overflow="fold")
    table.add_column("scenario", no_wrap=True)
    table.add_column("for", justify="right", no_wrap=True)
    for run in progress.running:
        table.add_row(Text(run.label), Text(run.scenario), duration(now - run.since))
    return table


def _table(states: "list[Standing]") -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("scenario", no_wrap=True)
    for title in ("done", "failed", "left", "held-out %"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("best so far", overflow="fold")
    for state in states:
        name, row = state.best or ("–", None)
        label = name if row is None else f"{name}, trial {row.number}: {_settings(row.recipe)}"
        table.add_row(
            state.scenario if state.rules == "strict" else f"{state.scenario}, {state.rules}",
            f"{state.done:,}",
            f"{state.failed:,}" if state.failed else "–",
            f"{state.left:,}" if state.left else "–",
            "–" if row is None else f"{row.accuracy:.2f}",
            Text(label),
        )
    return table


def _settings(recipe: object) -> str:
    from lenetlab.recipes import parts

    return ", ".join(parts(recipe).values())  # type: ignore[arg-type]


def duration(seconds: float) -> str:
    """`5 s`, `12 min`, `3 h 05 min`, `2 d 4 h`."""
    whole = max(int(seconds), 0)
    if whole < 120:
        return f"{whole} s"
    minutes = whole // 60
    if minutes < 120:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    return f"{minutes // 1440} d {minutes % 1440 // 60} h"
