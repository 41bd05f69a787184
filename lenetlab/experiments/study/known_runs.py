"""Which of a study's runs are there already: in its store, or in its results, of this machine or
of another.

A study may be computed on several machines one after the other. A run that is kin to a planned one
counts for it, with the numerics and the id that it has.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from lenetlab.experiments.study.model import Task
from lenetlab.experiments.study.run_ids import Naming, kin
from lenetlab.experiments.study.store import Store
from lenetlab.records.cells import RunRow
from lenetlab.records.contest import CellKey
from lenetlab.records.rows import read_cell


class KnownRuns:
    """Gives tasks their ids: of the run that is there, or that would be computed here.

    retry : a run of another machine that has no figures does not count.
    """

    def __init__(self, names: Naming, store: Store, results: Path, retry: bool) -> None:
        self._names, self._store, self._results = names, store, results
        self._retry = retry
        self._rows: dict[str, RunRow] = {}  # of the results, by id
        self._kin: dict[str, str] = {}  # ids
        self._read: set[CellKey] = set()

    def named(self, tasks: Sequence[Task], place: CellKey) -> list[Task]:
        """The tasks of a cell with their ids; a run that the results have enters the store."""
        if not tasks:
            return []
        if all(task.recipe is tasks[0].recipe for task in tasks):
            ids = self._names.ids(tasks[0].recipe, [task.seed for task in tasks])
        else:
            ids = [self._names.ids(task.recipe, [task.seed])[0] for task in tasks]
        if any(id not in self._store for id in ids):
            self._look_at(place)
        named = [
            replace(task, id=self._found(task, id)) for task, id in zip(tasks, ids, strict=True)
        ]
        for task in named:
            if task.id not in self._store and task.id in self._rows:
                self._store.put(self._rows[task.id])
        return named

    def _found(self, task: Task, id: str) -> str:
        if id in self._store or id in self._rows:
            return id
        numerics = self._names.numerics(task.recipe)
        return self._kin.get(kin(task.recipe.canonical(), task.seed, numerics), id)

    def _look_at(self, place: CellKey) -> None:
        """Read what the store and the cell's results have, each once."""
        if not self._read:
            for id in self._store:
                self._note(self._store.row(id))
        if place not in self._read:
            self._read.add(place)
            for row in read_cell(self._results, place).rows:
                self._rows[row.id] = row
                self._note(row)

    def _note(self, row: RunRow) -> None:
        if row.done or not self._retry:
            self._kin.setdefault(kin(row.recipe, row.seed, row.numerics), row.id)
