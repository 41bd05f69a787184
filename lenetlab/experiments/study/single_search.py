"""A search by itself: a study of one cell, without finals, whose winner is kept."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lenetlab.errors import UserError, unknown
from lenetlab.experiments.recipe.recipe import Budget, check_count
from lenetlab.experiments.study.file.given import FIXED
from lenetlab.experiments.study.model import Study, StudyCell
from lenetlab.experiments.tuning.trials import SAMPLERS, Tuning
from lenetlab.experiments.tuning.tuned_recipes import SEARCH, Settled, kept_as, settle, winner
from lenetlab.methods.lookup import canonical, family_of, norms_of
from lenetlab.phrases import in_units
from lenetlab.problem.own_folder import find_problem
from lenetlab.problem.problems import DEFAULT
from lenetlab.problem.scenarios import find_scenario
from lenetlab.records.cells import Cell, Results
from lenetlab.records.contest import CellKey
from lenetlab.records.selection import Stages
from lenetlab.settings import show

CONFIRMED = 3  # trials, where a search by itself confirms


def search_cell(
    method: str,
    scenario: str,
    tune: Tuning,
    settings: Mapping[str, Any],
    problem: str | Path = DEFAULT,
) -> StudyCell:
    """The cell to be searched, checked. In sparse the constraint is `magnitude` unless set."""
    method = canonical(method)
    if said := sorted(FIXED & settings.keys()):
        raise UserError(
            f"{said[0]} is no setting of a search, which is of one scenario, problem and budget; "
            "give those by their own options, or leave it out"
        )
    if tune.sampler not in SAMPLERS:
        raise unknown("sampler", tune.sampler, SAMPLERS)
    if tune.trials < 0 or not tune.passes > 0:
        raise UserError(
            f"{tune.trials} trials of {in_units(tune.passes)} are none; expected 0 or more, of a "
            "number > 0"
        )
    check_count(tune.tried)
    variant = ", ".join(f"{name}={show(value)}" for name, value in sorted(settings.items()))
    name = find_problem(problem).name
    rules = str(settings.get("rules", "strict"))
    place = CellKey(method, family_of(method), scenario, rules, variant, norms=norms_of(method),
                    problem=name)  # fmt: skip
    if name != DEFAULT:
        settings = {**settings, "problem": problem}
    return StudyCell(place, with_constraint(scenario, settings), tune)


def with_constraint(scenario: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings, with what a sparse scenario cannot be without."""
    usual = {"constraint": "magnitude"} if find_scenario(scenario).bound is not None else {}
    return {**usual, **settings}


def search_study(cell: StudyCell, confirm: float | None = None) -> Study:
    """The study of that cell: trials, and no finals. `confirm` : effective passes for which the
    best three trials are run again, with two fresh seeds; None leaves that out."""
    assert cell.tune is not None
    if confirm is not None:
        Budget(confirm, "passes")  # refuses what is none
    if confirm is not None and not confirm >= cell.tune.passes:
        raise UserError(
            f"a confirmation of {in_units(confirm)} is shorter than the trials; expected "
            f"{cell.tune.passes:g} or more"
        )
    title = f"Tuning {cell.place.name} in {cell.place.where}"
    stages = Stages() if confirm is None else Stages(confirm=CONFIRMED)
    passes = cell.tune.passes if confirm is None else confirm
    return Study(SEARCH, title, passes, 0, (cell,), cell.tune, stages=stages)


def folder_of(study: Study) -> str:
    """The name of a search's working folder; more trials at the same price go on in it."""
    place, tune = study.cells[0].place, study.tune
    assert tune is not None
    problem = [] if place.problem == DEFAULT else [place.problem]
    text = ",".join([study.name, place.method, place.scenario, *problem, f"{tune.passes:g}"])
    return re.sub(r"[^A-Za-z0-9_.,+-]+", "_", text)


def settle_winner(out: Path, cell: Cell, study: Study) -> Settled | None:
    """Keep the recipe that was chosen in `out`, unless what is kept goes before it; None if there
    is none."""
    assert study.tune is not None
    price = study.tune.passes
    found = winner(Results(SEARCH, "", len(cell.trials), price, 0, study.passes, (cell,)), cell)
    if found is None:
        return None
    place = cell.place
    key = place.method, kept_as(place.scenario, place.problem, place.rules)
    return settle(out, {key: found})[key]
