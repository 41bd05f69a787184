"""A run from beginning to end: found, resumed or begun; trained; recorded whole."""

import hashlib
import io
import json
import re
import signal
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock, Timeout
from safetensors.torch import save
from torch import Tensor

from lenetlab import records
from lenetlab.errors import UserError
from lenetlab.experiments import checkpoint
from lenetlab.experiments.bench import Bench
from lenetlab.experiments.clock import Clock
from lenetlab.experiments.curve import Curve
from lenetlab.experiments.environment import machine, numerics, peak_memory_mb
from lenetlab.experiments.loop import Hooks, Outcome, loop
from lenetlab.experiments.recipe import Recipe
from lenetlab.experiments.training import Diverged, StepError, Training
from lenetlab.methods.constraint import find_constraint
from lenetlab.methods.registry import find
from lenetlab.methods.wrappers import find_wrapper
from lenetlab.oracle.engine import Engine
from lenetlab.oracle.torch_engine import TorchEngine
from lenetlab.problem.augmentation import VERSION as AUGMENTATION_VERSION
from lenetlab.problem.augmentation import Augmented
from lenetlab.problem.evaluation import Evaluation, evaluate
from lenetlab.problem.model import CONSTRAINED, state_dict

OnStep = Callable[[Training, float], None]
OnLook = Callable[[Training, list[dict[str, Any]]], None]

FIGURES = ("accuracy", "loss", "starter_average_loss", "correct", "images")


class Interrupted(Exception):
    """A signal ended the run between two steps; the same call continues it."""

    def __init__(self, path: Path, step: int, number: int) -> None:
        super().__init__(
            f"interrupted at step {step}; the same command continues the run in {path}"
        )
        self.path, self.step, self.number = path, step, number


def identify(recipe: Recipe, seed: int, checksum: str, record: dict[str, Any]) -> dict[str, Any]:
    """What run.json holds; its `id` is the hash of everything that decides the bits."""
    decisive = {
        "recipe": recipe.canonical(),
        "seed": seed,
        "data": checksum,
        "numerics": record,
    }
    return {
        "format": records.FORMAT,
        "id": digest(decisive),
        "label": recipe.label(),
        **decisive,
    }


