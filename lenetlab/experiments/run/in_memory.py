"""A run in memory: begun, trained to its end, summed up. Nothing here touches a file."""

import math
import time
import traceback
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lenetlab.errors import UserError
from lenetlab.experiments.recipe.recipe import Recipe
from lenetlab.experiments.run.curve import Curve
from lenetlab.experiments.run.environment import machine, peak_memory_mb
from lenetlab.experiments.run.global_generators import seeded
from lenetlab.experiments.run.identity import identify, numerics_of
from lenetlab.experiments.run.loop import Hooks, LoopEnd, loop
from lenetlab.experiments.run.runtime import Runtime
from lenetlab.experiments.run.stopwatch import Clock
from lenetlab.experiments.run.training import Diverged, StepError, Training
from lenetlab.oracle.engine import Engine
from lenetlab.oracle.torch_engine import TorchEngine
from lenetlab.problem.augmentation import Augmented
from lenetlab.problem.data import Split
from lenetlab.problem.evaluation import Evaluation, evaluate
from lenetlab.problem.model import CONSTRAINED
from lenetlab.records.finished import Result, Spent

FIGURES = ("accuracy", "loss", "starter_average_loss", "correct")
TRAINED_ON = 10_000  # the first of the training images, on which a run is measured at its end too


@dataclass(frozen=True)
class Prepared:
    """A recipe and a seed on the data they are for, before the first step."""

    recipe: Recipe
    seed: int
    identity: dict[str, Any]
    runtime: Runtime
    engine: Engine
    train: Split
    augmented: Augmented | None
    test: Split
    test_engine: Engine

    def training(self) -> Training:
        """The training, at its first step."""
        device = self.runtime.torch_device
        model = TorchEngine(self.train, device)  # second-order answers need PyTorch
        return Training(
            self.recipe, self.seed, len(self.train), self.engine, device, model, self.augmented,
        )  # fmt: skip

    def curve(self, eval_at: Sequence[float] | None) -> Curve:
        """The curve to be, measured at `eval_at`; at every whole unit of the budget if None."""
        amount = self.recipe.budget.amount
        return Curve(amount, range(1, int(amount) + 1) if eval_at is None else eval_at)

    def measure(self, w: Tensor) -> Evaluation:
        """Judge a weight vector."""
        return evaluate(self.test_engine.logits(w), self.test.labels.to(w.device))

    def measure_training(self, w: Tensor) -> Evaluation:
        """Judge a weight vector on training images as they are, augmented or not: the same ones
        with either split."""
        train, engine, _, _ = self.runtime.load(self.recipe.split, self.recipe.problem)
        labels = train.labels[:TRAINED_ON].to(w.device)
        return evaluate(engine.logits(w, torch.arange(len(labels), device=w.device)), labels)


@dataclass(frozen=True)
class Computed:
    """What a run came to; all but `machine` is reproduced bit for bit.

    identity, result, curve, machine : as in the files of a run folder.
    losses : of every step (steps,), float32.
    weights : those that were judged (44426,), None where there are none.
    """

    identity: dict[str, Any]
    result: Result
    curve: dict[str, Any]
    machine: dict[str, Any]
    losses: "np.ndarray[Any, np.dtype[np.float32]]"
    weights: Tensor | None


@dataclass(frozen=True)
class Ending:
    """How the loop ended: `done`, `diverged`, `error`, `timeout`; or `interrupted`."""

    status: str
    reason: str | None
    trace: str | None
    outcome: LoopEnd


def prepare(recipe: Recipe, seed: int, runtime: Runtime) -> Prepared:
    """Load the data and name the run. Raises `UserError` for a seed out of range."""
    if not 0 <= seed < 2**63:
        raise UserError(f"seed {seed} is out of range; expected 0 to 2^63 - 1")
    train, engine, test, test_engine = runtime.load(recipe.split, recipe.problem)
    augmented = None
    if recipe.augmentation:
        augmented = Augmented(train, recipe.augmentation, seed, runtime.torch_device)
        train = augmented.split
        engine = runtime.over(train)
    record = numerics_of(recipe, engine, runtime.torch_device)
    identity = identify(recipe, seed, train.checksum, record)
    return Prepared(recipe, seed, identity, runtime, engine, train, augmented, test, test_engine)


