"""The lab from Python: `run` one recipe, `sweep` a grid of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lenetlab.errors import UserError
from lenetlab.experiments.bench import Bench
from lenetlab.experiments.execute import OnLook, OnStep, execute
from lenetlab.experiments.recipe import Recipe, expand, recipe_from
from lenetlab.experiments.tuned import Tuned, fill, tuned
from lenetlab.records import Run


@dataclass(frozen=True)
class Job:
    """One run of a grid: its recipe, its seed, and what distinguishes it from the others.

    label : method and varied settings; runs with the same label differ in their seed alone.
    tuned : the recipe that stood in for what was not set, if there was one.
    """

    recipe: Recipe
    seed: int
    label: str
    tuned: Tuned | None = None


def run(
    method: str,
    *,
    seed: int = 0,
    bench: Bench | None = None,
    registered: bool = False,
    looks: Sequence[float] | None = None,
    on_step: OnStep = lambda t, loss: None,
    on_look: OnLook = lambda t, looks: None,
    **settings: Any,
) -> Run:
    """Train LeNet-5 with `method` and return the recorded run.

    method : a registered name, `file.py:Class` or `module:Class`, inside wrappers or not:
        `"ema+sam+adamw"`.
    seed : of the initial weights, the data order and the method's own randomness; 0 to 2⁶³ − 1.
    bench : data, engine and folder of runs; pass the same one to many calls.
    looks : positions in the budget, in its unit, at which to measure; by default every whole unit,
        and always the end.
    on_step, on_look : called after every step with its training loss (nats), and after every
        measurement with all so far.
    settings : hyperparameters of the method (`lr=0.002`) and the arguments of `make_recipe`:
        `epochs` or `passes`, `batch_size`, `schedule`, `warmup`, `plan`, `scenario`, `constraint`,
        `decay`, `rules`, `augment`, `split`. What is not set is as in the recipe that tuning found
        for the method and scenario, if one is kept.
    registered : what is not set is as the method registers it.

    A finished run of the same identity is read, not trained again. A run that diverges is returned
    with that status. Raises: `UserError` before training for a wrong name or value; `Interrupted`
    after Ctrl-C, and the same call goes on from there.

    >>> from lenetlab import run
    >>> run("adamw", lr=0.002, epochs=10, batch_size=64).summary()["accuracy"]  # doctest: +SKIP
    """
    bench = bench or Bench()
    recipe, _ = _recipe(method, settings, None if registered else bench.out)
    return execute(recipe, seed, bench, looks, on_step, on_look)


def sweep(
    methods: str | Sequence[str],
    vary: Mapping[str, Sequence[Any]] | None = None,
    *,
    seeds: int = 1,
    bench: Bench | None = None,
    registered: bool = False,
    on_run: Callable[[Job, Run], None] = lambda job, run: None,
    **settings: Any,
) -> list[tuple[Job, Run]]:
    """Train every combination of `methods`, the varied settings and `seeds` seeds from 0.

    vary : a grid: lists of values by the name of a hyperparameter or of an argument of
        `make_recipe`; the last name varies fastest.
    settings : what all runs share, as in `run`.
    on_run : called after every run. registered : as in `run`.

    All recipes are validated before the first is trained, and a wrong one raises `UserError`. A
    failed run is among the results, with its status and reason.

    >>> from lenetlab import sweep
    >>> sweep(["sgd", "adamw"], {"batch_size": [16, 64]}, seeds=3)  # doctest: +SKIP
    """
    bench = bench or Bench()
    names = [methods] if isinstance(methods, str) else methods
    results = []
    for job in jobs(names, vary or {}, seeds, settings, tuned_in=None if registered else bench.out):
        found = execute(job.recipe, job.seed, bench)
        on_run(job, found)
        results.append((job, found))
    return results


def jobs(
    methods: Sequence[str],
    vary: Mapping[str, Sequence[Any]],
    seeds: int,
    settings: Mapping[str, Any],
    first_seed: int = 0,
    tuned_in: Path | None = None,
) -> list[Job]:
    """The runs of a grid, all validated: `seeds` of them a point, from `first_seed`. Tuned recipes
    are looked for in `tuned_in` and the package; None for what methods register."""
    if seeds < 1:
        raise UserError(f"seeds={seeds} is out of range; expected 1 or more")
    if both := set(vary) & set(settings):
        raise UserError(f"{', '.join(sorted(both))} is both set and varied; leave one out")
    grid = []
    for method in methods:
        for point in expand(vary):
            recipe, found = _recipe(method, {**settings, **point}, tuned_in)
            varied = ", ".join(f"{name}={value}" for name, value in point.items())
            label = ", ".join(filter(None, [method, varied]))
            grid += [Job(recipe, first_seed + k, label, found) for k in range(seeds)]
    return grid


def _recipe(
    method: str, settings: Mapping[str, Any], tuned_in: Path | None
) -> tuple[Recipe, Tuned | None]:
    """The recipe of what is set, and the tuned one it was filled up with."""
    found = None
    if tuned_in is not None and settings.get("rules", "strict") == "strict":
        found = tuned(method, settings.get("scenario", "plain"), tuned_in)
    if found is not None:
        settings = fill(settings, found)
    return recipe_from(method, settings), found
