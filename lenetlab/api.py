"""The laboratory from Python: `run` one recipe, `sweep` a grid of them."""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, overload

from lenetlab.errors import UserError
from lenetlab.experiments.jobs import Job, carry_out, jobs, remarks
from lenetlab.experiments.record_jobs import record_jobs
from lenetlab.experiments.run.on_disk import OnEval, OnStep
from lenetlab.experiments.run.runtime import Runtime
from lenetlab.experiments.table import Table, table_of
from lenetlab.methods.guests.load import hand_over
from lenetlab.methods.lookup import family_of, norms_of
from lenetlab.records.cells import FINAL, TRIAL, RunRow
from lenetlab.records.contest import CellKey
from lenetlab.records.rows import row_of
from lenetlab.records.run_folder import Run
from lenetlab.settings import plain
from lenetlab.trained import Trained, report


@dataclass(frozen=True)
class Sweep(Sequence[tuple[Job, Trained]]):
    """What a sweep ran, in order: pairs of a job and its run."""

    pairs: tuple[tuple[Job, Trained], ...]

    def __len__(self) -> int:
        return len(self.pairs)

    @overload
    def __getitem__(self, at: int) -> tuple[Job, Trained]: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[tuple[Job, Trained]]: ...
    def __getitem__(self, at: int | slice) -> tuple[Job, Trained] | Sequence[tuple[Job, Trained]]:
        return self.pairs[at]

    def __repr__(self) -> str:
        return f"<Sweep of {len(self.pairs)} runs>"

    def report(self, to: str | Path = "report.html") -> Path:
        """Write the page of the runs to `to` and return its path; needs the extra `report`."""
        return report([run for _, run in self.pairs], to)

    def table(self) -> Table:
        """The runs as a flat table, with `to_pandas`, `to_polars` and `to_csv`; `variant` is the
        label of the job."""
        return table_of("sweep", ((_place(job), _row(run)) for job, run in self.pairs))


def run(
    method: str | type | None = None,
    *,
    seed: int | None = None,
    runtime: Runtime | None = None,
    tuned: bool = False,
    recipe: str | Path | None = None,
    eval_at: Sequence[float] | None = None,
    on_step: OnStep = lambda t, loss: None,
    on_eval: OnEval = lambda t, evaluations: None,
    **settings: Any,
) -> Trained:
    """Train LeNet-5 with `method` and return the recorded run.

    method : a registered name, `file.py:Class` or `module:Class`, inside wrappers or not:
        `"ema+sam+adamw"`; or the class of an optimizer, from a notebook too.
    seed : of the initial weights, the data order and the method's own randomness; 0 to 2⁶³ − 1.
        None is 0, and of a record the first that it was trained with.
    runtime : data, engine and folder of runs; pass the same one to many calls.
    eval_at : positions in the budget, in its unit, at which to measure; by default 0.1,
        0.25, 0.5 and every whole unit, and always the end.
    on_step, on_eval : called after every step with its training loss (nats), and after every
        measurement with all so far.
    settings : hyperparameters of the method (`lr=0.002`) and the arguments of `make_recipe`:
        `epochs` or `passes`, `batch_size`, `schedule`, `warmup`, `plan`, `scenario`, `constraint`,
        `decay`, `initialisation`, `rules`, `augment`, `split`, `problem`. What is not set is as the
        method registers it.
    tuned : what is not set is as in the recipe that tuning found for the method and scenario, which
        is named on stderr and in `Run.tuned`. A part of it that is set makes it another recipe.
    recipe : in the place of a method and all settings, a record that is trained again: a name from
        `lenetlab records`, or the folder of one.

    A setting outside the range that a search of it looks in is remarked on, on stderr. A finished
    run of the same identity is read, not trained again. A run that diverges is returned with that
    status. Raises: `UserError` before training for a wrong name or value, and where no tuned recipe
    is kept; `Interrupted` after Ctrl-C, and the same call goes on from there.

    >>> from lenetlab import run
    >>> run("adamw", lr=0.002, epochs=10, batch_size=64).summary()["accuracy"]  # doctest: +SKIP
    """
    runtime, seed = _runtime(runtime), plain(seed)
    for name, hook in {"on_step": on_step, "on_eval": on_eval}.items():
        if not callable(hook):
            raise UserError(f"{name}={hook!r} cannot be called; expected a function")
    if recipe is not None:
        if method is not None or tuned or settings:
            raise UserError("recipe= trains a record as it was; leave out the method and settings")
        (job,), _ = record_jobs(str(recipe), seed)
    else:
        names = [] if method is None else [_named(method)]
        (job,) = jobs(names, {}, 1, settings, seed or 0, runtime.out if tuned else None)
    _tell([job])
    return Trained.of(carry_out(job, runtime, eval_at, on_step, on_eval))


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
    runtime = _runtime(runtime)
    names = [_named(m) for m in _several(methods)]
    results = []
    todo = jobs(names, vary or {}, plain(seeds), settings, 0, runtime.out if tuned else None)
    _tell(todo)
    for job in todo:
        found = Trained.of(carry_out(job, runtime))
        on_run(job, found)
        results.append((job, found))
    return Sweep(tuple(results))


def _place(job: Job) -> CellKey:
    recipe = job.recipe
    family, norms = family_of(recipe.name), norms_of(recipe.name)
    return CellKey(recipe.name, family, recipe.scenario, recipe.rules, job.label, norms=norms,
                   problem=recipe.problem.name)  # fmt: skip


def _row(run: Run) -> RunRow:
    return row_of(run, TRIAL if run.held_out else FINAL, run.seed)


def _several(methods: Any) -> Iterable[Any]:
    """A class is one method, though some kinds of classes can be gone through."""
    one = isinstance(methods, str | type) or not isinstance(methods, Iterable)
    return [methods] if one else methods


def _named(method: str | type) -> str:
    return method if isinstance(method, str) else hand_over(method)


def _runtime(given: Runtime | None) -> Runtime:
    if given is not None and not isinstance(given, Runtime):
        raise UserError(f"runtime={given!r} is none; expected one as Runtime(out={str(given)!r})")
    return given or Runtime()


def _tell(todo: Sequence[Job]) -> None:
    for remark in remarks(todo):
        print(remark, file=sys.stderr)
