"""`lenetlab demo`: the baseline, then two recipes that beat it; a table, a figure and the page."""

import math
import os
import sys
from contextlib import nullcontext
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.live import Live
from rich.table import Table

from lenetlab.analysis.targets import STARTER, spent_to
from lenetlab.cli.shared.extras import libraries
from lenetlab.cli.shared.options import (
    RUNS,
    Data,
    Device,
    Engine,
    Json,
    Out,
    Resume,
    Threads,
)
from lenetlab.cli.terminal.console import (
    err,
    make_table,
    print_err,
    print_json,
    print_out,
)
from lenetlab.cli.terminal.console import out as console
from lenetlab.cli.terminal.console import seconds as show_seconds
from lenetlab.experiments.recipe.recipe import Recipe, make_recipe
from lenetlab.experiments.run.on_disk import OnEval, OnStep, execute
from lenetlab.experiments.run.runtime import Runtime
from lenetlab.experiments.starter.recipe import baseline_recipe
from lenetlab.methods.describe import describe
from lenetlab.phrases import count
from lenetlab.records.finished import ended
from lenetlab.records.locate import open_results
from lenetlab.records.run_folder import Run
from lenetlab.records.starter import SEED
from lenetlab.report.attachments import Attachments
from lenetlab.report.formats import MISSING, number
from lenetlab.report.run_plots import race, save

# Positions at which a run is measured: densely at first, where the good ones pass the baseline.
EVAL_AT = (0.02, 0.05, 0.1, 0.2, 0.5, *range(1, 11))


def demo(
    engine: Engine = "auto",
    device: Device = "cpu",
    threads: Threads = None,
    data: Data = None,
    out: Out = RUNS,
    resume: Resume = True,
    open: Annotated[
        bool | None,
        typer.Option("--open/--no-open", help="Show the page (default: on a desktop)."),
    ] = None,
    json: Json = False,
) -> None:
    """Train the starter's baseline and two recipes that beat it: table, figure, page.

    They show what is possible and prove nothing: where they lie was first found by test accuracy,
    and checked on held-out training images afterwards (docs/protocol.md, Tuning).
    """
    runtime = Runtime(data, out / "demo", engine, device, threads, resume)
    entries = recipes()
    board = LiveTable([label for label, _, _ in entries])
    runs: list[tuple[str, Run]] = []
    with board.shown(quiet=json):
        for label, recipe, seed in entries:
            on_step, on_eval = board.watch(label)
            run = execute(recipe, seed, runtime, EVAL_AT, on_step, on_eval)
            board.finish(label, run)
            runs.append((label, run))
    path = save(race(runs), Path(out) / "demo.png")
    rows = [summarise(label, run, runs[0][1]) for label, run in runs]
    page = make_page(out / "demo", out / "demo.html")
    if json:
        print_json({"rows": rows, "figure": str(path), "page": None if page is None else str(page)})
    else:
        console.print(final_table(rows))
        summary = runs[0][1].summary()
        console.print(
            f"engine {summary['engine']} on {summary['device']}, "
            f"{count(summary['threads'], 'thread')}; seconds are of training, measuring excluded"
        )
        print_out(f"figure: {path}\nruns:   {runtime.out}/")
        if page is None:
            console.print("page:   needs the packages of lenetlab[report]")
        else:
            print_out(f"page:   {page}")
    if page is not None and (wanted() and not json if open is None else open):
        typer.launch(str(page.resolve()))
    failed = [(label, run) for label, run in runs if run.status != "done"]
    for label, run in failed:
        print_err(f"{label}: {ended(run.status, run.result.reason)}", style="red")
    if failed:
        raise typer.Exit(1)


def make_page(runs: Path, path: Path) -> Path | None:
    """The page of the runs in the folder `runs`; None where what draws it is not installed."""
    if any(find_spec(name) is None for name in libraries("report")):
        return None

    from lenetlab.report.page.write import write

    results = replace(open_results(runs), title="The baseline and two recipes that beat it")
    named = describe(cell.place.method for cell in results.cells)
    return write(results, path, Attachments(methods=named))


def wanted() -> bool:
    """Whether somebody sits before a screen: a terminal, a desktop, and no CI."""
    if not sys.stdout.isatty() or "CI" in os.environ:
        return False
    desktop = "DISPLAY" in os.environ or "WAYLAND_DISPLAY" in os.environ
    return desktop or sys.platform in ("darwin", "win32")


