"""`lenetlab baseline`: the handed-out script's training, faster, to the same bits."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lenetlab.cli.options import RUNS, Data, Device, Json, Out, Resume, Threads, make_bench

if TYPE_CHECKING:
    from lenetlab.experiments.baseline import TestLine
    from lenetlab.experiments.bench import Bench
    from lenetlab.records import Run


def baseline(
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Print the loss of every step, as the script.")
    ] = False,
    epochs: Annotated[float, typer.Option(help="The script trains 10.")] = 10,
    seed: Annotated[int, typer.Option(help="The script's is 42.")] = 42,
    seeds: Annotated[
        int, typer.Option(help="Train this many seeds, to see how much of a result is luck.")
    ] = 1,
    script: Annotated[
        Path | None,
        typer.Option(help="Run this copy of the script too and compare the test lines."),
    ] = None,
    figure: Annotated[
        Path | None, typer.Option(help="Where the loss figure goes (default: the run's folder).")
    ] = None,
    results: Annotated[
        Path | None,
        typer.Option(help="Leave it in this folder of results too, for their `lenetlab report`."),
    ] = None,
    device: Device = "cpu",
    threads: Threads = None,
    data: Data = None,
    out: Out = RUNS,
    resume: Resume = True,
    json: Json = False,
) -> None:
    """Train as the handed-out script does: SGD, rate 0.001, batch 64, ten epochs, seed 42.

    Prints what the script prints and saves its figure. The numbers equal the script's to the
    last bit on the same machine with the same number of threads.

    - `lenetlab baseline`
    - `lenetlab baseline --script ~/course/fashionMNIST.py`
    - `lenetlab baseline --seeds 5`
    """
    from lenetlab.errors import UserError

    if script is not None and not script.is_file():
        raise UserError(f"--script {script} does not exist; expected a copy of fashionMNIST.py")
    bench = make_bench(data, out, "torch", device, threads, resume)
    if seeds > 1:
        _luck(bench, epochs, seed, seeds, json)
        return
    found = _train(bench, epochs, seed, verbose, json)
    if results is not None:
        _leave(found, results)
    theirs = _run_script(script, data, threads, json) if script else None
    same = _report(found, figure, theirs, json)
    if found.status != "done" or not same:
        raise typer.Exit(1)


def _train(bench: "Bench", epochs: float, seed: int, verbose: bool, quiet: bool) -> "Run":
    """The run; what the script would have printed is printed on the way."""
    from lenetlab.cli.output import stop_for
    from lenetlab.cli.progress import meter
    from lenetlab.experiments.baseline import baseline_recipe, preamble, script_lines
    from lenetlab.experiments.execute import Interrupted, execute

    recipe = baseline_recipe(epochs)
    train, _, test, _ = bench.load(recipe.split)
    per_epoch = -(-len(train) // recipe.batch_size)
    every = 1 if verbose else per_epoch
    printed = 0

    def catch_up(losses: Sequence[float], looks: list[dict[str, Any]]) -> None:
        nonlocal printed
        for line in script_lines(losses, looks, per_epoch, every, printed):
            print(line)
        printed = looks[-1]["steps"] if looks else printed

    if quiet:
        return execute(recipe, seed, bench)
    print(preamble(train, test))
    try:
        with meter(looks=False) as shown:
            shown.begin("baseline", recipe.budget)
            found = execute(
                recipe,
                seed,
                bench,
                on_step=shown.step,
                on_look=lambda t, looks: catch_up(t.losses, looks),
            )
    except Interrupted as stop:
        stop_for(stop)
    catch_up(found.losses.tolist(), found.looks)
    return found


def _leave(found: "Run", folder: Path) -> None:
    """Write the run as a row into the folder, where a report looks for it."""
    from dataclasses import asdict

    from lenetlab.errors import UserError
    from lenetlab.records import replace_json
    from lenetlab.report.beside import BASELINE
    from lenetlab.results import FINAL, row_of

    if not folder.is_dir():
        raise UserError(f"--results {folder} is no folder; expected one with results of a study")
    replace_json(folder / BASELINE, asdict(row_of(found, FINAL, found.seed)))


def _report(found: "Run", figure: Path | None, theirs: "list[TestLine] | None", json: bool) -> bool:
    """Print what there is to say; whether the script's lines, if any, are ours."""
    from lenetlab.cli.output import err, print_json
    from lenetlab.experiments.baseline import test_lines_of
    from lenetlab.report.figures import loss_panels, save

    ours = test_lines_of(found.looks)
    same = theirs is None or theirs == ours
    path = save(loss_panels(found), figure or found.path / "loss.png")
    if json:
        facts: dict[str, Any] = {
            "test_lines": [vars(line) for line in ours],
            "figure": str(path),
        }
        if theirs is not None:
            facts |= {"script_lines": [vars(line) for line in theirs], "same": same}
        print_json(found.summary() | facts)
        return same
    if theirs is not None:
        _compare(ours, theirs)
    if found.status != "done":
        err.print(f"[red]{found.status}[/]: {found.result['reason']}", soft_wrap=True)
    err.print(
        f"{found.machine['train_seconds']:.1f} s of training, {found.machine['threads']} threads; "
        f"figure: {path}; run: {found.path}",
        soft_wrap=True,
    )
    return same


