"""A study: cells, each a method in a scenario with what was set, and the runs they come to.

What is run is a function of the study alone: of every cell, in the order of the file, its trials,
confirmations of the best of them if the study has them, and the recipe chosen so with every seed;
then what the leading cells get beyond that.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lenetlab.experiments.recipe.recipe import Recipe
from lenetlab.experiments.run.build import check_built
from lenetlab.experiments.tuning.search_space import unusual
from lenetlab.experiments.tuning.trials import (
    Tuning,
    at_full_length,
    carry_over,
    more_trials,
    trial_recipe,
    trials,
)
from lenetlab.problem.problems import DEFAULT
from lenetlab.records.cells import CONFIRMATION, FINAL, LEADER, TRIAL, Cell, Results
from lenetlab.records.contest import CellKey, located
from lenetlab.records.goal import Goal
from lenetlab.records.selection import CONFIRMING, LEADING, TRIALS_ALONE, Stages

# Evaluations before the first whole pass, each at most √2 times as far as the one before: the first
# targets are reached within a tenth of a pass, and how many times sooner is what is asked.
EARLY = (0.05, 0.07, 0.1, 0.14, 0.2, 0.28, 0.4, 0.56, 0.8)


@dataclass(frozen=True)
class Task:
    """One run to be computed; goes to a worker as it is.

    role, number : as in its row.
    eval_at : positions in the budget at which to measure; always at the end.
    limit : seconds after which it is stopped, None for no limit.
    save_weights : whether the weights are kept.
    id : what the coordinator expects the run to be called; a worker that finds another computes
        other bits, and refuses.
    """

    recipe: Recipe
    seed: int
    role: str
    number: int
    eval_at: tuple[float, ...] = ()
    limit: float | None = None
    save_weights: bool = False
    id: str = ""

    @property
    def label(self) -> str:
        """What a person calls it."""
        where = located(self.recipe.scenario, self.recipe.problem.name)
        where = "" if where == "plain" else f" in {where}"
        which = f", seed {self.seed}" if self.role == CONFIRMATION else ""
        return f"{self.recipe.label()}{where}, {self.role} {self.number}{which}"


@dataclass(frozen=True)
class StudyCell:
    """A method in a scenario. `settings` are given, the problem among them where it is not the
    usual one; `tune` is None if nothing is searched. `source` is the cell on another problem whose
    recipe it has, for cells that carry one over."""

    place: CellKey
    settings: Mapping[str, Any] = field(default_factory=dict)
    tune: Tuning | None = None
    source: CellKey | None = None


@dataclass(frozen=True)
class Study:
    """What a study file says. `limit` : seconds for one run, None for no limit. `stages` : what
    follows on the trials, besides the finals. `cell_limit` : CPU seconds for a whole cell; one that
    will take longer, by the pace of its trials, has trials alone. `first_seed` : of the finals.
    `record` : the bound that they are to beat, if it is a record board's."""

    name: str
    title: str
    passes: float
    seeds: int
    cells: tuple[StudyCell, ...]
    tune: Tuning | None = None
    limit: float | None = None
    stages: Stages = TRIALS_ALONE
    cell_limit: float | None = None
    first_seed: int = 0
    record: Goal | None = None


def as_results(study: Study, cells: Iterable[Cell], searches: Iterable[Cell] = ()) -> Results:
    """What was computed of a study, in the frame that its readers know it by."""
    trials, price = (study.tune.tried, study.tune.passes) if study.tune else (0, 0.0)
    return Results(
        study.name, study.title, trials, price, study.seeds, study.passes, tuple(cells),
        stages=study.stages, searches=tuple(searches), cell_limit=study.cell_limit,
        record=study.record,
    )  # fmt: skip


def remarks(study: Study) -> list[str]:
    """What is to be said of a study's settings before it is computed, each once."""
    found = (
        (cell.place.scenario, remark)
        for cell in study.cells
        for remark in unusual(cell.place.method, cell.place.scenario, cell.settings)
    )
    return [f"{remark}, in {scenario}" for scenario, remark in dict.fromkeys(found)]


