"""The committed results that findings are made of, as far as they are there."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from lenetlab.analysis.equal_time import REFERENCE, priced
from lenetlab.disk import read_json
from lenetlab.experiments.recipe.recall import recall
from lenetlab.experiments.recipe.recipe import Recipe
from lenetlab.records.cells import Cell, Results, RunRow
from lenetlab.records.contest import Contest
from lenetlab.records.costs import Costs, read_costs
from lenetlab.records.locate import open_results
from lenetlab.records.other_budgets import other_budgets
from lenetlab.records.rows import STUDY


@dataclass(frozen=True)
class Sources:
    """A folder of results, each opened when it is asked for; None for what is not there."""

    root: Path

    @cached_property
    def course(self) -> Results | None:
        """The study of every family in three scenarios."""
        return self._study("course")

    @cached_property
    def course_between(self) -> list[Results]:
        """The study once more, at the lower and at the upper quartile of what a pass of each method
        but SGD was measured to cost; nothing where that was not measured."""
        folder = self.root / "course"
        costs = self.costs.get("course")
        if costs is None:
            return []
        rows = open_results(folder)
        return [
            priced(rows, replace(costs, ratios={
                key: ratio if key[0] == REFERENCE else replace(ratio, ratio=getattr(ratio, end))
                for key, ratio in costs.ratios.items()
            }))
            for end in ("low", "high")
        ]  # fmt: skip

    @cached_property
    def costs(self) -> dict[str, Costs]:
        """What passes cost, by the name of the study, where it was measured."""
        folders = [path for path in sorted(self.root.glob("*")) if (path / STUDY).exists()]
        found = {path.name: read_costs(path) for path in folders}
        return {name: costs for name, costs in found.items() if costs is not None}

    @cached_property
    def frontier(self) -> Results | None:
        """Thinner nets."""
        return self._study("frontier")

    @cached_property
    def learning_rate(self) -> Results | None:
        """The starter's method with other rates."""
        return self._study("ablations/learning_rate")

    @cached_property
    def noise(self) -> Results | None:
        """Estimators by batch size."""
        return self._study("ablations/noise")

    @cached_property
    def ladder(self) -> dict[str, Results]:
        """Tuned studies of all budgets by their folders' names, the least budget first: the steps
        of the ladder, and the course."""
        course = self.root / "course"
        found = {one.name: _read(one) for one in other_budgets(course)}
        if self.course is not None:
            found["course"] = self.course
        return dict(sorted(found.items(), key=lambda named: named[1].passes))

    @cached_property
    def machines(self) -> Mapping[str, Any] | None:
        """What `benchmarks/why_machines_differ.py` measured."""
        path = self.root / "machines.json"
        return read_json(path) if path.exists() else None

    def _study(self, name: str) -> Results | None:
        folder = self.root / name
        return _read(folder) if (folder / STUDY).exists() else None


def _read(folder: Path) -> Results:
    return priced(open_results(folder), read_costs(folder))


def cells_by_name(results: Results, scenario: str) -> dict[str, Cell]:
    """The cells of a scenario that have finals."""
    return {cell.place.name: cell for cell in results.within(Contest(scenario)) if cell.finals}


def whole_recipe(row: RunRow) -> Recipe:
    """A row's recipe with the defaults that its record leaves out."""
    return recall(row.recipe)
