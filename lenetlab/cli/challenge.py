"""`lenetlab challenge`: is a new method better than the stored ones, by how much, how surely?"""

from contextlib import chdir
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lenetlab.cli.shared import completion
from lenetlab.cli.shared.options import (
    RUNS,
    Data,
    Device,
    Engine,
    Fixed,
    Json,
    Limit,
    Out,
    Retry,
    Workers,
)
from lenetlab.cli.terminal.console import print_err, print_json, print_out
from lenetlab.problem.files import from_anywhere
from lenetlab.records.cells import RunRow
from lenetlab.records.locate import STUDIES, open_results, results_folder
from lenetlab.records.test_set_looks import look, note
from lenetlab.settings import parse_pairs

if TYPE_CHECKING:
    from lenetlab.experiments.study.challenger import Challenger


def challenge(
    method: Annotated[
        str,
        typer.Argument(
            help="FILE.py:CLASS, MODULE:CLASS or a name from `lenetlab methods`.",
            autocompletion=completion.spec,
        ),
    ],
    scenario: Annotated[
        list[str] | None,
        typer.Option(
            help="Of the stored study; repeat it for several, or say all.", show_default="plain"
        ),
    ] = None,
    study: Annotated[
        Path,
        typer.Option(
            help="The stored results to beat: a study's file or folder, or the one that "
            "comes with lenetlab."
        ),
    ] = Path("course"),
    trials: Annotated[
        int | None,
        typer.Option(min=0, help="How many recipes are drawn (default: as for the study's own)."),
    ] = None,
    seeds: Annotated[
        int | None, typer.Option(min=2, help="Fewer or more seeds than the study has.")
    ] = None,
    passes: Annotated[
        float | None,
        typer.Option(help="Effective passes of a final; then only the leader is compared with."),
    ] = None,
    settings: Fixed = None,
    workers: Workers = None,
    retry: Retry = False,
    limit: Limit = None,
    engine: Engine = "auto",
    device: Device = "cpu",
    data: Data = None,
    out: Out = RUNS,
    open: Annotated[bool, typer.Option("--open", help="Show the page when it is written.")] = False,
    json: Json = False,
) -> None:
    """Tune and run a method as a stored study did its own, and compare it with them.

    - `lenetlab challenge my_method.py:MyOptimizer`
    - `lenetlab challenge my_method.py:MyOptimizer --scenario all --open`
    - `lenetlab challenge my_method.py:MyOptimizer --trials 2 --seeds 2 --passes 0.5`, to try it

    The opponent is the study's leader on held-out images. Its finals are computed here as well,
    unless the recorded ones have the bits that they would have here, so that both are of one
    machine; seconds are compared by one run of both, one after the other. Everything is left in a
    folder of `OUT/challenges`, with a page, a row for a table in TeX, and all that
    `lenetlab judge FOLDER --rerun` needs.

    The same command goes on where it was stopped; a run that is ended at `--limit` has the status
    `timeout`, and `--retry` tries it again.

    Exit status: 0 with a verdict, 1 without in some scenario, 2 for wrong usage, 130 after Ctrl-C,
    143 after SIGTERM.
    """
    from lenetlab.cli.shared.challenge_folder import write_folder
    from lenetlab.cli.shared.study_session import Session, compute, limited, make_setup, opened
    from lenetlab.experiments.study.challenge import (
        Terms,
        beside_leaders,
        challenger,
        leading_cell,
        scenarios_of,
        take_over,
    )
    from lenetlab.experiments.study.challenger import at_home, find_challenger
    from lenetlab.experiments.study.entered import Entered
    from lenetlab.experiments.study.once_more import train_once
    from lenetlab.experiments.study.run_ids import Names
    from lenetlab.experiments.study.worker import runtime_of

    stored, beside = open_results(study, out), results_folder(study, out).absolute()
    names = scenarios_of(stored, scenario or ["plain"])
    firsts = [leading_cell(stored, name) for name in names]
    home, spec = at_home(method)
    setup = make_setup(from_anywhere(data), engine, device)
    given = parse_pairs(settings or [], "--set")
    runs = out.absolute()
    with chdir(home):  # a method from a file is called by the same name wherever that lies
        guest = find_challenger(spec)
        terms = Terms(trials, seeds, passes)
        own = limited(challenger(guest.method, names, stored, given, terms), limit)
        planned, recipes = beside_leaders(own, firsts)
        working = runs / STUDIES / f"challenge,{guest.name}"
        session = Session(working, setup, workers, retry, json)
        with opened(planned, recipes, session) as plan:
            take_over(firsts, Names(runtime_of(setup)), plan.store)
            guests = plan.cells[: len(names)]  # before the leaders

            def on_row(row: RunRow) -> None:
                if any(row.id == task.id for cell in guests for task in cell.finals):
                    _count(row, guest, runs)

            compute(plan, session, on_row=on_row)
            cells = [plan.rows(cell) for cell in plan.cells]
        for row in (row for cell in cells[: len(names)] for row in cell.finals):
            _count(row, guest, runs)
        entered = Entered(guest, planned, stored, beside, tuple(cells), runs, given, setup)
        trained = train_once(entered, limit, (lambda _: None) if json else print_err)
        written = write_folder(entered, trained, working)
    if json:
        print_json(written.as_json())
    else:
        _print(written.text, written.folder)
    if written.page is None:
        print_err(written.no_page)
    elif open:
        typer.launch(str(written.page))
    if not written.tested:
        raise typer.Exit(1)


def _print(text: str, folder: Path) -> None:
    print_out(text)
    shown = folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder
    print_out(f"in {shown}")


def _count(row: RunRow, guest: "Challenger", runs: Path) -> None:
    """A final of the guest is a look at the test set, and is counted."""
    note(runs, look(guest.method, guest.identity, row.recorded.scenario, row.recipe))
