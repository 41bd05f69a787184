"""`lenetlab study`: compute what a study file names, as far as it is not computed yet."""

from pathlib import Path
from typing import Annotated

import typer

from lenetlab.cli.shared.options import (
    RUNS,
    Data,
    Device,
    Engine,
    Json,
    Out,
    Retry,
    Scheduler,
    Tensorboard,
    Workers,
)
from lenetlab.cli.shared.study_session import Session, compute, make_setup, opened, processes
from lenetlab.cli.terminal.console import print_err, print_json
from lenetlab.cli.terminal.study import describe, print_plan
from lenetlab.errors import UserError
from lenetlab.experiments.run.tensorboard import check_tensorboard
from lenetlab.experiments.study.leaders import write_leader_nets
from lenetlab.experiments.study.pending import StudyPlan
from lenetlab.experiments.study.record_weights import write_record_weights
from lenetlab.experiments.study.schema import study_schema
from lenetlab.experiments.study.study_file import read_study
from lenetlab.experiments.study.worker import Setup, runtime_of
from lenetlab.experiments.tuning.tuned_recipes import kept_of, settle
from lenetlab.phrases import joined
from lenetlab.records.locate import STUDIES
from lenetlab.records.rows import read_results


def _print_schema(asked: bool) -> None:
    if asked:
        print_json(study_schema())
        raise typer.Exit


def study(
    file: Annotated[Path, typer.Argument(help="The study file, as in studies/course.toml.")],
    workers: Workers = None,
    scheduler: Scheduler = "local",
    results: Annotated[
        Path | None,
        typer.Option(help="Folder of text rows; runs found there count as done."),
    ] = None,
    retry: Retry = False,
    plan: Annotated[bool, typer.Option("--plan", help="Print the plan and run nothing.")] = False,
    schema: Annotated[
        bool,
        typer.Option(
            "--schema",
            callback=_print_schema,
            is_eager=True,
            help="Print the JSON Schema of study files, for editors, and run nothing.",
        ),
    ] = False,
    tensorboard: Tensorboard = None,
    engine: Engine = "auto",
    device: Device = "cpu",
    data: Data = None,
    out: Out = RUNS,
    json: Json = False,
) -> None:
    """Run a study: methods, scenarios and seeds from a file, tuned if it says so.

    - `lenetlab study studies/course.toml --plan`
    - `lenetlab study studies/course.toml --workers 2 --results results/course`

    Everything is kept in `OUT/studies/NAME`; the same command goes on where it was stopped, and
    runs nothing when all is done.

    Exit status: 0 complete, 1 when a cell has no finals with figures, 2 for wrong usage, 130 after
    Ctrl-C, 143 after SIGTERM.
    """
    if tensorboard is not None:
        check_tensorboard()
    read, recipes = read_study(file)
    problems = {cell.place.problem for cell in read.cells}
    if data is not None and len(problems) > 1:
        raise UserError(
            f"--data {data} holds the files of one problem and {file} has {len(problems)}; leave "
            "it out: LENETLAB_DATA may have a folder for each, as `lenetlab data` says"
        )
    setup = make_setup(data, engine, device)
    session = Session(out / STUDIES / read.name, setup, workers, retry, json, scheduler)
    with opened(read, recipes, session, results) as todo:
        if plan:
            todo.lacking()
            print_plan(todo, processes(workers), json)
        else:
            compute(todo, session, tensorboard)
            _keep(todo, setup, out)
        complete = describe(todo, json)
    if not plan and not complete:
        raise typer.Exit(1)


def _keep(plan: StudyPlan, setup: Setup, out: Path) -> None:
    """What comes of the rows of a finished study: tuned recipes, the leaders' mistakes, and of a
    record the weights."""
    results = read_results(plan.results)
    less: dict[str, list[str]] = {}
    for (method, scenario), one in settle(out, kept_of(results)).items():
        if not one.kept:
            less.setdefault(method, []).append(scenario)
        elif one.found != one.before:
            print_err(f"recipe of {method} in {scenario}: {one}")
    if less:
        where = "; ".join(f"{method} in {joined(scenarios)}" for method, scenarios in less.items())
        print_err(f"recipes that --tuned goes on without, no better or searched less: {where}")
    for sentence in write_leader_nets(plan.results, results, runtime_of(setup), plan.store.weights):
        print_err(f"leader not evaluated: {sentence}")
    if results.record is not None:
        try:
            write_record_weights(plan.results, results, runtime_of(setup), plan.store.weights)
        except UserError as error:
            print_err(f"weights not kept: {error}")
