"""The loop: step after step until the budget is spent, with looks and checkpoints in between."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from lenetlab.experiments.clock import Clock
from lenetlab.experiments.curve import SLACK, Curve, Where
from lenetlab.experiments.training import Diverged, Training
from lenetlab.problem.evaluation import Evaluation
from lenetlab.problem.model import CONSTRAINED


@dataclass(frozen=True)
class Hooks:
    """What happens between steps. None of it can change the training.

    measure : judges a weight vector.
    save : keeps a checkpoint, every `save_every` seconds.
    interrupted : whether to stop now.
    on_step, on_look : told of every step and its loss, of every measurement and those before.
    """

    measure: Callable[[Tensor], Evaluation]
    save: Callable[[], None]
    interrupted: Callable[[], bool]
    on_step: Callable[[Training, float], None]
    on_look: Callable[[Training, list[dict[str, Any]]], None]
    save_every: float


@dataclass(frozen=True)
class Outcome:
    """The weights that count (None after an interruption) and the bill they cost."""

    answer: Tensor | None
    where: Where
    bill: dict[str, int]


def loop(t: Training, amount: float, curve: Curve, clock: Clock, hooks: Hooks) -> Outcome:
    """Train until `amount` of the budget is spent; raises `Diverged` and `StepError`.

    If a step ends beyond the budget, the answer and the bill from before it are what counts.
    """
    saved = time.monotonic()
    before = t.answer().clone()
    where, bill = t.where(), t.oracle.ledger.counts()
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
            before.copy_(t.answer())
            where, bill = t.where(), t.oracle.ledger.counts()
            curve.add_step(t.position, where, loss, rate=t.rate, batch_size=t.oracle.asked)
            hooks.on_step(t, loss)
            if curve.due <= t.position + SLACK:
                with clock.paused():
                    _look(t, before, where, bill, t.position, curve, clock, hooks)
            if hooks.interrupted():
                with clock.paused():
                    hooks.save()
                return Outcome(None, where, bill)
            if time.monotonic() - saved > hooks.save_every:
                with clock.paused():
                    hooks.save()
                saved = time.monotonic()
    finally:
        clock.stop()
    if curve.due <= amount:
        _look(t, before, where, bill, amount, curve, clock, hooks)
    return Outcome(before, where, bill)


def _look(
    t: Training,
    answer: Tensor,
    where: Where,
    bill: dict[str, int],
    position: float,
    curve: Curve,
    clock: Clock,
    hooks: Hooks,
) -> None:
    """Measure once, and take note of every planned look that has been reached."""
    evaluation = hooks.measure(answer)
    for loss in (evaluation.loss, evaluation.starter_average_loss):
        if not math.isfinite(loss):
            raise Diverged(f"measured loss is {loss:g} after step {where['steps']}")
    nonzeros = int(answer[:CONSTRAINED].count_nonzero())
    while curve.due <= position + SLACK:
        curve.add_look(where | {"gradients": bill["gradients"]}, evaluation, nonzeros, clock)
    hooks.on_look(t, curve.looks)
