"""The lab from Python: `run` one recipe, `sweep` a grid of them."""

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lenetlab.errors import UserError, plain
from lenetlab.experiments.recipe.recipe import Recipe, check_count, expand, recipe_from
from lenetlab.experiments.run.on_disk import OnEval, OnStep, execute
from lenetlab.experiments.run.runtime import Runtime
from lenetlab.experiments.table import Table, table_of
from lenetlab.experiments.tuning.origin import Origin, laid_over
from lenetlab.experiments.tuning.search_space import unusual
from lenetlab.experiments.tuning.tuned_recipes import tuned as kept
from lenetlab.methods.lookup import canonical, family_of, find, norms_of, split
from lenetlab.methods.outside import hand_over
from lenetlab.problem.own_folder import find_problem
from lenetlab.problem.problems import DEFAULT
from lenetlab.records.rows import FINAL, TRIAL, CellKey, RunRow, located, row_of
from lenetlab.records.run_folder import Run, noted


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


@dataclass(frozen=True)
class Sweep(Sequence[tuple[Job, Run]]):
    """What a sweep ran, in order: pairs of a job and its run."""

    pairs: tuple[tuple[Job, Run], ...]

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, at: Any) -> Any:
        return self.pairs[at]

    def __repr__(self) -> str:
        return f"<Sweep of {len(self.pairs)} runs>"

    def table(self) -> Table:
        """The runs as a flat table, with `to_pandas`, `to_polars` and `to_csv`; `variant` is the
        label of the job."""
        return table_of("sweep", ((_place(job), _row(run)) for job, run in self.pairs))


def run(
    method: str | type,
    *,
    seed: int = 0,
    runtime: Runtime | None = None,
    tuned: bool = False,
    eval_at: Sequence[float] | None = None,
    on_step: OnStep = lambda t, loss: None,
    on_eval: OnEval = lambda t, evaluations: None,
    **settings: Any,
) -> Run:
    """Train LeNet-5 with `method` and return the recorded run.

    method : a registered name, `file.py:Class` or `module:Class`, inside wrappers or not:
        `"ema+sam+adamw"`; or the class of an optimizer, from a notebook too.
    seed : of the initial weights, the data order and the method's own randomness; 0 to 2⁶³ − 1.
    runtime : data, engine and folder of runs; pass the same one to many calls.
    eval_at : positions in the budget, in its unit, at which to measure; by default every whole
        unit, and always the end.
    on_step, on_eval : called after every step with its training loss (nats), and after every
        measurement with all so far.
    settings : hyperparameters of the method (`lr=0.002`) and the arguments of `make_recipe`:
        `epochs` or `passes`, `batch_size`, `schedule`, `warmup`, `plan`, `scenario`, `constraint`,
        `decay`, `rules`, `augment`, `split`, `problem`. What is not set is as the method registers
        it.
    tuned : what is not set is as in the recipe that tuning found for the method and scenario, which
        is named on stderr and in `Run.tuned`. A part of it that is set makes it another recipe.

    A setting outside the range that a search of it looks in is remarked on, on stderr. A finished
    run of the same identity is read, not trained again. A run that diverges is returned with that
    status. Raises: `UserError` before training for a wrong name or value, and where no tuned recipe
    is kept; `Interrupted` after Ctrl-C, and the same call goes on from there.

    >>> from lenetlab import run
    >>> run("adamw", lr=0.002, epochs=10, batch_size=64).summary()["accuracy"]  # doctest: +SKIP
    """
    runtime = runtime or Runtime()
    (job,) = jobs([_named(method)], {}, 1, settings, seed, runtime.out if tuned else None)
    _tell([job])
    return carry_out(job, runtime, eval_at, on_step, on_eval)


