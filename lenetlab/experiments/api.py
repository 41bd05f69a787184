"""The lab from Python: `run` one recipe, `sweep` a grid of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lenetlab.errors import UserError
from lenetlab.experiments.bench import Bench
from lenetlab.experiments.execute import OnLook, OnStep, execute
from lenetlab.experiments.recipe import Recipe, expand, make_recipe
from lenetlab.records import Run
from lenetlab.settings import Value

# Arguments of `make_recipe` that can be varied like a hyperparameter.
OPTIONS = (
    "epochs", "passes", "batch_size", "plan", "schedule", "warmup", "scenario", "constraint",
    "decay", "rules", "augment",
)  # fmt: skip


@dataclass(frozen=True)
class Job:
    """One run of a grid: its recipe, its seed, and what distinguishes it from the others.

    label : method and varied settings; runs with the same label differ in their seed alone.
    """

    recipe: Recipe
    seed: int
    label: str


def run(
    method: str,
    *,
    seed: int = 0,
    bench: Bench | None = None,
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
        `decay`, `rules`, `augment`, `split`.

    A finished run of the same identity is read, not trained again. A run that diverges is returned
    with that status. Raises: `UserError` before training for a wrong name or value; `Interrupted`
    after Ctrl-C, and the same call goes on from there.

    >>> from lenetlab import run
    >>> run("adamw", lr=0.002, epochs=10, batch_size=64).summary()["accuracy"]  # doctest: +SKIP
    """
    recipe = _recipe(method, settings)
    return execute(recipe, seed, bench or Bench(), looks, on_step, on_look)


def sweep(
    methods: str | Sequence[str],
    vary: Mapping[str, Sequence[Any]] | None = None,
    *,
    seeds: int = 1,
    bench: Bench | None = None,
    on_run: Callable[[Job, Run], None] = lambda job, run: None,
    **settings: Any,
) -> list[tuple[Job, Run]]:
    """Train every combination of `methods`, the varied settings and `seeds` seeds from 0.

    vary : a grid: lists of values by the name of a hyperparameter or of an argument of
        `make_recipe`; the last name varies fastest.
    settings : what all runs share, as in `run`.
    on_run : called after every run.

    All recipes are validated before the first is trained, and a wrong one raises `UserError`. A
    failed run is among the results, with its status and reason.

    >>> from lenetlab import sweep
    >>> sweep(["sgd", "adamw"], {"batch_size": [16, 64]}, seeds=3)  # doctest: +SKIP
    """
    bench = bench or Bench()
    names = [methods] if isinstance(methods, str) else methods
    results = []
    for job in jobs(names, vary or {}, seeds, settings):
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
) -> list[Job]:
    """The runs of a grid, all validated: `seeds` of them a point, from `first_seed`."""
    if seeds < 1:
        raise UserError(f"seeds={seeds} is out of range; expected 1 or more")
    if both := set(vary) & set(settings):
        raise UserError(f"{', '.join(sorted(both))} is both set and varied; leave one out")
    grid = []
    for method in methods:
        for point in expand(vary):
            recipe = _recipe(method, {**settings, **point})
            varied = ", ".join(f"{name}={value}" for name, value in point.items())
            label = ", ".join(filter(None, [method, varied]))
            grid += [Job(recipe, first_seed + k, label) for k in range(seeds)]
    return grid


def _recipe(method: str, settings: Mapping[str, Any]) -> Recipe:
    options = {k: v for k, v in settings.items() if k in (*OPTIONS, "split")}
    hyper: dict[str, Value] = {k: v for k, v in settings.items() if k not in options}
    return make_recipe(method, hyper, **options)