def recipes() -> list[tuple[str, Recipe, int]]:
    """Label, recipe and seed of the runs."""
    shared: dict[str, Any] = {"passes": 10, "batch_size": 512, "schedule": "linear", "warmup": 0.1}
    return [
        ("baseline: sgd", baseline_recipe(), SEED),
        (
            "hyperball: muon_hyperball",
            make_recipe("muon_hyperball", {"lr": 0.02}, **shared),
            0,
        ),
        (
            "with weight decay: muon",
            make_recipe("muon", {"lr": 0.08, "weight_decay": 0.12}, scenario="l2", **shared),
            0,
        ),
    ]


def summarise(label: str, run: Run, baseline: Run) -> dict[str, Any]:
    """One line of the final table as plain values; None where a figure does not exist."""
    ours, theirs = (spent_to(one, STARTER, "seconds") for one in (run, baseline))
    summary = run.summary()
    keys = ("status", "accuracy", "loss", "starter_average_loss", "passes", "train_seconds")
    return {"label": label} | {key: summary[key] for key in keys} | {
        "seconds_to_baseline": None if math.isinf(ours) else ours,
        "times_faster": None if math.isinf(ours) or math.isinf(theirs) else theirs / ours,
        "run_dir": summary["run_dir"],
    }  # fmt: skip


def final_table(rows: list[dict[str, Any]]) -> Table:
    """The table that the demo ends with."""
    table = make_table("<recipe", "accuracy %", "mean loss", "starter's average", "passes",
                       "seconds", f"to {STARTER} %", "times faster")  # fmt: skip

    for row in rows:
        to, faster = row["seconds_to_baseline"], row["times_faster"]
        digits = 0 if faster and faster >= 10 else 1
        table.add_row(
            row["label"],
            number(row["accuracy"], 2),
            number(row["loss"], 4),
            number(row["starter_average_loss"], 6),
            number(row["passes"], 1),
            show_seconds(row["train_seconds"]),
            MISSING if to is None else show_seconds(to),
            MISSING if faster is None else f"{faster:.{digits}f}×",
        )
    return table


class LiveTable:
    """The live table: a line per recipe, the running one with its progress."""

    def __init__(self, labels: list[str]) -> None:
        self._lines = {label: ["waiting", "", "", ""] for label in labels}
        self._live: Any = None
        self._quiet = False

    def shown(self, quiet: bool) -> Any:
        """A context in which the table is on the terminal; elsewhere lines are printed."""
        self._quiet = quiet
        if quiet or not err.is_terminal:
            return nullcontext()
        self._live = Live(get_renderable=self._table, console=err, transient=True,
                          refresh_per_second=5)  # fmt: skip
        return self._live

    def watch(self, label: str) -> tuple[OnStep, OnEval]:
        """Callbacks for the run that is about to start."""
        line = self._lines[label]

        def on_step(t: Any, loss: float) -> None:
            if self._live is not None:  # cheap: the table is drawn by the clock, not by steps
                line[0] = f"epoch {t.position:.1f}"
                line[1] = f"{loss:.3f}"

        def on_eval(t: Any, evaluations: list[dict[str, Any]]) -> None:
            evaluation = evaluations[-1]
            line[2], line[3] = f"{evaluation['loss']:.4f}", f"{evaluation['accuracy']:.2f}"
            if self._live is None and not self._quiet and evaluation["at"] >= 1:
                print_err(
                    f"{label}: epoch {evaluation['at']:g}, test loss {evaluation['loss']:.4f}, "
                    f"accuracy {evaluation['accuracy']:.2f} %"
                )

        return on_step, on_eval

    def finish(self, label: str, run: Run) -> None:
        """The run has ended."""
        summary = run.summary()
        line = self._lines[label]
        line[0] = f"{run.status}, {summary['train_seconds']:.1f} s"
        if run.status == "done":
            line[2], line[3] = f"{summary['loss']:.4f}", f"{summary['accuracy']:.2f}"

    def _table(self) -> Table:
        table = make_table("<recipe", "<", "training loss", "test loss", "accuracy %")
        for label, line in self._lines.items():
            table.add_row(label, *line)
        return table
