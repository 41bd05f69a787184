"""Runs to be: a grid of methods, settings and seeds, validated, and carried out one by one."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lenetlab.errors import UserError, letters
from lenetlab.experiments.recipe.recipe import Budget, Recipe, check_count, expand, recipe_from
from lenetlab.experiments.run.build import check_built
from lenetlab.experiments.run.identity import canonical as canonical_text
from lenetlab.experiments.run.on_disk import OnEval, OnStep, execute
from lenetlab.experiments.run.runtime import Runtime
from lenetlab.experiments.tuning.origin import Origin, laid_over
from lenetlab.experiments.tuning.search_space import unusual
from lenetlab.experiments.tuning.tuned_recipes import find_tuned, kept_as
from lenetlab.methods.lookup import canonical, find, split
from lenetlab.problem.own_folder import find_problem
from lenetlab.problem.problems import DEFAULT
from lenetlab.records.contest import located
from lenetlab.records.run_folder import Run, noted
from lenetlab.settings import plain, show

EARLY = (0.1, 0.25, 0.5)  # of the first unit of a budget: most of what is learned is learned there


@dataclass(frozen=True)
class Job:
    """One run of a grid: its recipe, its seed, and what distinguishes it from the others.

    label : method and varied settings; runs with the same label differ in their seed alone.
    origin : the tuned recipe it began as, where one was asked for.
    remarks : what is to be said of it before it is trained.
    """

    recipe: Recipe
    seed: int
    label: str
    origin: Origin | None = None
    remarks: tuple[str, ...] = ()


def jobs(
    methods: Sequence[str],
    vary: Mapping[str, Sequence[Any]],
    seeds: int,
    settings: Mapping[str, Any],
    first_seed: int = 0,
    tuned_in: Path | None = None,
) -> list[Job]:
    """The runs of a grid, all validated: `seeds` of them a point, from `first_seed`. They begin as
    methods register them or, with `tuned_in`, as the tuned recipes in that folder or the package;
    `UserError` where there is none."""
    check_seeds(first_seed, seeds)
    vary = {name: _values(name, given) for name, given in _grid(vary).items()}
    settings = {name: plain(given) for name, given in settings.items()}
    if "problem" in vary:
        raise UserError(
            "problem cannot be varied: accuracies on other images are not comparable; run one "
            'problem after the other, or rank across them by a study with problems = ["…", "…"]'
        )
    if not methods:
        raise UserError("no method is given; `lenetlab methods` lists them all")
    if empty := [name for name, values in vary.items() if not values]:
        raise UserError(f"{empty[0]} is varied over no value; give one or more, or leave it out")
    check_count(len(methods) * math.prod(len(values) for values in vary.values()) * seeds)
    if both := set(vary) & set(settings):
        raise UserError(f"{', '.join(sorted(both))} is both set and varied; leave one out")
    grid: list[Job] = []
    labels: dict[str, str] = {}  # by recipe
    for typed in methods:
        method = canonical(typed)
        known_as = [] if letters(typed) == letters(method) else [f"{typed} is {method} here"]
        for point in expand(vary):
            given = {**settings, **point}
            recipe, origin = _recipe(method, given, tuned_in)
            notes = known_as + ([] if origin is None else [f"tuned recipe: {origin}"])
            notes += unusual(method, recipe.scenario, given)
            if not find(split(method)[1]).deterministic:
                notes.append(f"{method} says that it is not deterministic: a run gives other bits")
            varied = ", ".join(f"{name}={show(value)}" for name, value in point.items())
            name = method if origin is None else f"{method} (tuned)"
            label = ", ".join(filter(None, [name, varied]))
            same = canonical_text(recipe.canonical())
            if same in labels:
                raise UserError(
                    f"{label} and {labels[same]} are the same training; leave one of them out"
                )
            labels[same] = label
            grid += [Job(recipe, first_seed + k, label, origin, tuple(notes)) for k in range(seeds)]
    check_built(job.recipe for job in grid[::seeds])
    return grid


def _grid(vary: Any) -> Mapping[str, Any]:
    if not isinstance(vary, Mapping):
        raise UserError(f'vary={vary!r} is no grid; expected one as {{"lr": [0.01, 0.1]}}')
    return vary


def _values(name: str, given: Any) -> list[Any]:
    """The values that a setting is varied over; a word is one, not its letters."""
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise UserError(f"{name} is varied over {given!r}; expected a list, as [{given!r}]")
    return [plain(value) for value in given]


def check_seeds(first: int, seeds: int) -> None:
    """Refuse `seeds` of them from `first` where some are none."""
    for name, given in (("seed", first), ("seeds", seeds)):
        if type(given) is not int:
            raise UserError(f"{name}={given!r} is no whole number")
    if seeds < 1:
        raise UserError(f"seeds={seeds} is out of range; expected 1 or more")
    if not 0 <= first <= 2**63 - seeds:
        raise UserError(f"seed {first} is out of range; expected 0 to 2^63 - {seeds}")


def carry_out(
    job: Job,
    runtime: Runtime,
    eval_at: Sequence[float] | None = None,
    on_step: OnStep = lambda t, loss: None,
    on_eval: OnEval = lambda t, evaluations: None,
    limit: float | None = None,
) -> Run:
    """`execute` a job; where its recipe is from is kept with the run. It is measured at `EARLY` and
    at every whole unit of its budget, unless `eval_at` says where."""
    if eval_at is None:
        eval_at = (*EARLY, *range(1, int(job.recipe.budget.amount) + 1))
    else:
        eval_at = _positions(eval_at, job.recipe.budget)
    found = execute(job.recipe, job.seed, runtime, eval_at, on_step, on_eval, limit)
    return found if job.origin is None else noted(found, tuned=job.origin.as_json())


def _positions(given: Any, budget: Budget) -> list[float]:
    """Where to measure, of whatever can be gone through once."""
    several = isinstance(given, Iterable) and not isinstance(given, str)
    found = [plain(x) for x in given] if several else []
    if not several or not all(isinstance(x, int | float) for x in found):
        raise UserError(f"eval_at={given!r} is no list of positions; expected one as [0.5, 1]")
    if outside := [x for x in found if not 0 < x <= budget.amount]:
        raise UserError(
            f"eval_at has {outside[0]:g}, which is not within {budget}; expected positions in it"
        )
    return found


def remarks(todo: Sequence[Job]) -> list[str]:
    """What is to be said of jobs before they are trained, each once."""
    return list(dict.fromkeys(remark for job in todo for remark in job.remarks))


def _recipe(
    method: str, settings: Mapping[str, Any], tuned_in: Path | None
) -> tuple[Recipe, Origin | None]:
    """The recipe of what is set, and the tuned one it began as."""
    if tuned_in is None:
        return recipe_from(method, settings), None
    scenario = settings.get("scenario", "plain")
    given = settings.get("problem", DEFAULT)
    problem = find_problem(given).name
    # a recipe that was found with changed images goes before that of the images as they are
    rules = dict.fromkeys((settings.get("rules", "strict"), "strict"))
    names = (kept_as(scenario, problem, one) for one in rules)
    found = next(filter(None, (find_tuned(method, name, tuned_in) for name in names)), None)
    if found is None:
        recipe_from(method, settings)  # a wrong name is said to be wrong, not untuned
        on = "" if problem == DEFAULT else f" --problem {given}"
        raise UserError(
            f"no tuned recipe is kept for {method} in scenario {located(scenario, problem)}; "
            f"`lenetlab tune {method} --scenario {scenario}{on}` finds one, and without --tuned it "
            "runs as it is registered"
        )
    return laid_over(method, settings, found)
