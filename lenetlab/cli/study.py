"""`lenetlab study`: compute what a study file names, as far as it is not computed yet."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lenetlab.cli.options import RUNS, Data, Device, Engine, Json, Out, Tensorboard

if TYPE_CHECKING:
    from lenetlab.experiments.executors import Executor
    from lenetlab.experiments.plan import Plan
    from lenetlab.experiments.work import Setup
    from lenetlab.results import Row


def study(
    file: Annotated[Path, typer.Argument(help="The study file, as in studies/course.toml.")],
    workers: Annotated[
        int | None, typer.Option(help="Processes that compute (default: one a processor).")
    ] = None,
    scheduler: Annotated[
        str, typer.Option(help="local, a Dask scheduler tcp://HOST:8786, or dask to try one here.")
    ] = "local",
    results: Annotated[
        Path | None,
        typer.Option(help="Folder of text rows; runs found there count as done."),
    ] = None,
    retry: Annotated[
        bool, typer.Option("--retry", help="Try failed and diverged runs again.")
    ] = False,
    plan: Annotated[bool, typer.Option("--plan", help="Print the plan and run nothing.")] = False,
    tensorboard: Tensorboard = None,
    engine: Engine = "auto",
    device: Device = "auto",
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
    Ctrl-C.
    """
    import os

    from lenetlab.cli.study_output import describe, print_plan
    from lenetlab.errors import UserError
    from lenetlab.experiments.bench import Bench
    from lenetlab.experiments.events import check_tensorboard
    from lenetlab.experiments.naming import Names
    from lenetlab.experiments.plan import Plan
    from lenetlab.experiments.store import Store
    from lenetlab.experiments.study_file import read_study
    from lenetlab.experiments.work import Setup
    from lenetlab.experiments.working_folder import alone

    if tensorboard is not None:
        check_tensorboard()
    if workers is not None and workers < 1:
        raise UserError(f"--workers {workers} is out of range; expected 1 or more")
    if scheduler not in ("local", "dask") and "://" not in scheduler:
        raise UserError(f"--scheduler {scheduler!r}: expected local, dask or tcp://HOST:PORT")
    read, recipes = read_study(file)
    setup = Setup(None if data is None else data.resolve(), engine, device)
    bench = Bench(setup.data, engine=engine, device=device, threads=setup.threads)
    folder = out / "studies" / read.name
    with alone(folder):
        store = Store(folder)
        todo = Plan(read, recipes, Names(bench), store, results or folder / "results", retry)
        lacking = [cell for cell in todo.cells if todo.missing(cell)]
        count = workers or os.cpu_count() or 1
        print_plan(todo, count, json)
        if not plan and lacking:
            compute_missing(todo, scheduler, count, setup, folder, json, tensorboard)
        elif not plan:
            from lenetlab.experiments.publish import Publisher

            Publisher(todo, folder / "published.json").all()
            store.compact()
        complete = describe(todo, json)
    if not plan and not complete:
        raise typer.Exit(1)


def compute_missing(
    todo: "Plan",
    scheduler: str,
    workers: int,
    setup: "Setup",
    folder: Path,
    quiet: bool,
    tensorboard: Path | None = None,
) -> None:
    """Compute what a plan lacks; Ctrl-C ends with status 130."""
    import signal

    from lenetlab.cli.output import err
    from lenetlab.cli.study_output import live
    from lenetlab.experiments.coordinator import run_study
    from lenetlab.experiments.events import write_row
    from lenetlab.experiments.publish import Publisher

    def on_row(row: "Row") -> None:
        if tensorboard is not None:
            write_row(tensorboard, row)

    def stop(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGTERM, stop)
    executor = _executor(scheduler, workers, setup)
    try:
        with live(folder, quiet) as notify:
            run_study(todo, executor, Publisher(todo, folder / "published.json"), notify, on_row)
    except KeyboardInterrupt:
        err.print("stopped; the same command goes on from here", soft_wrap=True)
        raise typer.Exit(130) from None
    finally:
        executor.close()
        signal.signal(signal.SIGTERM, previous)


def _executor(scheduler: str, workers: int, setup: "Setup") -> "Executor":
    if scheduler == "local":
        from lenetlab.experiments.executors.local import Local

        return Local(workers, setup)
    from lenetlab.errors import UserError

    try:
        from lenetlab.experiments.executors.dask import connect
    except ImportError:
        raise UserError(
            'a scheduler needs Dask; install it with: pip install "lenetlab[dask]"'
        ) from None
    return connect(scheduler, setup, workers)
