"""The results of a study: its cells, each with its runs.

A *cell* is a method in a scenario. Its *trials* are scored on held-out training images, and so are
the *confirmations* of the best of them; its *finals* are trained on all images by the recipe that
was chosen so, and measured on the test set. The best cells of a leaderboard have *leader* runs, on
held-out images again, and further searches, which are cells of their own without finals.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from lenetlab.records.contest import CellKey, Contest
from lenetlab.records.finished import Result, Spent
from lenetlab.records.goal import Goal
from lenetlab.records.pace import beyond, cell_passes
from lenetlab.records.recipe import RecordedRecipe
from lenetlab.records.selection import TRIALS_ALONE, Stages, chosen, held_out

TRIAL, CONFIRMATION, FINAL, LEADER = "trial", "confirmation", "final", "leader"
# By the role of a run, where its cell has it.
FIELDS = {TRIAL: "trials", CONFIRMATION: "confirmations", FINAL: "finals", LEADER: "leading"}


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


def command_for(rows: Sequence[RunRow]) -> str:
    """The command that computes `rows`, which differ in their seed alone; one for every
    stretch of seeds without a gap, since `lenetlab run` counts up."""
    stretches: list[list[int]] = []
    for seed in sorted({row.seed for row in rows}):
        if stretches and seed == stretches[-1][-1] + 1:
            stretches[-1].append(seed)
        else:
            stretches.append([seed])
    recipe, numerics = rows[0].recorded, rows[0].numerics
    return " && ".join(recipe.command(found[0], len(found), numerics) for found in stretches)


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
            norms = {cell.place.norms for cell in self.within(contest)}
            both = contest.scenario == "plain" and "free" in norms and len(norms) > 1
            found += [contest, *([contest._replace(norms="free")] if both else [])]
        return found

    def rows(self) -> list[RunRow]:
        """Every run."""
        return [row for cell in (*self.cells, *self.searches) for row in cell.rows]

    def too_slow(self, cell: Cell) -> float | None:
        """CPU seconds that the whole cell would take, where it was given less and has no finals."""
        if cell.finals:
            return None
        passes = cell_passes(self.trials, self.tuning_passes, self.stages, self.seeds, self.passes)
        return beyond(self.cell_limit, cell.trials, passes)

    def begun(self) -> list[Cell]:
        """The cells that have a run; all of them if none has."""
        return [cell for cell in self.cells if cell.begun] or list(self.cells)

    def within(self, contest: Contest) -> list[Cell]:
        """The cells of one leaderboard."""
        every = contest._replace(norms="")
        return [
            cell
            for cell in self.cells
            if cell.place.contest == every and contest.norms in ("", cell.place.norms)
        ]
