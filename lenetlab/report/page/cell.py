"""What opens behind a number: a cell's recipe, its runs, their cost, where they were computed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from lenetlab.records.cells import CONFIRMATION, Cell, RunRow, command_for
from lenetlab.records.contest import CellKey
from lenetlab.records.finished import ended
from lenetlab.records.recipe import Pairs
from lenetlab.report.formats import MISSING
from lenetlab.report.page.table import Column, Entry, Table, number, short, text


@dataclass(frozen=True)
class Detail:
    """A cell, ready to be shown.

    commands : what computes its finals and the trial that won. again : confirmations and leader
        runs.
    """

    anchor: str
    name: str
    family: str
    board: str
    recipe: Pairs
    ledger_counts: Pairs
    environment: Pairs
    commands: Pairs
    finals: Table
    again: Table
    held: str
    trials: Table


def anchor(place: CellKey) -> str:
    """The link to a cell, as in `cell/plain/ema+sgd`; page.js makes the same."""
    parts = (place.contest.key, place.name)
    return "/".join(["cell", *(quote(part, safe="!'()*~+,=") for part in parts)])


def detail(cell: Cell, planned: bool = True) -> Detail:
    """Everything recorded about `cell`. Of single runs, which no study `planned`, those on held-out
    images are no trials that one was chosen from."""
    best, place = cell.best, cell.place
    rows = [*cell.finals, *cell.search, *cell.leading]
    said = cell.finals[0] if cell.finals else best or (cell.trials[0] if cell.trials else None)
    return Detail(
        anchor=anchor(place),
        name=place.name,
        family=place.family.replace("_", " "),
        board=place.contest.title,
        recipe=said.recorded.pairs() if said else [],
        ledger_counts=ledger_counts(cell.finals or cell.trials),
        environment=environment(rows),
        commands=list(_commands(cell, planned)),
        finals=Table(FINALS, [_final(row) for row in cell.finals]),
        again=Table(AGAIN, [_again(row) for row in (*cell.confirmations, *cell.leading)]),
        held="Trials, on held-out training images" if planned else "On held-out training images",
        trials=Table(
            TRIALS if planned else HELD_OUT,
            [_trial(row, planned and row is best) for row in cell.trials],
        ),
    )


def _commands(cell: Cell, planned: bool) -> Iterable[tuple[str, str]]:
    if cell.finals:
        yield "all seeds", command_for(cell.finals)
    if planned and cell.best:
        yield ("the trial that was chosen" if cell.confirmations else "the best trial",
               command_for([cell.best]))  # fmt: skip
    if not planned and cell.trials:
        yield "those on held-out images", command_for(cell.trials)


def ledger_counts(rows: Sequence[RunRow]) -> Pairs:
    """What the runs asked for, each count that is not 0 everywhere, from the least to the most."""
    counts: dict[str, list[int]] = {}
    for row in rows:
        for kind, count in (row.ledger_counts or {}).items():
            counts.setdefault(kind, []).append(count)
    return [
        (kind.replace("_", " "), _range(values, "{:,}"))
        for kind, values in counts.items()
        if any(values)
    ]


def _range(values: Sequence[float], form: str) -> str:
    low, high = form.format(min(values)), form.format(max(values))
    return low if low == high else f"{low} to {high}"


def environment(rows: Sequence[RunRow]) -> Pairs:
    """Numerics and machine, every value that occurs."""
    seen: dict[str, list[str]] = {}
    for row in rows:
        for key, value in {**row.numerics, **row.machine}.items():
            shown = MISSING if value is None else str(value)
            if shown not in seen.setdefault(key.replace("_", " "), []):
                seen[key.replace("_", " ")].append(shown)
    return [(key, " · ".join(values)) for key, values in seen.items()]


FINALS = (
    Column("seed"),
    Column("status", kind="text"),
    Column("accuracy", "%"),
    Column("mean loss"),
    Column("starter’s average"),
    Column("training", "%"),
    Column("training loss"),
    Column("passes"),
    Column("steps"),
    Column("CPU", "s"),
    Column("wall", "s"),
    Column("memory", "MB"),
    Column("nonzeros"),
    Column("run", kind="word"),
)
TRIALS = (
    Column("trial"),
    Column("status", kind="text"),
    Column("held out", "%"),
    Column("mean loss"),
    Column("passes"),
    Column("CPU", "s"),
    Column("run", kind="word"),
    Column("settings", kind="text"),
)


AGAIN = (Column("stage", kind="word"), Column("trial"), Column("seed"), *TRIALS[1:-1])
HELD_OUT = (Column("seed"), *TRIALS[1:])


def _final(row: RunRow) -> list[Entry]:
    return [
        number(row.seed),
        _status(row),
        number(row.accuracy, 2),
        number(row.loss, 4),
        number(row.starter_average_loss, 6),
        number(row.train_accuracy, 2),
        number(row.train_loss, 4),
        short(row.passes),
        number(row.steps),
        short(row.cpu_seconds),
        short(row.train_seconds),
        number(row.peak_memory_mb),
        number(row.nonzeros),
        text(row.id),
    ]


def _trial(row: RunRow, best: bool) -> list[Entry]:
    settings = [value for key, value in row.recorded.parts().items() if key != "budget"]
    return [
        number(row.number),
        Entry("the best") if best else _status(row),
        number(row.accuracy, 2),
        number(row.loss, 4),
        short(row.passes),
        short(row.cpu_seconds),
        text(row.id),
        text(", ".join(settings)),
    ]


def _again(row: RunRow) -> list[Entry]:
    confirms = row.role == CONFIRMATION
    return [
        Entry("confirmation" if confirms else "leader run"),
        number(row.number if confirms else None),
        Entry(str(row.seed), row.seed),
        _status(row),
        number(row.accuracy, 2),
        number(row.loss, 4),
        short(row.passes),
        short(row.cpu_seconds),
        text(row.id),
    ]


def _status(row: RunRow) -> Entry:
    return Entry(ended(row.status, row.reason))
