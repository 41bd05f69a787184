"""What opens behind a number: a cell's recipe, its runs, their cost, where they were computed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from lenetlab.analysis.board import again
from lenetlab.records.recipe import BUDGET, SIZE, parts
from lenetlab.records.rows import Cell, CellKey, RunRow
from lenetlab.report.page.table import MISSING, Column, Entry, Table, number, short, text
from lenetlab.settings import show

Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Detail:
    """A cell, ready to be shown. `commands` are what computes its finals and its best trial."""

    anchor: str
    name: str
    family: str
    board: str
    recipe: Pairs
    ledger_counts: Pairs
    environment: Pairs
    commands: Pairs
    finals: Table
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
    rows = [*cell.finals, *cell.trials]
    said = cell.finals[0] if cell.finals else best or (cell.trials[0] if cell.trials else None)
    return Detail(
        anchor=anchor(place),
        name=place.name,
        family=place.family.replace("_", " "),
        board=place.contest.title,
        recipe=recipe(said.recipe) if said else [],
        ledger_counts=ledger_counts(cell.finals or cell.trials),
        environment=environment(rows),
        commands=list(_commands(cell, planned)),
        finals=Table(FINALS, [_final(row) for row in cell.finals]),
        held="Trials, on held-out training images" if planned else "On held-out training images",
        trials=Table(
            TRIALS if planned else HELD_OUT,
            [_trial(row, planned and row is best) for row in cell.trials],
        ),
    )


def _commands(cell: Cell, planned: bool) -> Iterable[tuple[str, str]]:
    if cell.finals:
        yield "all seeds", again(cell.finals)
    if planned and cell.best:
        yield "the best trial", again([cell.best])
    if not planned and cell.trials:
        yield "those on held-out images", again(cell.trials)


def recipe(fields: Mapping[str, Any]) -> Pairs:
    """A recorded recipe in words; what is at its default is left out, but for size and budget."""
    name, settings = fields["method"]
    pairs = [("method", _part(name, settings))]
    pairs += [("around it", _part(*wrapper)) for wrapper in fields.get("wrappers", [])]
    plan, its = fields.get("plan", ("fixed", {}))
    size = its.get("size", SIZE)
    rest = {key: value for key, value in its.items() if key != "size"}
    pairs.append(("batch size", show(size) if plan == "fixed" else f"{size}, {_part(plan, rest)}"))
    if "schedule" in fields:
        pairs.append(("schedule", _part(*fields["schedule"])))
    unit, amount = fields.get("budget", BUDGET)
    pairs.append(("budget", f"{amount:g} {'effective passes' if unit == 'passes' else unit}"))
    if "constraint" in fields:
        pairs.append(("constraint", _part(*fields["constraint"])))
    if "decay" in fields:
        pairs.append(("decays", str(fields["decay"])))
    if "augmentation" in fields:
        pairs.append(("images", " + ".join(_part(*part) for part in fields["augmentation"])))
    return pairs


def _part(name: str, settings: Mapping[str, Any]) -> str:
    given = ", ".join(f"{key} = {show(value)}" for key, value in settings.items())
    return f"{name} ({given})" if given else name


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


HELD_OUT = (Column("seed"), *TRIALS[1:])


def _final(row: RunRow) -> list[Entry]:
    return [
        number(row.seed),
        _status(row),
        number(row.accuracy, 2),
        number(row.loss, 4),
        number(row.starter_average_loss, 6),
        short(row.passes),
        number(row.steps),
        short(row.cpu_seconds),
        short(row.train_seconds),
        number(row.peak_memory_mb),
        number(row.nonzeros),
        text(row.id),
    ]


def _trial(row: RunRow, best: bool) -> list[Entry]:
    settings = [value for key, value in parts(row.recipe).items() if key != "budget"]
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


def _status(row: RunRow) -> Entry:
    return Entry(row.status if row.reason is None else f"{row.status}: {row.reason}")