def digest(decisive: dict[str, Any]) -> str:
    """The identity of a run, from the fields that decide its bits."""
    text = json.dumps(decisive, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def execute(
    recipe: Recipe,
    seed: int,
    bench: Bench,
    looks: Sequence[float] | None = None,
    on_step: OnStep = lambda t, loss: None,
    on_look: OnLook = lambda t, looks: None,
) -> records.Run:
    """Train `recipe` with `seed` and return the recorded run.

    A finished run of the same identity is returned as it stands, an unfinished one continued,
    unless `bench.resume` is off. `looks` are positions in the budget at which to measure; at
    every whole unit by default, and always at its end. Raises `UserError` before anything is
    trained, `Interrupted` after SIGINT or SIGTERM.
    """
    if not 0 <= seed < 2**63:
        raise UserError(f"seed {seed} is out of range; expected 0 to 2^63 - 1")
    train, engine, test, test_engine = bench.load(recipe.split)
    augmented = None
    if recipe.augmentation:
        augmented = Augmented(train, recipe.augmentation, seed, bench.where)
        train = augmented.split
        engine = bench.over(train)
    record = numerics(find(recipe.method.name), engine, bench.where)
    if recipe.wrappers:
        record["wrapper_versions"] = [find_wrapper(c.name).version for c in recipe.wrappers]
    if augmented is not None:
        record["augmentation_version"] = AUGMENTATION_VERSION
    if recipe.constraint.name != "none":
        record["constraint_version"] = find_constraint(recipe.constraint.name).version
    identity = identify(recipe, seed, train.checksum, record)
    path = _folder(bench.out, identity)
    amount = recipe.budget.amount
    curve = Curve(amount, range(1, int(amount) + 1) if looks is None else looks)
    with _alone(path), _seeded(seed):
        if bench.resume and (found := _finished(path, curve.planned)):
            return found
        model = TorchEngine(train, bench.where)  # second-order answers need PyTorch
        training = Training(recipe, seed, len(train), engine, bench.where, model, augmented)
        clock = Clock()
        saved = path / records.CHECKPOINT
        if bench.resume and saved.exists():
            _resume(saved, training, curve, clock)
        for old in (records.RESULT, records.CHECKPOINT):
            if not (bench.resume and old == records.CHECKPOINT):
                (path / old).unlink(missing_ok=True)
        records.replace_json(path / records.RUN, identity)

        def measure(w: Tensor) -> Evaluation:
            return evaluate(test_engine.logits(w), test.labels.to(w.device))

        def keep() -> None:
            tree = {
                "training": training.state(),
                "curve": curve.state(),
                "clock": clock.state(),
                "global_rng": torch.get_rng_state(),
            }
            try:
                checkpoint.write(saved, tree)
            except TypeError as error:
                warnings.warn(f"this run cannot be resumed: {error}", stacklevel=2)

        with _signals() as received:
            hooks = Hooks(measure, keep, lambda: bool(received), on_step, on_look, bench.save_every)
            status, reason, trace, outcome = _train(training, amount, curve, clock, hooks)
        if status == "interrupted":
            raise Interrupted(path, training.steps, received[0])
        _record(path, engine, training, curve, clock, outcome, status, reason, trace)
        saved.unlink(missing_ok=True)
        return records.read_run(path)


def _train(
    t: Training, amount: float, curve: Curve, clock: Clock, hooks: Hooks
) -> tuple[str, str | None, str | None, Outcome]:
    """Status, reason, traceback and outcome of the loop."""
    try:
        outcome = loop(t, amount, curve, clock, hooks)
    except Diverged as error:
        return "diverged", str(error), None, Outcome(None, t.where(), t.oracle.ledger.counts())
    except StepError as error:
        failed = Outcome(None, t.where(), t.oracle.ledger.counts())
        return "error", str(error), traceback.format_exc(), failed
    if outcome.answer is None:
        return "interrupted", None, None, outcome
    if (violated := t.violation(outcome.answer)) is not None:
        return "error", violated, None, Outcome(None, outcome.where, outcome.bill)
    return "done", None, None, outcome


def _record(
    path: Path,
    engine: Engine,
    t: Training,
    curve: Curve,
    clock: Clock,
    outcome: Outcome,
    status: str,
    reason: str | None,
    trace: str | None,
) -> None:
    """Write the run's files; result.json last, because it makes the run whole."""
    final: dict[str, Any] = dict.fromkeys(FIGURES)
    nonzeros = None
    if outcome.answer is not None:
        final = {key: curve.looks[-1][key] for key in FIGURES}
        nonzeros = int(outcome.answer[:CONSTRAINED].count_nonzero())
        named = {name: w.cpu() for name, w in state_dict(outcome.answer).items()}
        records.replace_bytes(path / records.WEIGHTS, save(named))
    losses = io.BytesIO()
    np.save(losses, np.asarray(t.losses[: outcome.where["steps"]], dtype=np.float32))
    records.replace_bytes(path / records.LOSSES, losses.getvalue())
    records.replace_json(path / records.CURVE, curve.record())
    seconds = {
        "train_seconds": clock.wall,
        "cpu_seconds": clock.cpu,
        "apart_seconds": clock.apart,
        "look_seconds": curve.look_seconds,
        "factorization_seconds": t.oracle.linalg.seconds,
        "peak_memory_mb": peak_memory_mb(),
    }
    record = seconds | machine(engine) | ({"traceback": trace} if trace else {})
    records.replace_json(path / records.MACHINE, record)
    result = {
        "status": status,
        "reason": reason,
        "final": final,
        "nonzeros": nonzeros,
        **outcome.where,
        "bill": outcome.bill,
        "discarded_passes": t.oracle.ledger.passes - outcome.where["passes"],
    }
    records.replace_json(path / records.RESULT, result)


def _folder(out: Path, identity: dict[str, Any]) -> Path:
    recipe = identity["recipe"]
    names = [name for name, _ in [*recipe.get("wrappers", []), recipe["method"]]]
    name = re.sub(r"[^A-Za-z0-9_.+-]+", "_", "+".join(names)).strip("._") or "run"
    path = out / f"{name[-60:]}-{identity['id']}"
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot write {path} ({error.strerror}); choose another --out") from None
    return path


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold the run's lock: two processes never compute the same run at once."""
    try:
        with FileLock(path / ".lock", timeout=0):
            yield
    except Timeout:
        raise UserError(
            f"another process is computing the run in {path}; wait for it, or choose another --out"
        ) from None
    except PermissionError as error:
        raise UserError(f"cannot write {path} ({error.strerror}); choose another --out") from None


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Seed PyTorch's global generator for the run and give it back as it was: nothing of ours
    draws from it, but an optimizer from outside may."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield


def _finished(path: Path, planned: Sequence[float]) -> records.Run | None:
    """The run recorded in `path`, if it is whole and was measured wherever it is now asked for."""
    if (path / records.RUN).exists():
        records.check_format(path / records.RUN, records.read_json(path / records.RUN))
    if not (path / records.RESULT).exists():
        return None
    run = records.read_run(path)
    if run.status == "error":  # the cause may be gone
        return None
    looked = {look["at"] for look in run.curve["looks"]}
    return run if run.status != "done" or looked.issuperset(planned) else None


def _resume(saved: Path, training: Training, curve: Curve, clock: Clock) -> None:
    """Continue from a checkpoint, unless it passed a position that is now to be measured."""
    tree = checkpoint.read(saved)
    planned = tree["curve"]["planned"]
    if planned != curve.planned:
        return
    training.restore(tree["training"])
    curve.restore(tree["curve"])
    clock.restore(tree["clock"])
    torch.set_rng_state(tree["global_rng"])


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
