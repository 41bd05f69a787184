"""How a guest is driven: an optimizer that was written for the usual training loop.

That loop computes the gradient before `step`, or hands over a closure; it switches `train()` and
`eval()` around what it measures; and it does not mind where the parameters keep their numbers.
Here a guest gets the closure. `.grad` is NaN until the closure has filled it, so that the gradient
of the last batch cannot be taken for this one's. A class with `gradient_first = True` gets `.grad`
filled before `step`, and the closure as well. What is judged are the weights of `eval()`, found on
a copy.
"""

import inspect
from typing import Any

import torch
from torch import Tensor

from lenetlab.methods.state import capture, copied, restore

VERSION = 2  # of what a guest is given; raised when the bits of guests change

_FIRST = (
    "a class that needs .grad before it calls the closure says gradient_first = True, and gets it"
)


class Guest:
    """A guest as the loop drives it. What else it has (`eval_weights`, `masked`) is its own."""

    def __init__(self, optimizer: Any) -> None:
        self.optimizer = optimizer
        self.param_groups = optimizer.param_groups
        self._params = [p for group in self.param_groups for p in group["params"]]
        self._views = [p.detach() for p in self._params]  # of the weights that are trained
        self._first = bool(getattr(optimizer, "gradient_first", False))
        self._asks = "closure" in inspect.signature(optimizer.step).parameters
        self.begun = False  # whether it has made a step

    def step(self, oracle: Any) -> Any:
        """One step; the loss at which it began."""
        closure = _Closure(self, oracle)
        if self._first:
            loss = closure()
        else:
            oracle.spoil()
            loss = None
        returned = self.optimizer.step(closure) if self._asks else self.optimizer.step()
        self.gather()
        if not self.begun and closure.sound and oracle.w.isnan().any():
            raise ArithmeticError(
                "the first step made weights that are no numbers of a loss and a gradient that "
                f"are; .grad is NaN before: {_FIRST}"
            )
        self.begun = True
        return returned if loss is None else loss

    def gather(self) -> None:
        """Bring the weights back to where they belong, for a guest that replaced `p.data`."""
        for p, view in zip(self._params, self._views, strict=True):
            if p.data_ptr() != view.data_ptr():
                view.copy_(p.detach())
                p.data = view

    def state_dict(self) -> dict[str, Any]:
        """All that its next step depends on."""
        return {"begun": self.begun, "optimizer": capture(self.optimizer)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        self.begun = state["begun"]
        restore(self.optimizer, state["optimizer"])

    def __getattr__(self, name: str) -> Any:
        return getattr(self.optimizer, name)


class _Closure:
    """The oracle, which looks at the weights before the first question of a step."""

    def __init__(self, guest: Guest, oracle: Any) -> None:
        self._guest, self._oracle = guest, oracle
        self._before = not oracle.w.isnan().any()
        self._called = False
        self.sound = False  # whether the answers to a first step were numbers

    def __call__(self) -> Tensor:
        self._guest.gather()
        oracle = self._oracle
        if not self._called and self._before and oracle.w.isnan().any():
            raise ArithmeticError(
                f"it moved the weights by .grad, which is NaN until the closure is called: {_FIRST}"
            )
        self._called = True
        loss: Tensor = oracle()
        if not self._guest.begun:
            self.sound = bool(loss.isfinite() and oracle.g.isfinite().all())
        return loss

    def __getattr__(self, name: str) -> Any:
        return getattr(self._oracle, name)


class Switching(Guest):
    """A guest with modes: it is trained in one and judged in the other."""

    def __init__(self, optimizer: Any) -> None:
        super().__init__(optimizer)
        with torch.no_grad():
            optimizer.train()

    def eval_weights(self, w: Tensor) -> Tensor:
        """The weights that its `eval()` puts in the place of `w`; nothing stays changed."""
        if not self.begun:  # there is nothing yet that it could have averaged
            return w
        weights, state = w.clone(), capture(self.optimizer)
        restore(self.optimizer, copied(state))
        try:
            with torch.no_grad():
                self.optimizer.eval()
            self.gather()
            return w.clone()
        finally:
            w.copy_(weights)
            restore(self.optimizer, state)


def drive(optimizer: torch.optim.Optimizer) -> Guest:
    """The guest, ready for its first step."""
    modes = all(callable(getattr(optimizer, mode, None)) for mode in ("train", "eval"))
    own = hasattr(optimizer, "eval_weights")
    return Switching(optimizer) if modes and not own else Guest(optimizer)
