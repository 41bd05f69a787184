"""A run with its folder: found, resumed or begun; trained; recorded whole."""

import io
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from lenetlab.disk import replace_bytes, replace_json
from lenetlab.errors import Interrupted
from lenetlab.experiments.recipe.recipe import Recipe
from lenetlab.experiments.run.folder_lock import exclusive_lock
from lenetlab.experiments.run.global_generators import seeded
from lenetlab.experiments.run.identity import folder_name
from lenetlab.experiments.run.in_memory import (
    Computed,
    Prepared,
    lost,
    prepare,
    summed_up,
    timed_out,
    train,
)
from lenetlab.experiments.run.interruption import signals_noted
from lenetlab.experiments.run.loop import Hooks
from lenetlab.experiments.run.runtime import Runtime
from lenetlab.experiments.run.stopwatch import Clock
from lenetlab.experiments.run.training import Training
from lenetlab.experiments.run.unfinished import Unfinished
from lenetlab.problem.model import weights_file
from lenetlab.records import run_folder

OnStep = Callable[[Training, float], None]
OnEval = Callable[[Training, list[dict[str, Any]]], None]


def execute(
    recipe: Recipe,
    seed: int,
    runtime: Runtime,
    eval_at: Sequence[float] | None = None,
    on_step: OnStep = lambda t, loss: None,
    on_eval: OnEval = lambda t, evaluations: None,
    limit: float | None = None,
) -> run_folder.Run:
    """Train `recipe` with `seed` and return the recorded run.

    A finished run of the same identity is returned as it stands, an unfinished one continued,
    unless `runtime.resume` is off. `eval_at` are positions in the budget at which to measure; at
    every whole unit by default, and always at its end. After `limit` seconds it stops before the
    next step, with the status `timeout`; the same call goes on from there, for as long again.
    Raises `UserError` before anything is trained, `Interrupted` after SIGINT or SIGTERM.
    """
    run = prepare(recipe, seed, runtime)
    end = float("inf") if limit is None else time.monotonic() + limit
    path = _folder(run)
    curve = run.curve(eval_at)
    with exclusive_lock(path, "run"):
        if runtime.resume and (finished := _finished(path, curve.planned)):
            return finished
        home = path.absolute()  # a guest may leave the folder that the process is in
        with seeded(seed):
            training, clock = run.training(), Clock()
            unfinished = Unfinished(home / run_folder.CHECKPOINT, training, curve, clock)
            _begin(home, unfinished, runtime.resume)
            replace_json(home / run_folder.RUN, run.identity)
            with signals_noted() as received:
                hooks = Hooks(
                    run.measure, unfinished.save,
                    lambda: bool(received) or time.monotonic() > end,
                    on_step, on_eval, runtime.save_every,
                )  # fmt: skip
                ending = train(training, recipe.budget.amount, curve, clock, hooks)
            if ending.status == "interrupted" and received:
                kept = path if unfinished.path.exists() else None  # a state may be refused
                raise Interrupted(kept, training.steps, received[0])
            over = ending.status == "interrupted"
            if over:
                ending = timed_out(limit, training, ending)
            found = summed_up(run, training, curve, clock, ending)
        _record(path, found)
        if not over:
            unfinished.path.unlink(missing_ok=True)
        return run_folder.read_run(path)


def give_up(run: Prepared, status: str, reason: str) -> run_folder.Run:
    """Record a run whose process ended in the middle. A checkpoint stays, to go on from."""
    path = _folder(run)
    with exclusive_lock(path, "run"):
        replace_json(path / run_folder.RUN, run.identity)
        _record(path, lost(run, status, reason))
        return run_folder.read_run(path)


def _folder(run: Prepared) -> Path:
    return run.runtime.out / folder_name(run.recipe.name, run.identity["id"])


def _begin(home: Path, unfinished: Unfinished, resume: bool) -> None:
    """Take up what is kept in `home`, or clear it; the run is not whole from here on."""
    if not resume:
        unfinished.path.unlink(missing_ok=True)
    elif unfinished.path.exists():
        unfinished.resume()
    (home / run_folder.RESULT).unlink(missing_ok=True)


def _record(path: Path, found: Computed) -> None:
    """Write the run's files; result.json last, because it makes the run whole."""
    if found.weights is not None:
        replace_bytes(path / run_folder.WEIGHTS, weights_file(found.weights))
    losses = io.BytesIO()
    np.save(losses, found.losses)
    replace_bytes(path / run_folder.LOSSES, losses.getvalue())
    replace_json(path / run_folder.CURVE, found.curve)
    replace_json(path / run_folder.MACHINE, found.machine)
    replace_json(path / run_folder.RESULT, asdict(found.result))


def _finished(path: Path, planned: Sequence[float]) -> run_folder.Run | None:
    """The run recorded in `path`, if it is whole and was measured wherever it is now asked for."""
    if (path / run_folder.RUN).exists():
        run_folder.check_format(path / run_folder.RUN, run_folder.read_file(path, run_folder.RUN))
    if not (path / run_folder.RESULT).exists():
        return None
    run = run_folder.read_run(path)
    if run.status in ("error", "timeout") or not run.result.steps:  # the cause may be gone
        return None
    evaluated = {evaluation["at"] for evaluation in run.curve["evaluations"]}
    return run if run.status != "done" or evaluated.issuperset(planned) else None
