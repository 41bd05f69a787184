"""The results of a study: one row a run, in text that can be read, compared and kept in git.

    study.json                  what was planned: title, tuning, seeds, passes, and every cell
    <scenario>/<cell>.jsonl     a cell's runs, one line each, stage after stage, in order of number
                                and seed; of another problem in `<scenario>,<problem>`

A *cell* is a method in a scenario. Its *trials* are scored on held-out training images, and so are
the *confirmations* of the best of them; its *finals* are trained on all images by the recipe that
was chosen so, and measured on the test set. The best cells of a leaderboard have *leader* runs, on
held-out images again, and further searches, which are cells of their own without finals.
Lines are in a fixed order with fixed keys, so that the same runs give the same bytes. Reading
needs no torch.
"""

import gc
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from lenetlab.disk import read_bytes, read_json, replace_bytes, replace_json
from lenetlab.errors import UserError
from lenetlab.problem.problems import DEFAULT
from lenetlab.records.finished import Result, Spent
from lenetlab.records.goal import Goal
from lenetlab.records.pace import cell_passes, projected
from lenetlab.records.readable import readable
from lenetlab.records.recipe import RecordedRecipe
from lenetlab.records.run_folder import Run
from lenetlab.records.selection import TRIALS_ALONE, Stages, chosen, held_out
from lenetlab.records.shapes import misfit, shape_of

FORMAT = 3
STUDY = "study.json"
TRIAL, CONFIRMATION, FINAL, LEADER = "trial", "confirmation", "final", "leader"
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


class Contest(NamedTuple):
    """What the methods of a leaderboard have in common: only those are ranked together.

    terms : what there is beside scenario and rules, as in `2 passes` or `765 weights`; empty in a
        study, whose budget is one, but on a frontier.
    norms : `free` for the methods alone that leave norms free; empty for all of them.
    problem : the images.
    """

    scenario: str
    rules: str = "strict"
    terms: str = ""
    norms: str = ""
    problem: str = DEFAULT

    @property
    def key(self) -> str:
        """As links and figures are named: `plain`, `plain,open`, `plain,mnist,2-passes`."""
        terms = re.sub(r"[^A-Za-z0-9.]+", "-", self.terms)
        problem = "" if self.problem == DEFAULT else re.sub(r"[^A-Za-z0-9.]+", "-", self.problem)
        rest = filter(None, (problem, terms, self.norms))
        return ",".join([self.scenario, *self._rules(), *rest])

    @property
    def title(self) -> str:
        """As a person reads it: `plain, open, 2 passes`, `plain on mnist`."""
        norms = f"{self.norms} norms" if self.norms else ""
        rest = filter(None, (self.terms, norms))
        return ", ".join([located(self.scenario, self.problem), *self._rules(), *rest])

    def _rules(self) -> list[str]:
        return [] if self.rules == "strict" else [self.rules]


def located(scenario: str, problem: str) -> str:
    """A scenario and its problem in words: `plain`, `plain on mnist`."""
    return scenario if problem == DEFAULT else f"{scenario} on {problem}"


@dataclass(frozen=True)
class CellKey:
    """Where a cell stands in its study. `method` has its wrappers around it, as in `ema+sgd`;
    `variant` tells cells apart that differ in settings which were given, not tuned; `terms` are
    its contest's, known from its runs and not kept in study.json; `search` is 1, and more of a
    cell that is searched again to see how much of its recipe was luck; `norms` is what the method
    does to the norms of weights: `free`, `decay`, `ball` or `sphere`; `tuned_on` is the problem
    that its recipe was found on, where that is another than its own `problem`."""

    method: str
    family: str
    scenario: str
    rules: str = "strict"
    variant: str = ""
    terms: str = ""
    search: int = 1
    norms: str = "free"
    problem: str = DEFAULT
    tuned_on: str = ""

    @property
    def contest(self) -> Contest:
        """With which cells it is ranked."""
        return Contest(self.scenario, self.rules, self.terms, problem=self.problem)

    @property
    def where(self) -> str:
        """Its scenario, with the problem where that is not the usual one."""
        return located(self.scenario, self.problem)

    @property
    def name(self) -> str:
        """What a person calls it within its scenario."""
        variant = [self.variant] if self.variant else []
        search = [f"search {self.search}"] if self.search > 1 else []
        return ", ".join([self.method, *variant, *search])


