"""What the commands share that compute a study: its plan, opened alone; its executor; its end."""

import signal
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import typer

from lenetlab.cli.shared.extras import bringing
from lenetlab.cli.shared.options import check_limit
from lenetlab.cli.terminal.console import print_err
from lenetlab.cli.terminal.study import live, print_plan
from lenetlab.errors import UserError
from lenetlab.experiments.recipe.recipe import Recipe
from lenetlab.experiments.run.environment import beside_code, commit, processors
from lenetlab.experiments.run.folder_lock import exclusive_lock
from lenetlab.experiments.run.tensorboard import write_row
from lenetlab.experiments.study.coordinator import OnRow, run_study
from lenetlab.experiments.study.executors import Executor
from lenetlab.experiments.study.executors.local import Local
from lenetlab.experiments.study.model import Study, remarks, trial_recipes
from lenetlab.experiments.study.pending import StudyPlan
from lenetlab.experiments.study.publish import Publisher
from lenetlab.experiments.study.run_ids import Names
from lenetlab.experiments.study.store import Store
from lenetlab.experiments.study.worker import Setup, runtime_of
from lenetlab.phrases import count
from lenetlab.records.cells import Cell, RunRow
from lenetlab.records.locate import RESULTS
from lenetlab.records.progress import PUBLISHED

MOST_WORKERS = 1000  # processes on one machine, each with PyTorch in it


def make_setup(data: Path | None, engine: str, device: str) -> Setup:
    """By what workers compute, wherever they are."""
    return Setup(None if data is None else data.absolute(), engine, device)


def limited(study: Study, limit: float | None) -> Study:
    """The study with a limit in seconds for every run."""
    check_limit(limit)
    return replace(study, limit=limit)


@dataclass(frozen=True)
class Session:
    """How a command computes a study.

    folder : the study's working folder. workers : processes; None for one a processor.
    retry : runs without figures again. quiet : say nothing on the way.
    scheduler : `local`, `dask` or the address of Dask's.
    """

    folder: Path
    setup: Setup
    workers: int | None = None
    retry: bool = False
    quiet: bool = False
    scheduler: str = "local"


@contextmanager
def opened(
    study: Study,
    recipes: Sequence[list[Recipe]],
    session: Session,
    results: Path | None = None,
) -> Iterator[StudyPlan]:
    """The plan of `study` in its working folder, which nobody else may use meanwhile."""
    for remark in remarks(study):
        print_err(remark)
    names, folder = Names(runtime_of(session.setup)), session.folder
    with exclusive_lock(folder, "study"):
        where = results or folder / RESULTS
        yield StudyPlan(study, recipes, names, Store(folder), where, session.retry)


def computed(study: Study, session: Session) -> Cell:
    """The one cell of a study that has no file, after what it lacks was computed here."""
    (cell,) = study.cells
    recipes = [trial_recipes(study.name, cell)]  # a wrong setting is reported before anything runs
    with opened(study, recipes, session) as plan:
        compute(plan, session)
        return plan.rows(plan.cells[0])


def compute(
    plan: StudyPlan,
    session: Session,
    tensorboard: Path | None = None,
    on_row: OnRow = lambda row: None,
) -> None:
    """Say what is planned, compute what it lacks, publish it; a signal ends it with its status."""
    lacking, folder, workers = plan.lacking(), session.folder, processes(session.workers)
    print_plan(plan, workers, session.quiet)
    committed = beside_code(plan.results)
    if committed and lacking and str(commit()).endswith("+"):
        raise UserError(
            f"{plan.results} is committed with the code, and the code has changes that are not; "
            "commit them first, or give another --results"
        )
    publisher = Publisher(plan, folder / PUBLISHED, committed)
    if not lacking:
        publisher.all()
        plan.store.compact()
        _say_left_out(publisher, folder)
        return

    def recorded(row: RunRow) -> None:
        on_row(row)
        if tensorboard is not None:
            write_row(tensorboard, row)

    received = [signal.SIGINT]

    def stop(number: int, frame: object) -> None:
        received.append(signal.Signals(number))
        raise KeyboardInterrupt

    with ExitStack() as undone:
        undone.callback(signal.signal, signal.SIGTERM, signal.signal(signal.SIGTERM, stop))
        try:
            executor = _executor(session.scheduler, workers, session.setup)
            undone.callback(executor.close)
            with live(folder, session.quiet) as notify:
                run_study(plan, executor, publisher, notify, recorded)
        except KeyboardInterrupt:
            print_err("stopped; the same command goes on from here")
            raise typer.Exit(128 + received[-1]) from None
    _say_left_out(publisher, folder)


def _say_left_out(publisher: Publisher, folder: Path) -> None:
    if n := len(publisher.left_out):
        print_err(
            f"not published: {count(n, 'run')} by code with changes that were not committed; "
            f"delete {folder} to compute them again"
        )


def processes(workers: int | None) -> int:
    """How many processes compute: as asked, or one a processor."""
    if workers is not None and not 1 <= workers <= MOST_WORKERS:
        raise UserError(f"--workers {workers} is out of range; expected 1 to {MOST_WORKERS:,}")
    return workers or processors()


def _executor(scheduler: str, workers: int, setup: Setup) -> Executor:
    if scheduler == "local":
        return Local(workers, setup)
    if scheduler != "dask" and "://" not in scheduler:
        raise UserError(f"--scheduler {scheduler!r}: expected local, dask or tcp://HOST:PORT")
    try:
        from lenetlab.experiments.study.executors.dask import connect
    except ModuleNotFoundError as error:
        if bringing(error.name) != "dask":
            raise
        raise UserError(
            'a scheduler needs Dask; install it with: pip install "lenetlab[dask]"'
        ) from None
    return connect(scheduler, setup, workers)
