"""A training in progress: weights, oracle, optimizer and schedule, moved one step at a time."""

import math
from array import array
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from lenetlab.experiments.recipe.batch_plans import make_plan
from lenetlab.experiments.recipe.initialisations import initialise
from lenetlab.experiments.recipe.recipe import Recipe
from lenetlab.experiments.recipe.schedules import make_schedule
from lenetlab.experiments.run.build import build_optimizer
from lenetlab.methods.constraint import make_constraint
from lenetlab.methods.guests.errors import named, told
from lenetlab.methods.lookup import find
from lenetlab.methods.state import capture, restore
from lenetlab.oracle.engine import Engine
from lenetlab.oracle.model import Model
from lenetlab.oracle.oracle import Oracle
from lenetlab.oracle.order import DataOrder, starter_stream
from lenetlab.oracle.weights import Weights
from lenetlab.phrases import count
from lenetlab.problem.augmentation import Augmented
from lenetlab.problem.model import CONSTRAINED, initial_weights
from lenetlab.problem.randomness import generator_from

IDLE = 10  # steps in a row that cost nothing before it is an error
# Steps in a row without an example from the data order, where the budget is in epochs: before the
# first one, and later.
UNDRAWN, PAUSE = 10, 100


class Diverged(Exception):
    """A loss that is no finite number; the message says which and where."""


class StepError(Exception):
    """The optimizer raised, or asked the oracle nothing; the cause is chained."""


