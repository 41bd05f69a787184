"""A search by itself: a study of one cell, without finals, whose winner is kept."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lenetlab.errors import UserError, unknown
from lenetlab.experiments.recipe.recipe import check_count
from lenetlab.experiments.study.model import Study, StudyCell, family_of
from lenetlab.experiments.tuning.trials import SAMPLERS, Tuning
from lenetlab.experiments.tuning.tuned_recipes import SEARCH, Settled, settle, winner
from lenetlab.methods.lookup import canonical
from lenetlab.problem.scenarios import find_scenario
from lenetlab.records.rows import Cell, CellKey, Results
from lenetlab.settings import show


def search_cell(method: str, scenario: str, tune: Tuning, settings: Mapping[str, Any]) -> StudyCell:
    """The cell to be searched, checked. In sparse the constraint is `magnitude` unless set."""
    method = canonical(method)
    if tune.sampler not in SAMPLERS:
        raise unknown("sampler", tune.sampler, SAMPLERS)
    if tune.trials < 1 or not tune.passes > 0:
        raise UserError(
            f"{tune.trials} trials of {tune.passes:g} passes are none; expected 1 or more, of a "
            "number > 0"
        )
    check_count(tune.trials)
    variant = ", ".join(f"{name}={show(value)}" for name, value in sorted(settings.items()))
    place = CellKey(method, family_of(method), scenario, variant=variant)
    return StudyCell(place, with_constraint(scenario, settings), tune)


def with_constraint(scenario: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings, with what a sparse scenario cannot be without."""
    usual = {"constraint": "magnitude"} if find_scenario(scenario).bound is not None else {}
    return {**usual, **settings}


def search_study(cell: StudyCell) -> Study:
    """The study of that cell: trials, and no finals."""
    assert cell.tune is not None
    title = f"Tuning {cell.place.name} in {cell.place.scenario}"
    return Study(SEARCH, title, cell.tune.passes, 0, (cell,), cell.tune)


def folder_of(study: Study) -> str:
    """The name of a search's working folder; more trials at the same price go on in it."""
    place = study.cells[0].place
    text = f"{study.name},{place.method},{place.scenario},{study.passes:g}"
    return re.sub(r"[^A-Za-z0-9_.,+-]+", "_", text)


def settle_winner(out: Path, cell: Cell, passes: float) -> Settled | None:
    """Keep the best trial's recipe in `out`, unless what is kept goes before it; None if no trial
    is done."""
    found = winner(Results(SEARCH, "", len(cell.trials), passes, 0, passes, (cell,)), cell)
    if found is None:
        return None
    key = cell.place.method, cell.place.scenario
    return settle(out, {key: found})[key]