@dataclass(frozen=True, kw_only=True)
class Which:
    """Which run it is.

    role, number : `trial` and its number from 0, `confirmation` and the number of the trial that
        is run again, `final` or `leader` and the seed.
    recipe : canonical, without what is at its default.
    """

    role: str
    number: int
    id: str
    label: str
    recipe: Mapping[str, Any]
    seed: int


@dataclass(frozen=True, kw_only=True)
class RunRow(Spent, Result, Which):
    """One run; in text its fields stand in the order which, result, spent, and these.

    evaluations : in order, each with at (where in the budget it was planned), passes, steps,
        gradients, accuracy, loss, nonzeros, seconds and cpu_seconds (training so far).
    numerics : by what it was computed. machine : where.
    """

    evaluations: Sequence[Mapping[str, Any]] = ()
    numerics: Mapping[str, Any] = field(default_factory=dict)
    machine: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def recorded(self) -> RecordedRecipe:
        """The recipe, read; `UserError` if it is none."""
        return RecordedRecipe.read(self.recipe)

    @property
    def of_changed_code(self) -> bool:
        """Whether it was computed by code with changes that were not committed."""
        return str(self.machine.get("git") or "").endswith("+")


# What a row has to be to be read: as its fields say, but for what is relied on inside them.
ROW = shape_of(RunRow) | {
    "recipe": {"method": list},
    "evaluations": dict.fromkeys(EVALUATED, list),
}


@dataclass(frozen=True)
class Cell:
    """A method in a scenario: its trials and confirmations by number, its finals and leader runs
    by seed."""

    place: CellKey
    trials: tuple[RunRow, ...] = ()
    finals: tuple[RunRow, ...] = ()
    confirmations: tuple[RunRow, ...] = ()
    leading: tuple[RunRow, ...] = ()

    @property
    def begun(self) -> bool:
        """Whether it has a run."""
        return bool(self.trials or self.finals)

    @property
    def rows(self) -> tuple[RunRow, ...]:
        """Every run."""
        return (*self.trials, *self.confirmations, *self.finals, *self.leading)

    @property
    def search(self) -> tuple[RunRow, ...]:
        """The runs that its recipe was found by: what tuning cost."""
        return (*self.trials, *self.confirmations)

    @property
    def best(self) -> RunRow | None:
        """The trial whose recipe the finals have; None if there is none."""
        return chosen(self.trials, self.confirmations)

    @property
    def held_out(self) -> Sequence[RunRow]:
        """The runs by which that recipe was chosen: its confirmations, else its trial."""
        return held_out(self.trials, self.confirmations)