class Training:
    """All that moves while `recipe` is trained with `seed`; saved and restored as one tree.

    first : where the weights began (n,).
    """

    def __init__(
        self,
        recipe: Recipe,
        seed: int,
        n: int,
        engine: Engine,
        device: torch.device,
        model: Model | None = None,
        augmented: Augmented | None = None,
    ):
        entry = find(recipe.method.name)
        stream = starter_stream(seed)
        self.weights = Weights(initial_weights(stream).to(device))
        order = DataOrder(stream, n)
        self._augmented = augmented
        self._plan = plan = make_plan(recipe.plan, n)
        self.oracle = Oracle(
            engine,
            self.weights,
            order,
            batch_size=lambda: plan.batch_size(order.epochs),
            rng=_generator(seed),
            l2=recipe.weight_decay if entry.decay == "none" else 0.0,
            decayed=self.weights.matrices if recipe.decay == "weights" else None,
            model=model,
        )
        initialise(recipe.initialisation, self.oracle, seed)
        self.first = self.weights.w.clone()
        self.optimizer = build_optimizer(recipe, self.weights)
        self.constraint = (
            None if recipe.constraint.name == "none" else make_constraint(recipe.constraint)
        )
        self._max_nonzeros: int | None = recipe.max_nonzeros
        if self.constraint is not None:
            self.constraint.start(self.oracle, self.optimizer)
            self._obey(None)
        self.steps = 0
        self._idle = 0  # steps in a row that cost nothing
        self._undrawn = 0  # steps in a row without an example from the data order
        self.losses = array("f")
        self._budget = recipe.budget
        if recipe.budget.unit == "passes":
            self.oracle.end = recipe.budget.amount
        self._schedule = make_schedule(recipe.schedule)
        self._scheduled = str(recipe.schedule.settings["of"])
        self._initial = [group.get(self._scheduled, 0.0) for group in self.optimizer.param_groups]

    @property
    def position(self) -> float:
        """How far it is, in the unit of the budget."""
        if self._budget.unit == "epochs":
            return self.oracle.order.epochs
        return self.oracle.ledger.passes

    def where(self) -> dict[str, Any]:
        """Steps, epochs and effective passes done."""
        return {
            "steps": self.steps,
            "epochs": self.oracle.order.epochs,
            "passes": self.oracle.ledger.passes,
        }

    @property
    def rate(self) -> float | None:
        """The rate of the last step (of the first parameter group); None where it has none, or one
        that is no number, as a guest's may be."""
        try:
            rate = float(self.optimizer.param_groups[0]["lr"])
        except (LookupError, TypeError, ValueError, RuntimeError, OverflowError):
            return None
        return rate if math.isfinite(rate) else None

    def step(self) -> float:
        """Schedule, then one step of the method; its loss. The weights may then be no numbers
        only if the next loss will say so."""
        self._apply_schedule()
        self.oracle.next_step()
        self.oracle.progress = min(self.position / self._budget.amount, 1.0)
        if self._augmented is not None and self._augmented.go_to(int(self.oracle.order.epochs)):
            self.oracle.forget()
        charged, drawn = self.oracle.ledger.passes, self.oracle.order.epochs
        with told(lambda error: StepError(f"step {self.steps + 1}: {named(error)}")):
            returned = self.optimizer.step(self.oracle)
        self._check_charged(charged)
        loss = self.oracle.loss if returned is None else returned
        if loss is None:
            raise StepError(f"step {self.steps + 1} returned no loss and never called the oracle")
        value = self._number(loss)
        self.steps += 1
        self._check_drawn(drawn)
        if not math.isfinite(value):
            raise Diverged(f"loss is {value:g} at step {self.steps}")
        self.losses.append(value)
        progress = min(self.position / self._budget.amount, 1.0)
        if self._schedule is not None:
            self._schedule.observe(self._schedule_progress(progress), value)
        self._constrain(progress)
        self.optimizer.observe(self.weights.w, progress)
        self._plan.observe(self.oracle)
        return value

    def _number(self, loss: Any) -> float:
        """The loss that a step returned; a word is none, though Python would read it."""
        try:
            if isinstance(loss, str | bytes):
                raise TypeError
            return float(loss)
        except (TypeError, ValueError, RuntimeError) as error:
            what = type(loss).__name__
            if isinstance(loss, Tensor):
                what = f"a tensor of shape {tuple(loss.shape)}, {loss.dtype}"
            raise StepError(
                f"step {self.steps + 1} returned {what}, expected the loss, one number"
            ) from error

    def _check_charged(self, before: float) -> None:
        """A question that is answered from memory is free, as the second one is where a full batch
        warms up from the rate zero; but a run has to get on."""
        if self.oracle.ledger.passes != before:
            self._idle = 0
            return
        here = f"step {self.steps + 1}"
        if not self.oracle.recalled:
            raise StepError(
                f"{here} asked the oracle nothing: its step() never called the closure, which "
                "fills .grad and returns the loss"
            )
        self._idle += 1
        if self._idle == IDLE:
            raise StepError(
                f"{here} is the {IDLE}th in a row that asks the oracle nothing that is charged: "
                "the weights do not move"
            )

    def _check_drawn(self, before: float) -> None:
        """A budget in epochs has to be spent, or the run would never end."""
        epochs = self.oracle.order.epochs
        self._undrawn = 0 if epochs != before else self._undrawn + 1
        if self._budget.unit == "epochs" and self._undrawn >= (PAUSE if epochs else UNDRAWN):
            raise StepError(
                f"{self._undrawn} steps in a row drew no example from the data order, which is "
                "what a budget in epochs counts; give one in passes (--passes)"
            )

    def eval_weights(self) -> Tensor:
        """The weights to be judged (44426,): the method's own, inside the constraint."""
        here = f"the weights to be judged, after step {self.steps}"
        with told(lambda error: StepError(f"{here}: {named(error)}")):  # of a guest's eval()
            w = self.optimizer.eval_weights(self.weights.w)
        return w if self.constraint is None else self.constraint.eval_weights(w, self.oracle.mask)

    def within_bound(self, eval_weights: Tensor) -> Tensor:
        """`eval_weights` as they are measured on the way: before a constraint is in force, as it
        would leave them now, so that a curve tells of the method and not of the constraint's
        calendar."""
        if self.constraint is None or self.violation(eval_weights) is None:
            return eval_weights
        return self.constraint.project(eval_weights)

    def violation(self, eval_weights: Tensor) -> str | None:
        """Why `eval_weights` cannot be judged in its scenario: None if it can."""
        allowed = self._max_nonzeros
        count = int(eval_weights[:CONSTRAINED].count_nonzero())
        if allowed is None or count <= allowed:
            return None
        return (
            f"the run ended with {count} nonzeros in fc1 and fc2, before its constraint was in "
            f"force at {allowed}; give it a larger budget, or let the constraint end sooner"
        )

    def no_step(self) -> str:
        """Why a run that has ended before its first step did so."""
        what = "the first" if self.steps else "where it begins"
        cost = f": {what} costs {self.position:.3g}" if self.position else ""
        return f"no step fits into {self._budget}{cost}; give it a larger budget"

    def _constrain(self, progress: float) -> None:
        """Let the constraint act, and zero the weights outside its mask: whatever state of the
        method still moves them, they come back with nothing."""
        if self.constraint is None:
            return
        before = self.oracle.mask
        with torch.no_grad():
            self.constraint.act(self.oracle, self.optimizer, progress)
        self._obey(before)

    @torch.no_grad()
    def _obey(self, before: Tensor | None) -> None:
        """Zero what is outside the mask; tell the optimizer if it is another than `before`."""
        w, mask = self.weights.w, self.oracle.mask
        if mask is not None:
            w.mul_(mask)
        if mask is not before:
            self.optimizer.masked(w, mask)

    def _apply_schedule(self) -> None:
        if self._schedule is None:
            return
        progress = min(self.position / self._budget.amount, 1.0)
        factor = self._schedule(self._schedule_progress(progress), self.steps)
        groups = self.optimizer.param_groups
        if len(groups) != len(self._initial):
            raise StepError(
                f"step {self.steps + 1}: it has {count(len(groups), 'parameter group')} and had "
                f"{len(self._initial)} when it was made; a schedule has begun with those"
            )
        for group, initial in zip(groups, self._initial, strict=True):
            group[self._scheduled] = initial * factor

    def _schedule_progress(self, progress: float) -> float:
        """How far the schedule is: a constraint may train in rounds."""
        return progress if self.constraint is None else self.constraint.schedule_progress(progress)

    def state(self) -> dict[str, Any]:
        """The tree that a checkpoint keeps."""
        return {
            "w": self.weights.w,
            "optimizer": capture(self.optimizer),
            "oracle": self.oracle.state(),
            "plan": self._plan.state(),
            "constraint": self.constraint and self.constraint.state_dict(),
            "schedule": self._schedule and self._schedule.state(),
            "steps": self.steps,
            "idle": self._idle,
            "undrawn": self._undrawn,
            "sweep": self._augmented and self._augmented.sweep,
            "losses": torch.frombuffer(self.losses, dtype=torch.float32)
            if self.losses
            else torch.empty(0),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a saved tree, with the same bits as if nothing had happened."""
        self.weights.w.copy_(state["w"])
        restore(self.optimizer, state["optimizer"])
        self.oracle.restore(state["oracle"])
        self._plan.restore(state["plan"])
        if self.constraint is not None:
            self.constraint.load_state_dict(state["constraint"])
        if self._schedule is not None:
            self._schedule.restore(state.get("schedule") or {})
        if self._augmented is not None:
            # That of the step before: whether the next is another decides what is forgotten.
            self._augmented.go_to(state["sweep"])
        self.steps = state["steps"]
        self._idle = state["idle"]
        self._undrawn = state.get("undrawn", 0)
        self.losses = array("f", state["losses"].numpy().tobytes())


def _generator(seed: int) -> torch.Generator:
    """The methods' own source of randomness, unrelated to the data order of the same seed."""
    return generator_from(f"lenetlab methods {seed}")
