"""`lenetlab baseline`: the starter script's training, faster, to the same bits."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from lenetlab.analysis.tables import tabulate
from lenetlab.cli.shared.options import RUNS, Data, Device, Json, Out, Resume, Threads
from lenetlab.cli.terminal import script as say
from lenetlab.cli.terminal.console import (
    out,
    print_err,
    print_failures,
    print_json,
    results_table,
)
from lenetlab.cli.terminal.progress_bar import meter
from lenetlab.disk import replace_json
from lenetlab.errors import UserError
from lenetlab.experiments.jobs import check_seeds
from lenetlab.experiments.recipe.recipe import check_count
from lenetlab.experiments.run.on_disk import execute
from lenetlab.experiments.run.runtime import Runtime
from lenetlab.experiments.starter.recipe import (
    baseline_recipe,
    epoch_ends,
    preamble,
    script_lines,
    test_lines_of,
)
from lenetlab.experiments.starter.scripts.compare import compare, is_baseline
from lenetlab.experiments.starter.scripts.lines import parse_test_lines
from lenetlab.experiments.starter.scripts.recipe import describe
from lenetlab.experiments.starter.scripts.run import Ran, run_script
from lenetlab.experiments.starter.scripts.source import Source, read_source
from lenetlab.phrases import count
from lenetlab.records.cells import FINAL
from lenetlab.records.finished import ended
from lenetlab.records.rows import row_as_json, row_of
from lenetlab.records.run_folder import Run
from lenetlab.report.attachments import BASELINE
from lenetlab.report.run_plots import check_ending, loss_panels, save


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
        typer.Option(
            help="Run this copy of the script (or notebook) too, say what it is as a recipe, and "
            "compare the test lines."
        ),
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
    """Train as the starter script does: SGD, batch size 64, ten epochs, seed 42.

    Prints what the script prints and saves its figure. The numbers equal the script's to the
    last bit on the same machine with the same number of threads.

    - `lenetlab baseline`
    - `lenetlab baseline --script ~/course/fashionMNIST.py`
    - `lenetlab baseline --seeds 5`
    """
    of_one = {"--verbose": verbose, "--figure": figure, "--results": results}
    if seeds > 1 and (given := [option for option, value in of_one.items() if value]):
        raise UserError(f"{given[0]} is for one run; leave it out, or --seeds {seeds}")
    if figure is not None:
        check_ending(figure)
    if results is not None and not results.is_dir():
        raise UserError(f"--results {results} is no folder; expected one with results of a study")
    source = None if script is None else read_source(script)
    runtime = Runtime(data, out, "torch", device, threads, resume)
    check_seeds(seed, seeds)
    check_count(seeds)
    # first, because it may fail
    heard = None if source is None else _listen(source, data, threads, json)
    if seeds > 1:
        runs, facts = _luck(runtime, epochs, seed, seeds, json)
    else:
        found = _train(runtime, epochs, seed, verbose, json)
        if results is not None:  # where a report looks for it
            replace_json(results / BASELINE, row_as_json(row_of(found, FINAL, found.seed)))
        runs, facts = [found], _report(found, figure, json)
    as_it_should = all(found.status == "done" for found in runs)
    if heard is not None and source is not None:
        as_it_should &= _compare(source, heard, runs, epochs, facts, json)
    if json:
        print_json(facts)
    if not as_it_should:
        raise typer.Exit(1)


def _train(runtime: Runtime, epochs: float, seed: int, verbose: bool, quiet: bool) -> Run:
    """The run; what the script would have printed is printed on the way."""
    recipe = baseline_recipe(epochs)
    train, _, test, _ = runtime.load(recipe.split)
    per_epoch = -(-len(train) // recipe.batch_size)
    every = 1 if verbose else per_epoch
    printed = 0

    def catch_up(losses: Sequence[float], evaluations: list[dict[str, Any]]) -> None:
        nonlocal printed
        ends = epoch_ends(evaluations, epochs)
        for line in script_lines(losses, ends, per_epoch, every, printed):
            print(line)
        printed = ends[-1]["steps"] if ends else printed

    if quiet:
        return execute(recipe, seed, runtime)
    print(preamble(train, test))
    with meter(evaluations=False) as shown:
        shown.begin("baseline", recipe.budget)
        found = execute(
            recipe,
            seed,
            runtime,
            on_step=shown.step,
            on_eval=lambda t, evaluations: catch_up(t.losses, evaluations),
        )
    catch_up(found.losses.tolist(), found.evaluations)
    return found


def _report(found: Run, figure: Path | None, quiet: bool) -> dict[str, Any]:
    """Save the figure and say how the run went; the same as plain values."""
    path = save(loss_panels(found), figure or found.path / "loss.png")
    if not quiet:
        if found.status != "done":
            print_err(ended(found.status, found.result.reason), style="red")
        print_err(
            f"{found.machine['train_seconds']:.1f} s of training, "
            f"{count(found.machine['threads'], 'thread')}; figure: {path}; run: {found.path}"
        )
    ends = epoch_ends(found.evaluations, found.recorded.budget[1])
    lines = [vars(line) for line in test_lines_of(ends)]
    return found.summary() | {"test_lines": lines, "figure": str(path)}


def _luck(
    runtime: Runtime, epochs: float, first: int, seeds: int, quiet: bool
) -> tuple[list[Run], dict[str, Any]]:
    """The same training with other seeds: the spread of its result."""
    recipe = baseline_recipe(epochs)
    runs = []
    with meter(seeds, quiet) as shown:
        for seed in range(first, first + seeds):
            shown.begin(f"baseline, seed {seed}", recipe.budget)
            runs.append(execute(recipe, seed, runtime, on_step=shown.step, on_eval=shown.evaluated))
    rows = tabulate((f"seed {found.seed}", found) for found in runs)
    (together,) = tabulate(("all seeds", found) for found in runs)
    if not quiet:
        out.print(results_table([*rows, together]))
        print_failures(rows)
    return runs, {"runs": [found.summary() for found in runs], "table": [together.as_json()]}


def _listen(source: Source, data: Path | None, threads: int | None, quiet: bool) -> Ran:
    """Run somebody's copy of the script; what it measures is shown on the way."""

    def on_line(line: str) -> None:
        if not quiet and parse_test_lines(line):
            print_err(f"{source.path.name}: {' '.join(line.split())}")

    if not quiet:
        print_err(f"running {source.path} …")
    return run_script(source, data, threads, on_line)


def _compare(
    source: Source,
    heard: Ran,
    runs: Sequence[Run],
    epochs: float,
    facts: dict[str, Any],
    quiet: bool,
) -> bool:
    """Say what the script is and how it stands to the baseline; whether it could be read, and
    printed our lines if it trains what we train. What is found is added to `facts`."""
    described = describe(heard.record)
    theirs = parse_test_lines(heard.output)
    ours = test_lines_of(epoch_ends(runs[0].evaluations, epochs))
    compared = compare(ours, theirs, heard.record)
    facts |= say.facts(described, compared)
    if not quiet:
        if theirs:
            say.print_comparison(compared)
        say.print_described(described)
        if theirs:
            measured = [found.result.accuracy for found in runs]
            accuracies = [accuracy for accuracy in measured if accuracy is not None]
            say.print_standing(theirs, accuracies, epochs, len(described))
    if not theirs:
        say.print_unread(source.path.name)
        return False
    return compared.same or not is_baseline(described, epochs, runs[0].seed)
