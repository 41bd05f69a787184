"""The researcher's question: a method tuned and run by the protocol of a stored study, beside the
leaders of its scenarios, whose finals are computed again where this machine gives other bits."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lenetlab.errors import UserError, unknown
from lenetlab.experiments.recipe.recall import recall
from lenetlab.experiments.recipe.recipe import Budget, Recipe, check_count
from lenetlab.experiments.study.model import Study, StudyCell, trial_recipes
from lenetlab.experiments.study.run_ids import Naming
from lenetlab.experiments.study.single_search import search_cell
from lenetlab.experiments.study.store import Store
from lenetlab.experiments.tuning.trials import Tuning
from lenetlab.problem.problems import DEFAULT
from lenetlab.records.cells import Cell, Results
from lenetlab.records.challenge import marked
from lenetlab.records.contest import Contest
from lenetlab.records.selection import Stages, leader
from lenetlab.settings import show


@dataclass(frozen=True)
class Terms:
    """What is asked for in the place of the study's own: recipes drawn, seeds, effective passes of
    a final (trials keep their share of it). None is the study's."""

    trials: int | None = None
    seeds: int | None = None
    passes: float | None = None


def scenarios_of(stored: Results, asked: Sequence[str]) -> list[str]:
    """The scenarios that are asked for, each once, `all` for those of the study with a leader."""
    strict = [c for c in stored.contests() if c.rules == "strict"]
    known = list(dict.fromkeys(c.scenario for c in strict if c.problem == DEFAULT))
    if strict and not known:
        raise UserError(f"{stored.name} has no results on {DEFAULT}, on which challenges are run")
    for name in asked:
        if name not in (*known, "all"):
            raise unknown("scenario of these results:", name, [*known, "all"])
    return [name for name in known if name in asked or "all" in asked]


def challenger(
    method: str,
    scenarios: Sequence[str],
    stored: Results,
    settings: Mapping[str, Any],
    terms: Terms = Terms(),
) -> Study:
    """What a challenger computes: the stored study's trials, their confirmation, the runs by which
    a leader is fixed, and finals, at the study's price."""
    if "rules" in settings:
        raise UserError(
            "rules is no setting of a challenge, whose guest stands among methods by strict rules; "
            "leave it out"
        )
    for key, value in settings.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise UserError(
                f"{key}={show(value)} is out of range for a challenge, whose files hold finite "
                "numbers; where it is the default, leave it out"
            )
    if stored.trials < 1 or stored.tuning_passes <= 0:
        raise UserError(f"{stored.name} tuned nothing; a challenge needs a study with trials")
    if terms.passes is not None:
        Budget(terms.passes, "passes")  # refuses what is none
    passes, seeds = terms.passes or stored.passes, terms.seeds or stored.seeds
    drawn = stored.trials - 1 if terms.trials is None else terms.trials  # the default is tried too
    tune = Tuning(drawn, stored.tuning_passes * passes / stored.passes)
    cells = tuple(search_cell(method, name, tune, settings) for name in scenarios)
    stages = stages_beside(stored)
    check_count(len(cells) * (tune.tried + stages.confirmations + 2 * seeds))
    title = f"{method} challenges {stored.name} in {', '.join(scenarios)}"
    return Study(stored.name, title, passes, seeds, cells, tune, stages=stages)


def stages_beside(stored: Results) -> Stages:
    """What follows on a challenger's trials: as in the study, but that nobody is searched again."""
    return replace(stored.stages, leaders=min(1, stored.stages.leaders), lucky=0)


def leading_cell(stored: Results, scenario: str) -> Cell:
    """The leader of a scenario, fixed on held-out images; `UserError` if there is none."""
    finished = [cell for cell in stored.within(Contest(scenario)) if cell.finals]
    first = leader(finished)
    if first is None:
        raise UserError(f"{stored.name} has no tuned method with finals in {scenario} yet")
    return first


def beside_leaders(study: Study, leaders: Sequence[Cell]) -> tuple[Study, list[list[Recipe]]]:
    """The study with a cell for each leader, whose recipe is given; and the recipes of all cells:
    of trials, or the one that is given."""
    recipes = [trial_recipes(study.name, cell) for cell in study.cells]
    recipes += [[recall(cell.finals[0].recipe)] for cell in leaders]
    again = tuple(StudyCell(marked(cell.place)) for cell in leaders)
    return replace(study, cells=(*study.cells, *again)), recipes


def take_over(leaders: Sequence[Cell], names: Naming, store: Store) -> None:
    """Put the recorded finals of leaders into the `store` of a challenge, where this machine would
    compute the same bits: then they need not be computed."""
    for cell in leaders:
        ids = names.ids(recall(cell.finals[0].recipe), [row.seed for row in cell.finals])
        for row, id in zip(cell.finals, ids, strict=True):
            known = store.get(id)
            if row.id == id and (known is None or not known.done):
                store.put(row)
