"""What `lenetlab tune` prints: the trials, the best first tried again, and what became of it."""

import shlex
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lenetlab.analysis.cost import cost
from lenetlab.cli.terminal.console import make_table, out, print_out
from lenetlab.experiments.tuning.tuned_recipes import FILE, Settled
from lenetlab.phrases import count
from lenetlab.problem.problems import DEFAULT
from lenetlab.records.cells import Cell, RunRow
from lenetlab.records.finished import ended
from lenetlab.report.formats import number


def show(cell: Cell, winner: Settled | None, out_folder: Path, problem: str) -> None:
    """The trials by number, those run again, the price, and whether the winner is kept."""
    table = make_table("trial", "held-out %", "held-out loss", "<recipe")
    for row in sorted(cell.trials, key=lambda row: row.number):
        best = row is cell.best
        why = "" if row.done else f"\n{ended(row.status, row.reason)}"
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
        where += "" if place.rules == "strict" else f" --rules {place.rules}"
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


def search_as_json(cell: Cell, winner: Settled | None, out_folder: Path) -> dict[str, Any]:
    """The same as JSON."""
    keys = ("number", "status", "reason", "accuracy", "loss", "passes", "train_seconds", "id")
    price = cost(cell.search)

    def row_as_json(row: RunRow) -> dict[str, Any]:
        return {**{key: getattr(row, key) for key in keys}, "recipe": row.recipe}

    return {
        "method": cell.place.method,
        "scenario": cell.place.scenario,
        "problem": cell.place.problem,
        "trials": [row_as_json(row) for row in cell.trials],
        "confirmations": [{**row_as_json(row), "seed": row.seed} for row in cell.confirmations],
        "price": price and {"passes": price.passes, "seconds": price.seconds},
        "winner": None if winner is None or cell.best is None
        else {"trial": cell.best.number, **asdict(winner.found)},
        "before": None if winner is None or winner.before is None else asdict(winner.before),
        "kept": None if winner is None or not winner.kept else str(out_folder / FILE),
        "said": None if winner is None else str(winner),
    }  # fmt: skip
