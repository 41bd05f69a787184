"""The base of our own methods: weights and gradient by name, hyperparameters, declared state.

A method's file reads as its page does: `w` and `g` are the flat vectors, `STATE` names what is
remembered between steps, `start(w)` creates it, `step(oracle)` moves w.
"""

from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor

from lenetlab.oracle.oracle import Oracle


class Stateful:
    """Attributes named in `STATE` are saved and restored, each in its own dtype.

    They may be tensors, numbers, None, or lists and dictionaries of them.
    """

    STATE: ClassVar[tuple[str, ...]] = ()

    def state_dict(self) -> dict[str, Any]:
        """The declared state; nothing is copied."""
        return {name: getattr(self, name) for name in self.STATE}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        if set(state) != set(self.STATE):
            raise ValueError(f"state has {sorted(state)}, expected {sorted(self.STATE)}")
        for name, value in state.items():
            setattr(self, name, value)


class Layer(NamedTuple):
    """One tensor of the network and its gradient; convolutions are matrices."""

    w: Tensor
    g: Tensor


class Base(Stateful):
    """A method over the parameters of its registered form.

    With form `flat`, `self.w` and `self.g` are the weights and the gradient (n,), shared with
    everything else. With form `layers`, `self.layers` lists every tensor with its gradient.
    Hyperparameters are read from `self.group` in every step, because schedules change them.
    """

    decayed: int | None = None  # entries of the flat vector that decay; None for all

    def __init__(self, params: list[Tensor], **hyper: Any) -> None:
        self.param_groups: list[dict[str, Any]] = [{"params": params, **hyper}]
        with torch.no_grad():
            self.layers = [Layer(p.detach(), _gradient(p)) for p in params]
            self.w, self.g = self.layers[0]
            self.start(self.w)

    def start(self, w: Tensor) -> None:
        """Create the state for weights `w`; the names are those in `STATE`."""

    def step(self, oracle: Oracle) -> Tensor:
        """One update; the loss at which it began."""
        raise NotImplementedError

    def views(self, v: Tensor) -> list[Tensor]:
        """A vector (n,) as tensors of the layers' shapes, in their order; they share its memory."""
        parts = torch.split(v, [layer.w.numel() for layer in self.layers])
        return [x.view(layer.w.shape) for x, layer in zip(parts, self.layers, strict=True)]

    def masked(self, w: Tensor, mask: Tensor) -> None:
        """A constraint has changed the mask, and with it the objective. Momentum may go on; where
        gradients of two steps are compared, the method begins anew: `self.start(w)`."""

    def moved(self, by: Tensor) -> None:
        """A constraint has moved the weights by `by` (n,). What the method keeps in their place and
        steps from, or returns to, must move along, or the next step would undo it."""

    def part(self, x: Tensor) -> Tensor:
        """What of `x` is to decay, a view: all of it, unless biases are spared. `x` is a vector
        (n,) or like one of the layers' tensors. Decay is written `self.part(w).mul_(…)`."""
        if self.decayed is None or x.dim() > 1:
            return x
        return x[: self.decayed] if len(x) > self.decayed else x[:0]

    @property
    def group(self) -> dict[str, Any]:
        """The hyperparameters, as the schedule has set them."""
        return self.param_groups[0]

    def state_dict(self) -> dict[str, Any]:
        """The declared state and the hyperparameters."""
        hyper = {k: v for k, v in self.group.items() if k != "params"}
        return {"hyper": hyper, "state": super().state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        self.group.update(state["hyper"])
        super().load_state_dict(state["state"])


def _gradient(parameter: Tensor) -> Tensor:
    if parameter.grad is None:
        raise ValueError("parameters have no gradient yet; take them from Weights.params")
    return parameter.grad