def _run_script(
    script: Path, data: Path | None, threads: int | None, quiet: bool
) -> "list[TestLine]":
    """The test lines of somebody's copy of the script."""
    from lenetlab.cli.output import err
    from lenetlab.experiments.baseline import parse_test_lines
    from lenetlab.experiments.script import run_script

    def on_line(line: str) -> None:
        if line.startswith("Test set") and not quiet:
            err.print(f"{script.name}: {' '.join(line.split())}", markup=False, soft_wrap=True)

    if not quiet:
        err.print(f"running {script} …", soft_wrap=True)
    return parse_test_lines(run_script(script, data, threads, on_line))


def _compare(ours: "list[TestLine]", theirs: "list[TestLine]") -> None:
    """Both test lines of every epoch, and whether they are equal to the last digit."""
    from itertools import zip_longest

    from rich.table import Table

    from lenetlab.cli.output import out

    table = Table(box=None, header_style="bold", pad_edge=False)
    for title in ("epoch", "correct", "script's", "average loss", "script's", "same"):
        table.add_column(title, justify="right")
    for mine, other in zip_longest(ours, theirs):
        table.add_row(
            str((mine or other).epoch),
            str(mine.correct) if mine else "–",
            str(other.correct) if other else "–",
            str(mine.starter_average_loss) if mine else "–",
            str(other.starter_average_loss) if other else "–",
            "yes" if mine == other else "[red]no[/]",
        )
    out.print(table)
    equal = sum(mine == other for mine, other in zip(ours, theirs, strict=False))
    out.print(f"{equal} of {max(len(ours), len(theirs))} test lines are equal to the last digit")


def _luck(bench: "Bench", epochs: float, first: int, seeds: int, json: bool) -> None:
    """The same training with other seeds: the spread of its result."""
    from lenetlab.analysis.tables import tabulate
    from lenetlab.cli.output import out, print_failures, print_json, results_table
    from lenetlab.cli.run import execute_all
    from lenetlab.experiments.api import Job
    from lenetlab.experiments.baseline import baseline_recipe

    recipe = baseline_recipe(epochs)
    todo = [Job(recipe, first + k, f"seed {first + k}") for k in range(seeds)]
    results = execute_all(todo, bench, json)
    rows = tabulate((job.label, found) for job, found in results)
    (together,) = tabulate(("all seeds", found) for _, found in results)
    if json:
        print_json({"runs": [found.summary() for _, found in results], "table": [together.plain()]})
    else:
        out.print(results_table([*rows, together]))
        print_failures(rows)
    if together.failures:
        raise typer.Exit(1)
