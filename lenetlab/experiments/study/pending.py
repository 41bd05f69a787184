"""What is to be done of a study, cell by cell, given what its store has."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lenetlab.experiments.recipe.recipe import Recipe
from lenetlab.experiments.study.known_runs import KnownRuns
from lenetlab.experiments.study.model import (
    Study,
    StudyCell,
    Task,
    confirmation_tasks,
    final_tasks,
    further_searches,
    leader_tasks,
    more_recipes,
    trial_recipes,
    trial_tasks,
)
from lenetlab.experiments.study.run_ids import Naming
from lenetlab.experiments.study.stages import CellPlan, Share, by_board, shares
from lenetlab.experiments.study.store import Brief, Store
from lenetlab.records.cells import FIELDS, Cell, RunRow
from lenetlab.records.contest import Contest
from lenetlab.records.pace import beyond, cell_passes
from lenetlab.records.selection import by_confirmation, chosen, to_confirm


@dataclass(frozen=True)
class Ended:
    """A run that has ended, as far as it can choose."""

    task: Task
    run: Brief

    @property
    def number(self) -> int:
        """Of its trial."""
        return self.task.number

    @property
    def accuracy(self) -> float | None:
        """On held-out images."""
        return self.run.accuracy

    @property
    def loss(self) -> float | None:
        """On held-out images."""
        return self.run.loss

    @property
    def done(self) -> bool:
        """Whether it has figures."""
        return self.run.done


@dataclass(frozen=True)
class Candidate:
    """A cell whose recipe may be chosen."""

    plan: CellPlan
    trials: list[Ended]
    confirmations: list[Ended]
    leading: list[Ended]

    @property
    def recipe(self) -> Recipe | None:
        """That of the finals."""
        found = chosen(self.trials, self.confirmations)
        return self.plan.given if found is None else found.task.recipe


Failure = tuple[CellPlan, Task, Brief]  # a run that ended without figures


class StudyPlan:
    """The cells of a study, with everything that is done taken from its store or its results.

    results : folder of text rows; runs found there count as done and enter the store.
    retry : compute again what did not end as `done`.
    further : searches of the leading cells, once those are known.
    """

    def __init__(
        self,
        study: Study,
        recipes: Sequence[list[Recipe]],
        names: Naming,
        store: Store,
        results: Path,
        retry: bool = False,
    ) -> None:
        self.study, self.store, self.results = study, store, results
        self._known, self._retry = KnownRuns(names, store, results, retry), retry
        self._tried: set[str] = set()
        self._opened: set[Contest] = set()
        self.cells = [
            CellPlan(cell, None if cell.tune else own[0], self._trials(cell, own))
            for cell, own in zip(study.cells, recipes, strict=True)
        ]
        self.further: list[CellPlan] = []
        self._by_place = {cell.place: cell for cell in self.cells}
        more = study.stages.leaders or study.stages.lucky
        self._boards = by_board(self.cells) if more else {}

    @property
    def every(self) -> list[CellPlan]:
        """The cells, and the further searches that are known."""
        return [*self.cells, *self.further]

    @property
    def shares(self) -> list[Share]:
        """What the study comes to, as far as it can be told."""
        waiting = [cells for board, cells in self._boards.items() if board not in self._opened]
        return list(shares(self.study, self.cells, self.further, waiting))

    @property
    def runs(self) -> int:
        """How many runs the study has; those of a cell without finals are not counted."""
        return sum(share.runs for share in self.shares)

    def missing(self, plan: CellPlan) -> list[Task]:
        """What can be computed of a cell now; its next stage is planned here when it is its turn.
        Empty if the cell is complete."""
        while not plan.settled:
            if plan.source and not self._by_place[plan.source].settled:
                return []
            if todo := self._missing([*plan.trials, *plan.confirmations]):
                return todo
            if more := self._more(plan):
                plan.trials += more
            elif (seconds := self._too_slow(plan)) is not None:
                plan.settled, plan.too_slow = True, seconds
            elif again := self._to_confirm(plan):
                plan.confirmations += again
            else:
                self._settle(plan)
        return self._missing([*plan.finals, *plan.leading])

    def opened(self) -> list[CellPlan]:
        """Plan what the leading cells get, on every leaderboard whose recipes are all chosen, and
        the finals of cells whose recipe has been chosen on another problem; the cells that have
        got something."""
        stages, found = self.study.stages, list[CellPlan]()
        for cell in self.cells:
            source = cell.source
            if source and not cell.settled and self._by_place[source].settled:
                self._settle(cell)
                found.append(cell)
        for board, cells in self._boards.items():
            if board in self._opened or not all(cell.settled for cell in cells):
                continue
            self._opened.add(board)
            ordered = by_confirmation(self._candidate(cell) for cell in cells)
            for one in ordered[: stages.leaders]:
                assert one.recipe is not None
                tasks = leader_tasks(self.study, one.recipe)
                one.plan.leading = self._known.named(tasks, one.plan.place)
                found.append(one.plan)
            for one in ordered[: stages.lucky]:
                found += self._search_further(one.plan)
        return found

    def lacking(self) -> list[CellPlan]:
        """The cells of which something is to be computed; the stages of the others are planned."""
        for cell in self.cells:
            self.missing(cell)
        self.opened()
        return [cell for cell in self.every if self.missing(cell)]

    def done(self, task: Task) -> Brief | None:
        """What is known of a run that has ended and is not to be tried again."""
        run = self.store.get(task.id)
        if run is None or (self._retry and not run.done and task.id not in self._tried):
            return None
        return run

    def tried(self, id: str) -> None:
        """A run has just been recorded: it is not tried a second time."""
        self._tried.add(id)

    def rows(self, plan: CellPlan) -> Cell:
        """A cell as far as it is in the store."""
        kept: dict[str, list[RunRow]] = {role: [] for role in FIELDS}
        for task in plan.tasks:
            if task.id in self.store:
                row = replace(self.store.row(task.id), role=task.role, number=task.number)
                kept[task.role].append(row)
        rows = {FIELDS[role]: tuple(found) for role, found in kept.items()}
        return Cell(plan.place, **rows)

    def failures(self) -> Iterator[Failure]:
        """Runs that ended without figures."""
        for plan in self.every:
            for task in plan.tasks:
                run = self.store.get(task.id)
                if run is not None and not run.done:
                    yield plan, task, run

    def _trials(self, cell: StudyCell, recipes: list[Recipe], first: int = 0) -> list[Task]:
        if cell.tune is None:
            return []
        return self._known.named(trial_tasks(self.study, recipes, first), cell.place)

    def _missing(self, tasks: list[Task]) -> list[Task]:
        return [task for task in tasks if self.done(task) is None]

    def _more(self, plan: CellPlan) -> list[Task]:
        """Trials that a sampler asks for after it has seen those before."""
        tune = plan.tune
        if tune is None or plan.confirmations or len(plan.trials) >= tune.tried:
            return []
        ended = [self.store.get(task.id) for task in plan.trials]
        scores = [run.accuracy if run and run.done else None for run in ended]
        recipes = more_recipes(self.study.name, plan.cell, scores)
        return self._trials(plan.cell, recipes, len(plan.trials))

    def _too_slow(self, plan: CellPlan) -> float | None:
        """How long the whole cell would take, where its study gives it less. By its trials alone,
        so that it is decided once."""
        study, tune = self.study, plan.tune
        if tune is None or plan.further:
            return None
        passes = cell_passes(tune.tried, tune.passes, study.stages, study.seeds, study.passes)
        return beyond(study.cell_limit, (one.run for one in self._ended(plan.trials)), passes)

    def _to_confirm(self, plan: CellPlan) -> list[Task]:
        """Confirmations, once all trials have ended; more, once none has stood."""
        known = self._candidate(plan)
        found = to_confirm(known.trials, known.confirmations, self.study.stages.confirm)
        tasks = confirmation_tasks(self.study, [one.task for one in found])
        return self._known.named(tasks, plan.place)

    def _settle(self, plan: CellPlan) -> None:
        """Choose the recipe, and plan the finals. Leader runs by it that are there already stay."""
        best, place = self._recipe(plan), plan.place
        plan.settled, plan.without_recipe = True, best is None
        if best is None or plan.further:
            return
        plan.finals = self._known.named(final_tasks(self.study, best), place)
        if plan.tune and self.study.stages.leaders:
            leading = self._known.named(leader_tasks(self.study, best), place)
            plan.leading = [task for task in leading if self.done(task) is not None]

    def _recipe(self, plan: CellPlan) -> Recipe | None:
        """That of a cell's finals; carried over, it is the other problem's but for the images."""
        if plan.source is None:
            return self._candidate(plan).recipe
        assert plan.given is not None
        found = self._candidate(self._by_place[plan.source]).recipe
        return None if found is None else replace(found, problem=plan.given.problem)

    def _search_further(self, plan: CellPlan) -> list[CellPlan]:
        there = {one.cell.place for one in self.further}
        found = [
            CellPlan(cell, None, self._trials(cell, trial_recipes(self.study.name, cell)))
            for cell in further_searches(self.study, plan.cell)
            if cell.place not in there
        ]
        self.further += found
        return found

    def _candidate(self, plan: CellPlan) -> Candidate:
        return Candidate(
            plan, self._ended(plan.trials), self._ended(plan.confirmations),
            self._ended(plan.leading),
        )  # fmt: skip

    def _ended(self, tasks: Sequence[Task]) -> list[Ended]:
        return [Ended(task, run) for task in tasks if (run := self.store.get(task.id)) is not None]
