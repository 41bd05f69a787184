"""Text rows of a study, from its store: a cell's file is written when it says something new."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from lenetlab.disk import replace_json
from lenetlab.experiments.study.model import as_results
from lenetlab.experiments.study.pending import StudyPlan
from lenetlab.experiments.study.stages import CellPlan
from lenetlab.records.cells import FIELDS, LEADER, Cell
from lenetlab.records.progress import NOTE
from lenetlab.records.rows import cell_path, read_cell, write_cell, write_results
from lenetlab.records.shapes import read_shaped


class Publisher:
    """Writes the cells of `plan` into its results folder; `note` remembers what they say.

    committed : leave out rows that were computed by changed code, so that whoever has the commit
        in a row has its code; `left_out` are their ids.
    """

    def __init__(self, plan: StudyPlan, note: Path, committed: bool = False) -> None:
        self._plan, self._note, self._committed = plan, note, committed
        self.left_out: set[str] = set()
        self._kept: dict[str, str] = {}
        if note.exists():
            kept = read_shaped(note, NOTE, "delete it and run the study again")
            if kept["results"] == str(plan.results.resolve()):
                self._kept = kept["cells"]
        self._said = dict(self._kept)

    def planned(self) -> None:
        """What was planned: with it a study can be looked at while it runs."""
        study = self._plan.study
        cells = (Cell(cell.place) for cell in study.cells)
        searches = (Cell(cell.place) for cell in self._plan.further)
        write_results(self._plan.results, as_results(study, cells, searches))

    def all(self) -> None:
        """What was planned, and every cell."""
        self.planned()
        for cell in self._plan.every:
            self.cell(cell)
        if self._said != self._kept:
            where = str(self._plan.results.resolve())
            replace_json(self._note, {"results": where, "cells": self._said})
            self._kept = dict(self._said)

    def cell(self, cell: CellPlan) -> None:
        """One cell, if its file does not say so yet."""
        path = cell_path(self._plan.results, cell.place)
        digest = self._digest(cell)
        if path.exists() and self._said.get(str(path)) == digest:
            return
        found = self._published(self._plan.rows(cell))
        there = read_cell(self._plan.results, cell.place)
        # Rows from elsewhere, or of another version, are not replaced by the beginning of the cell.
        whole = cell.settled and all(self._plan.store.get(task.id) for task in cell.tasks)
        if not found.rows or (_own(found) < _own(there) and not whole):
            return
        write_cell(self._plan.results, found)
        self._said[str(path)] = digest

    def _published(self, cell: Cell) -> Cell:
        if not self._committed:
            return cell
        self.left_out |= {row.id for row in cell.rows if row.of_changed_code}
        kept: dict[str, Any] = {
            name: tuple(row for row in getattr(cell, name) if not row.of_changed_code)
            for name in FIELDS.values()
        }
        return replace(cell, **kept)

    def _digest(self, cell: CellPlan) -> str:
        runs = [(task.id, self._plan.store.get(task.id)) for task in cell.tasks]
        text = json.dumps(runs, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def _own(cell: Cell) -> int:
    """Its rows, but for those that it has only while it is among the leading."""
    return sum(row.role != LEADER for row in cell.rows)
