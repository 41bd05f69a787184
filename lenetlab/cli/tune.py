"""`lenetlab tune`: search for the recipe of a method that does best on held-out training images."""

import shlex
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from lenetlab.analysis.cost import cost
from lenetlab.cli.options import (
    RUNS,
    Data,
    Device,
    Engine,
    Fixed,
    Json,
    Limit,
    Out,
    Problem,
    Retry,
    Workers,
)
from lenetlab.cli.study_session import Session, computed, limited, make_setup
from lenetlab.cli.terminal.console import make_table, out, print_json, print_out
from lenetlab.experiments.study.single_search import (
    folder_of,
    search_cell,
    search_study,
    settle_winner,
)
from lenetlab.experiments.tuning.trials import Tuning
from lenetlab.experiments.tuning.tuned_recipes import FILE, Settled
from lenetlab.plural import count
from lenetlab.problem.problems import DEFAULT
from lenetlab.records.locate import STUDIES
from lenetlab.records.rows import Cell, RunRow
from lenetlab.report.formats import number
from lenetlab.settings import parse_pairs


def tune(
    method: Annotated[
        str, typer.Argument(help="A name from `lenetlab methods`, FILE.py:CLASS, or ema+sgd.")
    ],
    scenario: Annotated[str, typer.Option(help="plain, l2 or sparse, …")] = "plain",
    trials: Annotated[
        int, typer.Option(help="How many recipes are drawn; the default is tried as well.")
    ] = 12,
    passes: Annotated[float, typer.Option(help="Effective passes of each trial.")] = 5.0,
    sampler: Annotated[
        str, typer.Option(help="sobol, or tpe, which looks at the trials so far (Optuna).")
    ] = "sobol",
    confirm: Annotated[
        float | None,
        typer.Option(help="Run the best three again: so many passes, two fresh seeds each."),
    ] = None,
    settings: Fixed = None,
    problem: Problem = DEFAULT,
    workers: Workers = None,
    retry: Retry = False,
    limit: Limit = None,
    engine: Engine = "auto",
    device: Device = "auto",
    data: Data = None,
    out: Out = RUNS,
    json: Json = False,
) -> None:
    """Search for a method's best recipe, judged by images held out of the training set.

    - `lenetlab tune adamw --scenario l2 --trials 12 --passes 5`
    - `lenetlab tune my_method.py:MyOptimizer --set momentum=0.9`

    Trial 0 is the registered default on a cosine schedule. With `--confirm 10` the best three
    trials are run again for 10 passes, and the best mean wins: a single best trial was lucky as
    well as good.

    The winner is kept in `OUT/tuned.json`, for `lenetlab run --tuned`, unless the recipe that is
    kept did better or was searched more (passes of all runs). The same command goes on where it
    was stopped; more trials add to those there are.

    A trial that is ended at `--limit` has the status `timeout`; `--retry` tries it again.

    Exit status: 0, 1 when no trial has figures, 2 for wrong usage, 130 after Ctrl-C.
    """
    search = Tuning(trials, passes, sampler)
    given = parse_pairs(settings or [], "--set")
    searched = search_cell(method, scenario, search, given, problem)
    planned = limited(search_study(searched, confirm), limit)
    folder, setup = out / STUDIES / folder_of(planned), make_setup(data, engine, device)
    cell = computed(planned, Session(folder, setup, workers, retry, json))
    winner = settle_winner(out, cell, planned)
    if json:
        print_json(_plain(cell, winner, out))
    else:
        _show(cell, winner, out, problem)
    if winner is None:
        raise typer.Exit(1)


def _show(cell: Cell, winner: Settled | None, out_folder: Path, problem: str) -> None:
    table = make_table("trial", "held-out %", "held-out loss", "<recipe")
    for row in sorted(cell.trials, key=lambda row: row.number):
        best = row is cell.best
        why = "" if row.done else f"\n{row.status}: {row.reason}"
        table.add_row(
            str(row.number), number(row.accuracy, 2), number(row.loss, 4), _words(row) + why,
            style="bold" if best else "" if row.done else "red",
        )  # fmt: skip
    out.print(table)
    for which, rows in _confirmed(cell).items():
        figures = ", ".join(number(row.accuracy, 2) for row in rows)
        out.print(f"trial {which} again: {figures} %")
    if (price := cost(cell.search)) is not None:
        out.print(f"price: {count(price.runs, 'run')}, "
                  f"{number(price.passes, 1)} effective passes, "
                  f"{number(price.seconds, 0)} s of training")  # fmt: skip
    if winner is None or cell.best is None:
        out.print("no trial has figures; nothing is kept", style="red")
        return
    print_out(f"winner: trial {cell.best.number}, {winner}")
    if winner.kept:
        place = cell.place
        where = "" if place.scenario == "plain" else f" --scenario {place.scenario}"
        where += "" if place.problem == DEFAULT else f" --problem {shlex.quote(problem)}"
        print_out(
            f"`lenetlab run {place.method}{where} --tuned` begins from it, out of "
            f"{out_folder / FILE}"
        )


def _confirmed(cell: Cell) -> dict[int, list[RunRow]]:
    """Confirmations by the number of their trial."""
    numbers = dict.fromkeys(row.number for row in cell.confirmations)
    return {k: [row for row in cell.confirmations if row.number == k] for k in numbers}


def _words(row: RunRow) -> str:
    return ", ".join(text for name, text in row.recorded.parts().items() if name != "budget")


def _plain(cell: Cell, winner: Settled | None, out_folder: Path) -> dict[str, Any]:
    keys = ("number", "status", "reason", "accuracy", "loss", "passes", "train_seconds", "id")
    price = cost(cell.search)

    def plain(row: RunRow) -> dict[str, Any]:
        return {**{key: getattr(row, key) for key in keys}, "recipe": row.recipe}

    return {
        "method": cell.place.method,
        "scenario": cell.place.scenario,
        "problem": cell.place.problem,
        "trials": [plain(row) for row in cell.trials],
        "confirmations": [{**plain(row), "seed": row.seed} for row in cell.confirmations],
        "price": price and {"passes": price.passes, "seconds": price.seconds},
        "winner": None if winner is None or cell.best is None
        else {"trial": cell.best.number, **asdict(winner.found)},
        "before": None if winner is None or winner.before is None else asdict(winner.before),
        "kept": None if winner is None or not winner.kept else str(out_folder / FILE),
        "said": None if winner is None else str(winner),
    }  # fmt: skip
