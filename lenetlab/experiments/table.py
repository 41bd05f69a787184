"""Runs as a flat table, a row each: for pandas, polars, R or a spreadsheet.

    from lenetlab import table
    frame = table("results/course").to_pandas()
    frame[frame.role == "final"].groupby(["scenario", "method"]).accuracy.mean()

Columns, in this order; one that a row has no value for is None there:

    study, problem, scenario, rules, method, family, norms, variant, search     the cell
    role, number, seed, id, status, reason                             the run
    split, budget, unit, batch_size, plan, schedule, warmup, decay,    the recipe
    constraint, initialisation, augmentation
    lr, momentum, sam.rho, constraint.keep …       every setting that a run has, defaults included,
                                                   those of parts and wrappers last
    accuracy, loss, passes, steps …                its figures, as records/finished.py explains them
    gradients, forwards, hessian_products …        the ledger, in examples
    train_seconds, cpu_seconds …                   what it took
    engine, device, processor, git                 where
"""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import orjson

from lenetlab.disk import replace_text
from lenetlab.errors import UserError
from lenetlab.experiments.recipe.recall import recall
from lenetlab.experiments.recipe.recipe import Recipe
from lenetlab.oracle.ledger import Ledger
from lenetlab.records.cells import RunRow
from lenetlab.records.contest import CellKey
from lenetlab.records.finished import Result, Spent
from lenetlab.records.locate import open_results
from lenetlab.records.recipe import RecordedRecipe
from lenetlab.settings import Choice, show

if TYPE_CHECKING:
    import pandas
    import polars

CELL = ("problem", "scenario", "rules", "method", "family", "norms", "variant", "search")
RUN = ("role", "number", "seed", "id", "status", "reason")
RECIPE = ("split", "budget", "unit", "batch_size", "plan", "schedule", "warmup", "decay",
          "constraint", "initialisation", "augmentation")  # fmt: skip
FIGURES = tuple(f.name for f in fields(Result) if f.name not in (*RUN, "ledger_counts"))
SPENT = tuple(f.name for f in fields(Spent))
LEDGER = tuple(f.name for f in fields(Ledger))
NUMERICS, MACHINE = ("engine", "device"), ("processor", "git")
BEFORE = ("study", *CELL, *RUN, *RECIPE)
AFTER = (*FIGURES, *LEDGER, *SPENT, *NUMERICS, *MACHINE)
NAMED = frozenset((*BEFORE, *AFTER))

Row = dict[str, Any]


@dataclass(frozen=True)
class Table(Sequence[Row]):
    """Rows that all have the same `columns`, with plain values: text, numbers, truths and None. A
    column that would have numbers in one row and text in another has text in all."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, at: int) -> Row: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Row]: ...
    def __getitem__(self, at: int | slice) -> Row | Sequence[Row]:
        return self.rows[at]

    def __repr__(self) -> str:
        return f"<Table of {len(self.rows):,} runs, {len(self.columns)} columns>"

    def to_pandas(self) -> "pandas.DataFrame":
        """As a pandas frame; needs pandas."""
        import pandas

        return pandas.DataFrame.from_records(list(self.rows), columns=list(self.columns))

    def to_polars(self) -> "polars.DataFrame":
        """As a polars frame; needs polars."""
        import polars

        return polars.DataFrame(list(self.rows), schema=list(self.columns),
                                infer_schema_length=None, strict=False)  # fmt: skip

    def to_csv(self, path: str | Path) -> None:
        """As a file with a line for the names; what is None is empty."""
        text = io.StringIO()
        writer = csv.DictWriter(text, self.columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        replace_text(Path(path), text.getvalue())


def table(target: str | Path, out: str | Path = "runs") -> Table:
    """Every run of `target`: a study file (with its working folder in `out`), a folder of results
    or of runs. Further searches of a cell are among them, told apart by `search`. Raises
    `UserError` where there are no results."""
    results = open_results(Path(target), Path(out))
    cells = (*results.cells, *results.searches)
    return table_of(results.name, ((cell.place, row) for cell in cells for row in cell.rows))


def table_of(study: str, placed: Iterable[tuple[CellKey, RunRow]]) -> Table:
    """Rows of results, each with its cell, as a table."""
    rows = [{"study": study, **_cell(place), **_row(row)} for place, row in placed]
    found = {name for row in rows for name in row} - NAMED
    settings = sorted(found, key=lambda name: ("." in name, name))
    mixed = {name for name in settings if _mixed(row.get(name) for row in rows)}
    columns = (*BEFORE, *settings, *AFTER)
    return Table(columns, tuple(_even(row, columns, mixed) for row in rows))


def _cell(place: CellKey) -> Row:
    return {name: getattr(place, name) for name in CELL}


def _row(row: RunRow) -> Row:
    figures = {name: getattr(row, name) for name in (*RUN, *FIGURES, *SPENT)}
    where = {name: row.numerics.get(name) for name in NUMERICS}
    where |= {name: row.machine.get(name) for name in MACHINE}
    recipe = _recipe(orjson.dumps(row.recipe))
    return {**figures, **recipe, **(row.ledger_counts or {}), **where}


@cache
def _recipe(text: bytes) -> Row:
    """A recipe, canonical and in JSON, with its defaults; as it was recorded where this version
    cannot read it, or what it was of is not there."""
    canonical = orjson.loads(text)
    recorded = RecordedRecipe.read(canonical)
    try:
        whole: Recipe | RecordedRecipe = recall(canonical)
    except UserError:
        whole = recorded
    unit, amount = recorded.budget
    found: Row = {"split": recorded.split, "budget": amount, "unit": unit, "decay": recorded.decay}
    found["augmentation"] = "+".join(map(str, recorded.augmentation)) or None
    found |= _settings("", whole.method)
    for wrapper in whole.wrappers:
        found |= _settings(f"{wrapper.name}.", wrapper)
    for part in ("plan", "schedule", "constraint", "initialisation"):
        choice = getattr(whole, part)
        if choice is not None and choice.name != "none":
            found |= {part: choice.name, **_settings(f"{part}.", choice)}
    found["batch_size"] = found.pop("plan.size", recorded.batch_size)
    found["warmup"] = found.pop("schedule.warmup", None)
    return found


def _settings(prefix: str, choice: Choice) -> Row:
    """A setting that is called as a figure is has its method's name before it."""
    names = {name: f"{prefix}{name}" for name in choice.settings}
    clash = {name for name, column in names.items() if column in NAMED}
    return {
        f"{choice.name}.{name}" if name in clash else column: _value(choice.settings[name])
        for name, column in names.items()
    }


def _value(value: Any) -> Any:
    plain = value is None or isinstance(value, bool | int | float | str)
    return value if plain else show(tuple(value))


def _mixed(values: Iterable[Any]) -> bool:
    kinds = {str if isinstance(v, str) else bool if isinstance(v, bool) else float
             for v in values if v is not None}  # fmt: skip
    return len(kinds) > 1


def _even(row: Row, columns: Sequence[str], mixed: set[str]) -> Row:
    """The row with all columns in order; numbers of `mixed` columns as text."""
    even = {name: row.get(name) for name in columns}
    return even | {name: show(even[name]) for name in mixed if even[name] is not None}
