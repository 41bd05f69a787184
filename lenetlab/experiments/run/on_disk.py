"""A run with its folder: found, resumed or begun; trained; recorded whole."""

import io
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from lenetlab.disk import replace_bytes, replace_json
from lenetlab.errors import Interrupted
from lenetlab.experiments.recipe.recipe import Recipe
from lenetlab.experiments.run import checkpoint, global_generators
from lenetlab.experiments.run.curve import Curve
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
from lenetlab.experiments.run.loop import Hooks
from lenetlab.experiments.run.runtime import Runtime
from lenetlab.experiments.run.stopwatch import Clock
from lenetlab.experiments.run.training import Training
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
            training = run.training()
            clock = Clock()
            saved = home / run_folder.CHECKPOINT
            if runtime.resume and saved.exists():
                _resume(saved, training, curve, clock)
            (home / run_folder.RESULT).unlink(missing_ok=True)
            if not runtime.resume:
                saved.unlink(missing_ok=True)
            replace_json(home / run_folder.RUN, run.identity)

            def save_checkpoint() -> None:
                try:
                    tree = {
                        "training": training.state(),
                        "curve": curve.state(),
                        "clock": clock.state(),
                        "generators": global_generators.state(),
                    }
                    checkpoint.write(saved, tree)
                except TypeError as error:
                    warnings.warn(f"this run cannot be resumed: {error}", stacklevel=2)

            with _signals() as received:
                hooks = Hooks(
                    run.measure, save_checkpoint, lambda: bool(received) or time.monotonic() > end,
                    on_step, on_eval, runtime.save_every,
                )  # fmt: skip
                ending = train(training, recipe.budget.amount, curve, clock, hooks)
            if ending.status == "interrupted" and received:
                kept = path if saved.exists() else None  # a state may have been refused
                raise Interrupted(kept, training.steps, received[0])
            over = ending.status == "interrupted"
            if over:
                ending = timed_out(limit, training, ending)
            found = summed_up(run, training, curve, clock, ending)
        _record(path, found)
        if not over:
            saved.unlink(missing_ok=True)
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


def _resume(saved: Path, training: Training, curve: Curve, clock: Clock) -> None:
    """Continue from a checkpoint, unless it was to be measured elsewhere or an earlier version
    left it: that begins anew, and is said."""
    tree = checkpoint.read(saved)
    why = ""
    if "sweep" not in tree["training"]:
        why = "an earlier version of lenetlab left it"
    elif tree["curve"]["planned"] != curve.planned:
        why = "that run was to be measured at other positions"
    if why:
        warnings.warn(f"{saved} is not continued: {why}; the run begins anew", stacklevel=2)
        return
    training.restore(tree["training"])
    curve.restore(tree["curve"])
    clock.restore(tree["clock"])
    global_generators.restore(tree["generators"])


@contextmanager
def _signals() -> Iterator[list[int]]:
    """Collect SIGINT and SIGTERM while training; a second one acts as usual."""
    received: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield received  # Python delivers signals to the main thread alone
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    previous = {number: signal.getsignal(number) for number in numbers}

    def note(number: int, frame: object) -> None:
        received.append(number)
        signal.signal(number, previous[signal.Signals(number)])

    for number in numbers:
        signal.signal(number, note)
    try:
        yield received
    finally:
        for number in numbers:
            signal.signal(number, previous[number])
