"""Results in text that can be read, compared and kept in git: one row a run.

    study.json                  what was planned: title, tuning, seeds, passes, and every cell
    <scenario>/<cell>.jsonl     a cell's runs, one line each, stage after stage, in order of number
                                and seed; of another problem in `<scenario>,<problem>`

Lines are in a fixed order with fixed keys, so that the same runs give the same bytes. Reading
needs no torch.
"""

import gc
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import orjson

from lenetlab.disk import encoded, make_folder, read_bytes, read_json, replace_json, replace_text
from lenetlab.errors import UserError
from lenetlab.problem.problems import DEFAULT
from lenetlab.records.cells import FIELDS, Cell, Results, RunRow
from lenetlab.records.contest import CellKey
from lenetlab.records.goal import Goal
from lenetlab.records.readable import readable
from lenetlab.records.run_folder import Run
from lenetlab.records.selection import TRIALS_ALONE, Stages
from lenetlab.records.shapes import misfit, shape_of

FORMAT = 3
STUDY = "study.json"

# What is relied on by who reads.
CELL = {"method": str, "family": str, "scenario": str}
SHAPE = {"name": str, "title": str, "trials": int, "tuning_passes": float, "seeds": int,
         "passes": float, "cells": [CELL]}  # fmt: skip
# … where it is there.
LATER = {"cell_limit": float, "stages": {one.name: int for one in fields(Stages)},
         "record": shape_of(Goal), "searches": [{**CELL, "search": int}]}  # fmt: skip

# Of an evaluation, with the digits that are kept. In text they are columns, so that a row stays
# small however often it was measured.
EVALUATED = {"at": None, "passes": 6, "steps": None, "gradients": None, "accuracy": None, "loss": 6,
             "nonzeros": None, "seconds": 4, "cpu_seconds": 4}  # fmt: skip
# What a row has to be to be read: as its fields say, but for what is relied on inside them.
ROW = shape_of(RunRow) | {
    "recipe": {"method": list},
    "evaluations": dict.fromkeys(EVALUATED, list),
}

# Of a row, what has text in it that others wrote.
TEXTS = ("id", "status", "reason", "label", "recipe", "ledger_counts", "numerics", "machine")

PLAN = ("name", "title", "trials", "tuning_passes", "seeds", "passes")  # in study.json
PLACE = ("method", "family", "scenario", "rules", "variant", "norms")  # … of every cell
LONGEST = 120  # characters of a file's name, before its ending
MACHINE = ("lenetlab", "python", "system", "processor", "cores", "threads", "git")


def row_of(run: Run, role: str, number: int) -> RunRow:
    """A recorded run as a row."""
    evaluations = [
        {
            name: value if digits is None else round(value, digits)
            for name, digits in EVALUATED.items()
            for value in [evaluation[name]]
        }
        for evaluation in run.evaluations
    ]
    return RunRow(
        **vars(run.result),
        **vars(run.spent.rounded()),
        role=role,
        number=number,
        id=run.identity["id"],
        label=run.label,
        recipe=run.identity["recipe"],
        seed=run.seed,
        evaluations=evaluations,
        numerics=run.identity["numerics"],
        machine={key: run.machine.get(key) for key in MACHINE},
    )


def write_results(folder: Path, results: Results) -> None:
    """Write `results` into `folder`, each file atomically; files of cells that are not (or no
    longer) among them are left alone."""
    make_folder(folder)
    for cell in (*results.cells, *results.searches):
        write_cell(folder, cell)
    plan: dict[str, Any] = {name: getattr(results, name) for name in PLAN}
    if results.stages != TRIALS_ALONE:
        plan["stages"] = asdict(results.stages)
    if results.cell_limit is not None:
        plan["cell_limit"] = results.cell_limit
    if results.record is not None:
        plan["record"] = asdict(results.record)
    plan["cells"] = [_place(cell) for cell in results.cells]
    if results.searches:
        plan["searches"] = [
            {**_place(cell), "search": cell.place.search} for cell in results.searches
        ]
    replace_json(folder / STUDY, {"format": FORMAT, **plan})


def _place(cell: Cell) -> dict[str, str]:
    """What is not at its default is left out where it came to be recorded later."""
    place = cell.place
    later = {} if place.problem == DEFAULT else {"problem": place.problem}
    if place.tuned_on:
        later["tuned_on"] = place.tuned_on
    return {name: getattr(place, name) for name in PLACE} | later


def write_cell(folder: Path, cell: Cell) -> None:
    """Write one cell's lines; nothing for a cell without a run."""
    rows = [row for name in FIELDS.values() for row in sorted(getattr(cell, name), key=_order)]
    if not rows:
        return
    lines = [json.dumps(row_as_json(row), ensure_ascii=False, allow_nan=False) for row in rows]
    path = cell_path(folder, cell.place)
    make_folder(path.parent)
    replace_text(path, "\n".join(lines) + "\n")


def _order(row: RunRow) -> tuple[int, int]:
    return row.number, row.seed


def cell_path(folder: Path, place: CellKey) -> Path:
    """The file of a cell."""
    scenario = place.contest._replace(terms="").key
    return folder / scenario / f"{_file_name(place.name)}.jsonl"


def _file_name(name: str) -> str:
    """A name that any file system takes; of two long ones no two are cut to the same."""
    safe = re.sub(r"[^A-Za-z0-9_.+=-]+", "_", name).strip("._") or "cell"
    if len(safe) <= LONGEST:
        return safe
    return f"{safe[: LONGEST - 20]}-{hashlib.sha256(encoded(name)).hexdigest()[:12]}"


