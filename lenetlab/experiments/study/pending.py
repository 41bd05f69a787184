"""What is to be done of a study, cell by cell, given what its store has."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from lenetlab.experiments.recipe.recipe import Recipe
from lenetlab.experiments.study.model import (
    Study,
    StudyCell,
    Task,
    final_tasks,
    more_recipes,
    trial_tasks,
)
from lenetlab.experiments.study.run_ids import Naming
from lenetlab.experiments.study.store import Brief, Store
from lenetlab.records.rows import FINAL, TRIAL, Cell, RunRow, read_cell, standing


@dataclass
class CellPlan:
    """A cell and its tasks; the finals are planned once all trials have ended."""

    cell: StudyCell
    given: Recipe | None
    trials: list[Task]
    finals: list[Task] = field(default_factory=list)
    planned: bool = False
    all_trials_failed: bool = False

    @property
    def searched(self) -> int:
        """How many trials it will have had."""
        return max(len(self.trials), self.cell.tune.trials if self.cell.tune else 0)

    @property
    def tasks(self) -> list[Task]:
        """All that are known."""
        return self.trials + self.finals


class StudyPlan:
    """The cells of a study, with everything that is done taken from its store or its results.

    results : folder of text rows; runs found there count as done and enter the store.
    retry : compute again what did not end as `done`.
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
        self._names, self._retry = names, retry
        self._tried: set[str] = set()
        self.cells = []
        for cell, own in zip(study.cells, recipes, strict=True):
            trials = self._named(trial_tasks(study, own)) if cell.tune else []
            self.cells.append(CellPlan(cell, None if cell.tune else own[0], trials))

    @property
    def runs(self) -> int:
        """How many runs the study has; those of a cell without finals are not counted."""
        return sum(
            p.searched + (0 if p.all_trials_failed else self.study.seeds) for p in self.cells
        )

    def missing(self, plan: CellPlan) -> list[Task]:
        """What can be computed of a cell now; its finals are planned here when it is their turn.
        Empty if the cell is complete."""
        todo = self._missing(plan, plan.trials)
        if todo:
            return todo
        if not plan.planned and (more := self._more(plan)):
            plan.trials += more
            return self.missing(plan)
        if not plan.planned:
            best = plan.given or self._best(plan)
            plan.planned = True
            plan.all_trials_failed = best is None
            plan.finals = [] if best is None else self._named(final_tasks(self.study, best))
        return self._missing(plan, plan.finals)

    def lacking(self) -> list[CellPlan]:
        """The cells of which something is to be computed; the finals of the others are planned."""
        return [cell for cell in self.cells if self.missing(cell)]

    def done(self, task: Task) -> Brief | None:
        """What is known of a run that has ended and is not to be tried again."""
        run = self.store.get(task.id)
        if run is None or (self._retry and run.status != "done" and task.id not in self._tried):
            return None
        return run

    def tried(self, id: str) -> None:
        """A run has just been recorded: it is not tried a second time."""
        self._tried.add(id)

    def rows(self, plan: CellPlan) -> Cell:
        """A cell as far as it is in the store."""
        kept: dict[str, list[RunRow]] = {TRIAL: [], FINAL: []}
        for task in plan.tasks:
            if task.id in self.store:
                row = replace(self.store.row(task.id), role=task.role, number=task.number)
                kept[task.role].append(row)
        return Cell(plan.cell.place, tuple(kept[TRIAL]), tuple(kept[FINAL]))

    def failures(self) -> Iterator[tuple[CellPlan, Task, Brief]]:
        """Runs that ended without figures."""
        for plan in self.cells:
            for task in plan.tasks:
                run = self.store.get(task.id)
                if run is not None and run.status != "done":
                    yield plan, task, run

    def _missing(self, plan: CellPlan, tasks: list[Task]) -> list[Task]:
        todo = [task for task in tasks if self.done(task) is None]
        if not todo:
            return todo
        there = self._rows_there(plan)
        for task in todo:
            row = there.get(task.id)
            if row is not None and task.id not in self.store:
                self.store.put(row)
        return [task for task in tasks if self.done(task) is None]

    def _rows_there(self, plan: CellPlan) -> dict[str, RunRow]:
        cell = read_cell(self.results, plan.cell.place)
        return {row.id: row for row in (*cell.trials, *cell.finals)}

    def _more(self, plan: CellPlan) -> list[Task]:
        """Trials that a sampler asks for after it has seen those before."""
        tune = plan.cell.tune
        if tune is None or len(plan.trials) >= tune.trials:
            return []
        ended = [self.store.get(task.id) for task in plan.trials]
        scores = [run.accuracy if run and run.status == "done" else None for run in ended]
        recipes = more_recipes(self.study.name, plan.cell, scores)
        return self._named(trial_tasks(self.study, recipes, len(plan.trials)))

    def _best(self, plan: CellPlan) -> Recipe | None:
        """`results.best_trial`, by what is held in memory."""
        done = [
            standing(run.accuracy, run.loss, task.number)
            for task in plan.trials
            if (run := self.store.get(task.id)) is not None and run.status == "done"
        ]
        return plan.trials[min(done)[2]].recipe if done else None

    def _named(self, tasks: list[Task]) -> list[Task]:
        if not tasks:
            return []
        if all(task.recipe is tasks[0].recipe for task in tasks):
            ids = self._names.ids(tasks[0].recipe, [task.seed for task in tasks])
        else:
            ids = [self._names.ids(task.recipe, [task.seed])[0] for task in tasks]
        return [replace(task, id=id) for task, id in zip(tasks, ids, strict=True)]
