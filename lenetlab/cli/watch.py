"""`lenetlab watch`: the state of a study in the terminal, from its working folder alone."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from lenetlab.analysis.state import failures, scenario_progress
from lenetlab.cli.terminal.console import make_table
from lenetlab.cli.terminal.console import out as console
from lenetlab.cli.terminal.duration import duration
from lenetlab.errors import UserError
from lenetlab.phrases import count
from lenetlab.records.locate import RESULTS, STUDIES, open_results
from lenetlab.records.progress import (
    NOTE,
    PROGRESS,
    PUBLISHED,
    Progress,
    ScenarioProgress,
    read_progress,
)
from lenetlab.records.rows import STUDY
from lenetlab.records.shapes import read_shaped
from lenetlab.report.formats import MISSING, number

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
    folder = working_folder(target, out)
    if once or not console.is_terminal:
        console.print(screen(folder, time.time()), soft_wrap=False)
        return

    try:
        with Live(console=console, auto_refresh=False) as live:
            while True:
                live.update(screen(folder, time.time()), refresh=True)
                time.sleep(EVERY)
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


def working_folder(target: Path, out: Path) -> Path:
    """The folder of `target` that has progress.json or results."""
    folder = out / STUDIES / target.stem if target.is_file() else target
    if folder.name == RESULTS and (folder.parent / PROGRESS).exists():
        folder = folder.parent
    signs = (folder / PROGRESS, folder / PUBLISHED, folder / STUDY, folder / RESULTS / STUDY)
    if not any(sign.exists() for sign in signs):
        raise UserError(
            f"{folder} holds no study; expected a study file that `lenetlab study` was given, its "
            "working folder, or a folder of results (and --out, if the study had another)"
        )
    return folder


def screen(folder: Path, now: float) -> RenderableType:
    """All that is shown, as of `now` (seconds since 1970): what the coordinator says, and where
    there is none, what the rows say."""
    progress = read_progress(folder)
    if progress is None:
        return Group(*_stored(_published(folder)))
    lines: list[RenderableType] = [Text(folder.name, style="bold"), _coordinator(progress, now)]
    if progress.alive(now):
        lines += [Text(), _running(progress, now)]
    lines += [Text(), _table(progress.scenarios)]
    if progress.alive(now):
        left = progress.seconds_left
        about = "not known yet" if left is None else f"about {duration(left)}"
        lines.append(Text(f"time left: {about}"))
    return Group(*lines, *_failures(list(reversed(progress.failures)), "failed last"))


def _published(folder: Path) -> Path:
    """Where the results of a working folder are: in it, or where `--results` said."""
    note = folder / PUBLISHED
    if (folder / STUDY).exists() or (folder / RESULTS / STUDY).exists() or not note.exists():
        return folder
    return Path(read_shaped(note, NOTE, "delete it and run the study again")["results"])


def _stored(folder: Path) -> Iterator[RenderableType]:
    results = open_results(folder)
    states = scenario_progress(results)
    yield Text(results.title, style="bold")
    if any(state.left for state in states):
        yield Text(f"not running; to go on, give `lenetlab study` its file ({results.name}.toml) "
                   "again", style="yellow")  # fmt: skip
    else:
        yield Text("complete", style="green")
    yield Text()
    yield _table(states)
    yield from _failures(failures(results), "failed")


def _failures(sentences: Sequence[str], title: str) -> Iterator[RenderableType]:
    if not sentences:
        return
    more = "" if len(sentences) <= FAILURES else f" ({FAILURES} of {len(sentences)})"
    yield Text(f"\n{title}{more}", style="bold")
    for sentence in sentences[:FAILURES]:
        yield Text(sentence, style="red")


def _coordinator(progress: Progress, now: float) -> RenderableType:
    where = f"process {progress.pid} on {progress.host}"
    if progress.alive(now):
        many = count(progress.workers, "worker")
        return Text(f"running for {duration(now - progress.started)}, {many}, {where}",
                    style="green")  # fmt: skip
    return Text(
        f"the coordinator is gone ({where}), last heard of {duration(now - progress.updated)} "
        "ago; the same `lenetlab study` command goes on from there",
        style="yellow",
    )


def _running(progress: Progress, now: float) -> Table:
    table = make_table("<runs now", "for")
    for label, since in progress.running:
        table.add_row(Text(label), duration(now - since))
    return table


def _table(states: Sequence[ScenarioProgress]) -> Table:
    table = make_table("<scenario", "done", "failed", "left", "held-out %", "<best so far")
    for state in states:
        accuracy, label = state.best or (None, MISSING)
        counts = (f"{n:,}" for n in (state.done, state.failed, state.left))
        table.add_row(state.scenario, *counts, number(accuracy, 2), Text(label))
    return table