def read_results(folder: Path) -> Results:
    """The results in `folder`; `UserError` if there are none, or a line is broken."""
    plan = read_json(folder / STUDY, "make it again with `lenetlab study`")
    found = plan.get("format") if isinstance(plan, dict) else None
    if found != FORMAT:
        raise UserError(
            f"{folder / STUDY} has format {found}, this version of lenetlab reads "
            f"format {FORMAT}; make it again with `lenetlab study`"
        )
    later = {name: shape for name, shape in LATER.items() if name in plan}
    if wrong := misfit(plan, SHAPE | later, "study") or _misplaced(plan):
        raise UserError(
            f"{folder / STUDY} is broken ({wrong}); make it again with `lenetlab study`"
        )
    try:
        places = [CellKey(**place) for place in plan["cells"]]
        further = [CellKey(**place) for place in plan.get("searches", [])]
        stages = Stages(**plan.get("stages", {}))
        goal = Goal(**plan["record"]) if "record" in plan else None
    except TypeError as error:
        raise UserError(f"{folder / STUDY} is broken ({error}); make it again") from None
    kept = {name: plan[name] for name in PLAN} | {"cell_limit": plan.get("cell_limit")}
    with _no_collection():
        cells, searches = (
            tuple(_with_terms(read_cell(folder, place)) for place in some)
            for some in (places, further)
        )
        read = Results(**kept, cells=cells, stages=stages, searches=searches, record=goal)
        return to_show(read)


def _misplaced(plan: Mapping[str, Any]) -> str | None:
    """What is wrong with a place in study.json, of what need not be there."""
    for name in ("cells", "searches"):
        for k, place in enumerate(plan.get(name, [])):
            known, where = shape_of(CellKey), f"study.{name}[{k}]"
            if strange := [key for key in place if key not in known]:
                return f"{where} has an unknown field {strange[0]}"
            if wrong := misfit(place, {key: known[key] for key in place}, where):
                return wrong
            if len(CellKey(**place).contest.key) > LONGEST:
                return f"{where} has a scenario, rules or a problem of too many characters"
    return None


def _with_terms(cell: Cell) -> Cell:
    """On a frontier nets of different sizes are not ranked together."""
    rows = (*cell.finals, *cell.trials)
    return replace(cell, place=replace(cell.place, terms=rows[0].recorded.size)) if rows else cell


def to_show(results: Results) -> Results:
    """`results` with all text in them fit to be shown, whoever wrote it."""

    def place(given: CellKey) -> CellKey:
        return CellKey(**{f.name: readable(getattr(given, f.name)) for f in fields(CellKey)})

    def row(given: RunRow) -> RunRow:
        return replace(given, **{name: readable(getattr(given, name)) for name in TEXTS})

    def shown(cell: Cell) -> Cell:
        rows = {name: tuple(map(row, getattr(cell, name))) for name in FIELDS.values()}
        return Cell(place(cell.place), **rows)

    name, title, again = map(readable, (results.name, results.title, results.again))
    cells, searches = (tuple(map(shown, some)) for some in (results.cells, results.searches))
    goal = results.record and replace(results.record, goal=readable(results.record.goal))
    return replace(results, name=name, title=title, again=again, cells=cells, searches=searches,
                   record=goal)  # fmt: skip


@contextmanager
def _no_collection() -> Iterator[None]:
    """Rows have no cycles: looking for some, again and again in all that were read so far, takes
    longer than reading."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _parsed(line: bytes) -> Any:
    """orjson is fast and refuses half a surrogate pair, which JSON may hold; json is asked then."""
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return json.loads(line, parse_constant=_no_number)


def _no_number(text: str) -> None:
    raise TypeError(f"{text} is not a number of JSON")


def row_as_json(row: RunRow) -> dict[str, Any]:
    """A row as it is written; `row_from` reads it."""
    columns = {name: [evaluation[name] for evaluation in row.evaluations] for name in EVALUATED}
    return asdict(replace(row, evaluations=())) | {"evaluations": columns}


def row_from(given: Any) -> RunRow:
    """The row in what was read. Raises `ValueError` or `TypeError` for what is none."""
    if wrong := misfit(given, ROW, "row"):
        raise ValueError(wrong)
    if given["status"] == "done" and None in (given["accuracy"], given["loss"]):
        raise ValueError("it is done, and has no accuracy or no loss")
    columns = given["evaluations"]
    if len({len(values) for values in columns.values()}) > 1:
        raise ValueError("its evaluations are columns of different lengths")
    evaluations = [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]
    return RunRow(**{**given, "evaluations": evaluations})


def read_cell(folder: Path, place: CellKey) -> Cell:
    """A cell as far as it was computed."""
    path = cell_path(folder, place)
    rows = []
    if path.exists():
        for number, line in enumerate(read_bytes(path).splitlines(), start=1):
            try:
                rows.append(row_from(_parsed(line)))
            except (json.JSONDecodeError, TypeError, ValueError, RecursionError) as error:
                raise UserError(
                    f"{path}:{number} is no row of results ({error}); restore the file, or delete "
                    "it and run the study again"
                ) from None
    stages = {name: tuple(row for row in rows if row.role == role) for role, name in FIELDS.items()}
    return Cell(place, **stages)
