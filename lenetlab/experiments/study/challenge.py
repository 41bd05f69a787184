"""The researcher's question: a method tuned and run by the protocol of a stored study."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lenetlab.errors import UserError, unknown
from lenetlab.experiments.recipe.recall import recall
from lenetlab.experiments.recipe.recipe import check_count
from lenetlab.experiments.run.runtime import Runtime
from lenetlab.experiments.study.model import Study, Task, eval_points
from lenetlab.experiments.study.single_search import search_cell
from lenetlab.experiments.study.worker import work_on
from lenetlab.experiments.tuning.trials import Tuning
from lenetlab.problem.problems import DEFAULT
from lenetlab.records.rows import FINAL, Cell, Results, RunRow
from lenetlab.records.selection import leader


def challenger(
    method: str, scenario: str, stored: Results, seeds: int | None, settings: Mapping[str, Any]
) -> Study:
    """What a challenger computes: the stored study's trials, their confirmation, price, passes and
    seeds."""
    if stored.trials < 1 or stored.tuning_passes <= 0:
        raise UserError(f"{stored.name} tuned nothing; a challenge needs a study with trials")
    tune = Tuning(stored.trials - 1, stored.tuning_passes)  # the default is tried as well
    cell = search_cell(method, scenario, tune, settings)
    check_count(stored.trials + (seeds or stored.seeds))
    title = f"{method} challenges {stored.name} in {scenario}"
    stages = replace(stored.stages, leaders=0, lucky=0)
    passes, seeds = stored.passes, seeds or stored.seeds
    return Study(stored.name, title, passes, seeds, (cell,), tune, stages=stages)


def leading_cell(stored: Results, scenario: str) -> Cell:
    """The leader of a scenario, fixed on held-out images; `UserError` if there is none."""
    known = {contest.scenario for contest in stored.contests() if contest.problem == DEFAULT}
    if stored.cells and not known:
        raise UserError(f"{stored.name} has no results on {DEFAULT}, on which challenges are run")
    if scenario not in known:
        raise unknown("scenario of these results:", scenario, known)
    finished = [cell for cell in stored.within(scenario) if cell.finals]
    first = leader(finished)
    if first is None:
        raise UserError(f"{stored.name} has no tuned method with finals in {scenario} yet")
    return first


def again(row: RunRow, runtime: Runtime) -> RunRow:
    """A recorded final computed once more, here and now and alone, for its seconds."""
    recipe = recall(row.recipe)
    task = Task(recipe, row.seed, FINAL, row.seed, eval_points(recipe.budget.amount))
    return work_on(task, runtime).row