@dataclass(frozen=True)
class Results:
    """A study's cells, in the order of its file, those without a run included.

    trials, tuning_passes : of every tuned cell; 0 where nothing was tuned.
    seeds, passes : planned for the finals of every cell; 0 where nothing was planned.
    stages : what follows on the trials. searches : the further searches of the leading cells.
    cell_limit : CPU seconds that a whole cell may take; None for no limit.
    record : the bound that they are to beat, where the study is a record board's.
    planned : whether a study planned them; if not, they are whatever runs a folder holds, whose
        `trials` are those on held-out images.
    again : the command that computes them again, where one is known.
    timed : where the seconds of finals are from, if not from the runs themselves.
    """

    name: str
    title: str
    trials: int
    tuning_passes: float
    seeds: int
    passes: float
    cells: tuple[Cell, ...] = field(default_factory=tuple)
    planned: bool = True
    again: str = ""
    stages: Stages = TRIALS_ALONE
    searches: tuple[Cell, ...] = ()
    timed: str = ""
    cell_limit: float | None = None
    record: Goal | None = None

    @property
    def tuned(self) -> bool:
        """Whether settings were searched for by trials on held-out images."""
        return self.trials > 0

    def contests(self) -> list[Contest]:
        """Each cell is in one of these, in the order in which they first occur."""
        return list(dict.fromkeys(cell.place.contest for cell in self.cells))

    def leaderboards(self) -> list[Contest]:
        """The contests, and after `plain` that of the methods which leave norms free, if others do
        not: who holds or shrinks its weights does what weight decay does, by another name."""
        found = []
        for contest in self.contests():
            norms = {cell.place.norms for cell in self.within(*contest)}
            both = contest.scenario == "plain" and "free" in norms and len(norms) > 1
            found += [contest, *([contest._replace(norms="free")] if both else [])]
        return found

    def rows(self) -> list["RunRow"]:
        """Every run."""
        return [row for cell in (*self.cells, *self.searches) for row in cell.rows]

    def too_slow(self, cell: Cell) -> float | None:
        """CPU seconds that the whole cell would take, where it was given less and has no finals."""
        if self.cell_limit is None or cell.finals:
            return None
        passes = cell_passes(self.trials, self.tuning_passes, self.stages, self.seeds, self.passes)
        seconds = projected(cell.trials, passes)
        return seconds if seconds is not None and seconds > self.cell_limit else None

    def begun(self) -> list[Cell]:
        """The cells that have a run; all of them if none has."""
        return [cell for cell in self.cells if cell.begun] or list(self.cells)

    def within(
        self,
        scenario: str,
        rules: str = "strict",
        terms: str = "",
        norms: str = "",
        problem: str = DEFAULT,
    ) -> list[Cell]:
        """The cells of one leaderboard."""
        contest = Contest(scenario, rules, terms, problem=problem)
        return [
            cell
            for cell in self.cells
            if cell.place.contest == contest and norms in ("", cell.place.norms)
        ]


def total(values: Iterable[float | None]) -> float | None:
    """The sum; None if one of the values is not known."""
    known = list(values)
    return None if None in known else sum(value for value in known if value is not None)


# Of a row, what has text in it that others wrote.
TEXTS = ("id", "status", "reason", "label", "recipe", "ledger_counts", "numerics", "machine")
PLAN = ("name", "title", "trials", "tuning_passes", "seeds", "passes")  # in study.json
PLACE = ("method", "family", "scenario", "rules", "variant", "norms")  # … of every cell
FIELDS = {TRIAL: "trials", CONFIRMATION: "confirmations", FINAL: "finals", LEADER: "leading"}
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
    folder.mkdir(parents=True, exist_ok=True)
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
    lines = [json.dumps(as_json(row), ensure_ascii=False, allow_nan=False) for row in rows]
    path = cell_path(folder, cell.place)
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_bytes(path, ("\n".join(lines) + "\n").encode(errors="backslashreplace"))


def _order(row: RunRow) -> tuple[int, int]:
    return row.number, row.seed


def cell_path(folder: Path, place: CellKey) -> Path:
    """The file of a cell."""
    name = re.sub(r"[^A-Za-z0-9_.+=-]+", "_", place.name).strip("._") or "cell"
    scenario = place.contest._replace(terms="").key
    return folder / scenario / f"{name[:120]}.jsonl"


def read_results(folder: Path) -> Results:
    """The results in `folder`; `UserError` if there are none, or a line is broken."""
    plan = read_json(folder / STUDY)
    found = plan.get("format") if isinstance(plan, dict) else None
    if found != FORMAT:
        raise UserError(
            f"{folder / STUDY} has format {found}, this version of lenetlab reads "
            f"format {FORMAT}; make it again with `lenetlab study`"
        )
    later = {name: shape for name, shape in LATER.items() if name in plan}
    if wrong := misfit(plan, SHAPE | later, "study"):
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


def as_json(row: RunRow) -> dict[str, Any]:
    """A row as it is written; `row_from` reads it."""
    columns = {name: [evaluation[name] for evaluation in row.evaluations] for name in EVALUATED}
    return asdict(replace(row, evaluations=())) | {"evaluations": columns}


def row_from(given: Any) -> RunRow:
    """The row in what was read. Raises `ValueError` or `TypeError` for what is none."""
    if wrong := misfit(given, ROW, "row"):
        raise ValueError(wrong)
    columns = given["evaluations"]
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
