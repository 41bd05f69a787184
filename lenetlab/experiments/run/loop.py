"""The loop: step after step until the budget is spent; evaluations, checkpoints in between."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from lenetlab.experiments.run.curve import SLACK, Curve, Where
from lenetlab.experiments.run.stopwatch import Clock
from lenetlab.experiments.run.training import Diverged, Training
from lenetlab.problem.evaluation import Evaluation
from lenetlab.problem.model import CONSTRAINED


@dataclass(frozen=True)
class Hooks:
    """What happens between steps. None of it can change the training.

    measure : judges a weight vector.
    save : keeps a checkpoint, every `save_every` seconds.
    interrupted : whether to stop now.
    on_step, on_eval : called with every step and its loss; with every evaluation so far.
    """

    measure: Callable[[Tensor], Evaluation]
    save: Callable[[], None]
    interrupted: Callable[[], bool]
    on_step: Callable[[Training, float], None]
    on_eval: Callable[[Training, list[dict[str, Any]]], None]
    save_every: float


@dataclass(frozen=True)
class LoopEnd:
    """The weights that count (None after an interruption) and the ledger's counts at them."""

    eval_weights: Tensor | None
    where: Where
    ledger_counts: dict[str, int]


def loop(t: Training, amount: float, curve: Curve, clock: Clock, hooks: Hooks) -> LoopEnd:
    """Train until `amount` of the budget is spent; raises `Diverged` and `StepError`.

    If a step ends beyond the budget, the evaluation weights and the counts from before it stand.
    """
    saved = time.monotonic()
    before = t.eval_weights().clone()
    where, ledger_counts = t.where(), t.oracle.ledger.counts()
    clock.start()
    try:
        while t.position < amount - SLACK:
            try:
                loss = t.step()
            except Diverged:
                if t.position > amount + SLACK:
                    break
                raise
            if t.position > amount + SLACK:
                break
            before.copy_(t.eval_weights())
            where, ledger_counts = t.where(), t.oracle.ledger.counts()
            curve.add_step(t.position, where, loss, rate=t.rate, batch_size=t.oracle.batch_size)
            hooks.on_step(t, loss)
            if curve.due <= t.position + SLACK:
                with clock.paused():
                    _evaluate(t, before, where, ledger_counts, t.position, curve, clock, hooks)
            if hooks.interrupted():
                with clock.paused():
                    hooks.save()
                return LoopEnd(None, where, ledger_counts)
            if time.monotonic() - saved > hooks.save_every:
                with clock.paused():
                    hooks.save()
                saved = time.monotonic()
    finally:
        clock.stop()
    if curve.due <= amount and where["steps"]:
        with clock.paused():
            _evaluate(t, before, where, ledger_counts, amount, curve, clock, hooks)
    return LoopEnd(before, where, ledger_counts)


def _evaluate(
    t: Training,
    eval_weights: Tensor,
    where: Where,
    ledger_counts: dict[str, int],
    position: float,
    curve: Curve,
    clock: Clock,
    hooks: Hooks,
) -> None:
    """Measure once, and take note of every planned evaluation that has been reached."""
    eval_weights = t.within_bound(eval_weights)
    evaluation = hooks.measure(eval_weights)
    for loss in (evaluation.loss, evaluation.starter_average_loss):
        if not math.isfinite(loss):
            raise Diverged(f"measured loss is {loss:g} after step {where['steps']}")
    nonzeros = int(eval_weights[:CONSTRAINED].count_nonzero())
    while curve.due <= position + SLACK:
        curve.add_evaluation(
            where | {"gradients": ledger_counts["gradients"]}, evaluation, nonzeros, clock
        )
    hooks.on_eval(t, curve.evaluations)