def compute(
    recipe: Recipe,
    seed: int,
    runtime: Runtime,
    eval_at: Sequence[float] | None = None,
    limit: float | None = None,
) -> Computed:
    """Train `recipe` with `seed`, without files, checkpoints or signals.

    After `limit` seconds it stops before the next step, with the status `timeout`.
    """
    run = prepare(recipe, seed, runtime)  # loading the data is no part of the training
    end = float("inf") if limit is None else time.monotonic() + limit
    curve, clock = run.curve(eval_at), Clock()
    with seeded(seed):
        training = run.training()
        hooks = Hooks(
            run.measure,
            save=lambda: None,
            interrupted=lambda: time.monotonic() > end,
            on_step=lambda t, loss: None,
            on_eval=lambda t, evaluations: None,
            save_every=float("inf"),
        )
        ending = train(training, recipe.budget.amount, curve, clock, hooks)
        if ending.status == "interrupted":
            ending = timed_out(limit, training, ending)
        return summed_up(run, training, curve, clock, ending)


def train(t: Training, amount: float, curve: Curve, clock: Clock, hooks: Hooks) -> Ending:
    """Run the loop to its end, whichever it is."""
    try:
        outcome = loop(t, amount, curve, clock, hooks)
    except Diverged as error:
        failed = LoopEnd(None, t.where(), t.oracle.ledger.counts())
        return Ending("diverged", str(error), None, failed)
    except StepError as error:
        failed = LoopEnd(None, t.where(), t.oracle.ledger.counts())
        return Ending("error", str(error), traceback.format_exc(), failed)
    if outcome.eval_weights is None:
        return Ending("interrupted", None, None, outcome)
    # initial weights are nobody's result
    failure = t.violation(outcome.eval_weights) if outcome.where["steps"] else t.no_step()
    if failure is not None:
        return Ending("error", failure, None, LoopEnd(None, outcome.where, outcome.ledger_counts))
    return Ending("done", None, None, outcome)


def timed_out(limit: float | None, t: Training, interrupted: Ending) -> Ending:
    """How a run ends that was interrupted because of its limit in seconds."""
    reason = f"stopped at its limit of {limit:g} s, at step {t.steps}"
    return Ending("timeout", reason, None, interrupted.outcome)


def lost(run: Prepared, status: str, reason: str) -> Computed:
    """What is kept of a run whose process ended in the middle: nobody knows what it cost."""
    return Computed(
        run.identity,
        Result(status=status, reason=reason),
        {"trace": [], "evaluations": []},
        asdict(Spent())
        | {"evaluation_seconds": [], "evaluation_cpu_seconds": []}
        | machine(run.engine),
        np.empty(0, dtype=np.float32),
        None,
    )


def summed_up(run: Prepared, t: Training, curve: Curve, clock: Clock, ending: Ending) -> Computed:
    """Everything that is kept of a run that has ended."""
    outcome = ending.outcome
    figures: dict[str, Any] = {}
    if outcome.eval_weights is not None:
        with clock.paused():
            fit = run.measure_training(outcome.eval_weights)
        figures = {key: curve.evaluations[-1][key] for key in FIGURES} | {
            "nonzeros": int(outcome.eval_weights[:CONSTRAINED].count_nonzero()),
            "train_accuracy": fit.accuracy,
            "train_loss": fit.loss if math.isfinite(fit.loss) else None,
        }
    result = Result(
        status=ending.status,
        reason=ending.reason,
        **figures,
        **outcome.where,
        ledger_counts=outcome.ledger_counts,
        discarded_passes=t.oracle.ledger.passes - outcome.where["passes"],
    )
    spent = Spent(
        train_seconds=clock.wall,
        cpu_seconds=clock.cpu,
        overhead_seconds=clock.overhead,
        peak_memory_mb=peak_memory_mb(),
    )
    seconds = {
        "evaluation_seconds": curve.evaluation_seconds,
        "evaluation_cpu_seconds": curve.evaluation_cpu_seconds,
        "factorization_seconds": t.oracle.linalg.seconds,
    }
    trace = {"traceback": ending.trace} if ending.trace else {}
    return Computed(
        run.identity,
        result,
        curve.record(),
        asdict(spent) | seconds | machine(run.engine) | trace,
        np.asarray(t.losses[: outcome.where["steps"]], dtype=np.float32),
        outcome.eval_weights,
    )