def sweep(
    methods: str | type | Sequence[str | type],
    vary: Mapping[str, Sequence[Any]] | None = None,
    *,
    seeds: int = 1,
    runtime: Runtime | None = None,
    tuned: bool = False,
    on_run: Callable[[Job, Run], None] = lambda job, run: None,
    **settings: Any,
) -> Sweep:
    """Train every combination of `methods`, the varied settings and `seeds` seeds from 0.

    vary : a grid: lists of values by the name of a hyperparameter or of an argument of
        `make_recipe`; the last name varies fastest.
    settings : what all runs share, as in `run`.
    on_run : called after every run. tuned : as in `run`.

    All recipes are validated before the first is trained, and a wrong one raises `UserError`. A
    failed run is among the results, with its status and reason.

    >>> from lenetlab import sweep
    >>> sweep(["sgd", "adamw"], {"batch_size": [16, 64]}, seeds=3).table()  # doctest: +SKIP
    """
    runtime = runtime or Runtime()
    names = [_named(m) for m in ([methods] if isinstance(methods, str | type) else methods)]
    results = []
    todo = jobs(names, vary or {}, seeds, settings, tuned_in=runtime.out if tuned else None)
    _tell(todo)
    for job in todo:
        found = carry_out(job, runtime)
        on_run(job, found)
        results.append((job, found))
    return Sweep(tuple(results))


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
    if seeds < 1:
        raise UserError(f"seeds={seeds} is out of range; expected 1 or more")
    if not 0 <= first_seed <= 2**63 - seeds:
        raise UserError(f"seed {first_seed} is out of range; expected 0 to 2^63 - {seeds}")
    if "problem" in vary:
        raise UserError(
            "problem cannot be varied: accuracies on other images are not comparable; run one "
            'problem after the other, or rank across them by a study with problems = ["…", "…"]'
        )
    check_count(len(methods) * math.prod(len(values) for values in vary.values()) * seeds)
    if both := set(vary) & set(settings):
        raise UserError(f"{', '.join(sorted(both))} is both set and varied; leave one out")
    grid = []
    for typed in methods:
        method = canonical(typed)
        known_as = [] if plain(typed) == plain(method) else [f"{typed} is {method} here"]
        for point in expand(vary):
            given = {**settings, **point}
            recipe, origin = _recipe(method, given, tuned_in)
            notes = known_as + ([] if origin is None else [f"tuned recipe: {origin}"])
            notes += unusual(method, recipe.scenario, given)
            if not find(split(method)[1]).deterministic:
                notes.append(f"{method} says that it is not deterministic: a run gives other bits")
            varied = ", ".join(f"{name}={value}" for name, value in point.items())
            name = method if origin is None else f"{method} (tuned)"
            label = ", ".join(filter(None, [name, varied]))
            grid += [Job(recipe, first_seed + k, label, origin, tuple(notes)) for k in range(seeds)]
    return grid


def carry_out(
    job: Job,
    runtime: Runtime,
    eval_at: Sequence[float] | None = None,
    on_step: OnStep = lambda t, loss: None,
    on_eval: OnEval = lambda t, evaluations: None,
    limit: float | None = None,
) -> Run:
    """`execute` a job; where its recipe is from is kept with the run."""
    found = execute(job.recipe, job.seed, runtime, eval_at, on_step, on_eval, limit)
    return found if job.origin is None else noted(found, tuned=job.origin.plain())


def _place(job: Job) -> CellKey:
    recipe = job.recipe
    family, norms = family_of(recipe.name), norms_of(recipe.name)
    return CellKey(recipe.name, family, recipe.scenario, recipe.rules, job.label, norms=norms)


def _row(run: Run) -> RunRow:
    return row_of(run, TRIAL if run.held_out else FINAL, run.seed)


def remarks(todo: Sequence[Job]) -> list[str]:
    """What is to be said of jobs before they are trained, each once."""
    return list(dict.fromkeys(remark for job in todo for remark in job.remarks))


def _named(method: str | type) -> str:
    return method if isinstance(method, str) else hand_over(method)


def _tell(todo: Sequence[Job]) -> None:
    for remark in remarks(todo):
        print(remark, file=sys.stderr)


def _recipe(
    method: str, settings: Mapping[str, Any], tuned_in: Path | None
) -> tuple[Recipe, Origin | None]:
    """The recipe of what is set, and the tuned one it began as."""
    if tuned_in is None:
        return recipe_from(method, settings), None
    scenario = settings.get("scenario", "plain")
    given = settings.get("problem", DEFAULT)
    problem = find_problem(given).name
    found = kept(method, located(scenario, problem), tuned_in)
    if found is None:
        recipe_from(method, settings)  # a wrong name is said to be wrong, not untuned
        on = "" if problem == DEFAULT else f" --problem {given}"
        raise UserError(
            f"no tuned recipe is kept for {method} in scenario {located(scenario, problem)}; "
            f"`lenetlab tune {method} --scenario {scenario}{on}` finds one, and without --tuned it "
            "runs as it is registered"
        )
    return laid_over(method, settings, found)