def trial_recipes(study: str, cell: StudyCell) -> list[Recipe]:
    """The recipes of a cell's trials by number; without tuning, none. All can be built."""
    if cell.tune is None:
        return []
    place = cell.place
    found = trials(_search(study, cell), place.method, place.scenario, cell.tune, cell.settings)
    check_built(found)
    return found


def more_recipes(study: str, cell: StudyCell, scores: Sequence[float | None]) -> list[Recipe]:
    """The recipes that follow on trials with `scores`, for a sampler that looks at them."""
    if cell.tune is None:
        return []
    place = cell.place
    return more_trials(
        _search(study, cell), place.method, place.scenario, cell.tune, cell.settings, scores
    )


def _search(study: str, cell: StudyCell) -> str:
    # Variants of a cell differ in what is set; their searches draw different points, and so do
    # further searches of one cell.
    variant = [cell.place.variant] if cell.place.variant else []
    search = [f"search {cell.place.search}"] if cell.place.search > 1 else []
    return " ".join([study, *variant, *search])


def further_searches(study: Study, cell: StudyCell) -> list[StudyCell]:
    """The same cell, to be searched again by other points."""
    numbers = range(2, 2 + study.stages.searches)
    return [replace(cell, place=replace(cell.place, search=number)) for number in numbers]


def given_recipe(cell: StudyCell) -> Recipe:
    """The recipe of a cell that is not tuned, but for its budget; it can be built."""
    place = cell.place
    recipe = trial_recipe(place.method, place.scenario, Tuning(), cell.settings, {})
    check_built([recipe])
    return recipe


def trial_tasks(study: Study, recipes: list[Recipe], first: int = 0) -> list[Task]:
    """The trials of a cell, numbered from `first`: seed 0, measured once, at the end."""
    return [Task(recipe, 0, TRIAL, k, limit=study.limit) for k, recipe in enumerate(recipes, first)]


def confirmation_tasks(study: Study, chosen: Sequence[Task]) -> list[Task]:
    """Trials run again for the whole budget, on held-out images, with seeds that no trial has."""
    return [
        Task(at_full_length(trial.recipe, study.passes), CONFIRMING + k, CONFIRMATION, trial.number,
             limit=study.limit)
        for trial in chosen
        for k in range(study.stages.confirm_seeds)
    ]  # fmt: skip


def leader_tasks(study: Study, best: Recipe) -> list[Task]:
    """A cell's recipe on held-out images, with seeds that have chosen nothing yet."""
    recipe = at_full_length(best, study.passes)
    seeds = range(LEADING, LEADING + study.stages.leader_seeds)
    return [Task(recipe, seed, LEADER, seed, limit=study.limit) for seed in seeds]


def final_tasks(study: Study, best: Recipe) -> list[Task]:
    """The finals of a cell by the recipe that was chosen; the weights of the first are kept."""
    recipe = carry_over(best, study.passes)
    eval_at = eval_points(study.passes)
    return [
        Task(recipe, seed, FINAL, seed, eval_at, study.limit, save_weights=seed == study.first_seed)
        for seed in range(study.first_seed, study.first_seed + study.seeds)
    ]


def eval_points(passes: float) -> tuple[float, ...]:
    """Where finals are measured: `EARLY`, then every quarter of an effective pass, up to their end,
    at which every run is measured."""
    early = [at for at in EARLY if at < passes]
    return (*early, *(quarter / 4 for quarter in range(4, int(4 * passes) + 1)))


def on_problems(
    cell: StudyCell, problems: Mapping[str, str], transfer: bool = False
) -> list[StudyCell]:
    """The cell on every problem; `problems` are what a study calls them, by their names. With
    `transfer` it is tuned on the first alone, and that recipe is carried over to the others."""
    first, *others = (
        replace(
            cell,
            place=replace(cell.place, problem=name),
            settings={**cell.settings, **({} if name == DEFAULT else {"problem": given})},
        )
        for name, given in problems.items()
    )
    if transfer:
        found_on = first.place.problem
        others = [
            replace(one, place=replace(one.place, tuned_on=found_on), tune=None, source=first.place)
            for one in others
        ]
    return [first, *others]
