"""How a guest is driven: an optimizer that was written for the usual training loop.

That loop computes the gradient before `step`, or hands over a closure; it switches `train()` and
`eval()` around what it measures; and it does not mind where the parameters keep their numbers.
Here a guest gets the closure. `.grad` is NaN until the closure has filled it, so that the gradient
of the last batch cannot be taken for this one's, and every answer is another tensor, as `zero_grad`
leaves it to be: who keeps one has kept it. A class with `gradient_first = True` gets `.grad`
filled before `step`, and the closure as well; where its `step` takes no closure or is not
implemented, and it has `first_step` and `second_step`, those are called, with the gradient filled
in between. What is judged are the weights of `eval()`, found on a copy.

That loop also has one group of parameters, as there is here unless biases are spared the decay:
then each parameter has its own (decay.py), and a class that trains the first alone is stopped.
"""

import inspect
from typing import Any

import torch
from torch import Tensor

from lenetlab.methods.guests.copies import copies_of
from lenetlab.methods.state import capture, copied, restore

VERSION = 3  # of what a guest is given; raised when the bits of guests change

# Steps that move the first group alone before it is an error: a class that takes tensors by turns
# has come to another one by then.
_ALONE = 2

_FIRST = (
    "a class that needs .grad before it calls the closure says gradient_first = True, and gets it"
)


class Guest:
    """A guest as the loop drives it. What else it has (`eval_weights`, `masked`) is its own."""

    def __init__(
        self, optimizer: Any, first: bool = False, copies: tuple[str, ...] | None = None
    ) -> None:
        self.optimizer = optimizer
        self._params = [p for group in self.param_groups for p in group["params"]]
        self._members = _members(self.param_groups)
        self._views = [p.detach() for p in self._params]  # of the weights that are trained
        self.first = first
        self._copies = copies
        self._asks = "closure" in inspect.signature(optimizer.step).parameters
        self._halves = all(
            callable(getattr(optimizer, half, None)) for half in ("first_step", "second_step")
        )
        self.begun = False  # whether it has made a step
        self._unseen = _groups_of_one(self.param_groups)  # whether it moves more than one of them
        self._alone = 0  # steps that moved the first alone

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """Its own as they are now: `load_state_dict` makes others."""
        groups: list[dict[str, Any]] = self.optimizer.param_groups
        return groups

    def step(self, oracle: Any) -> Any:
        """One step; the loss at which it began."""
        closure = _Closure(self, oracle)
        before = oracle.w.clone() if self._unseen else None
        if self.first:
            loss = closure()
        else:
            oracle.renew()
            loss = None
        returned = self._step(closure)
        self.gather()
        if not self.begun and closure.sound and oracle.w.isnan().any():
            raise ArithmeticError(
                "the first step made weights that are no numbers of a loss and a gradient that "
                f"are; .grad is NaN before: {_FIRST}"
            )
        self.begun = True
        if before is not None:
            self._look_at_groups(before, oracle)
        return returned if loss is None else loss

    def _look_at_groups(self, before: Tensor, oracle: Any) -> None:
        """See whether a step from the weights `before` moved another group than the first. A rate
        of zero moves nothing, and where there is no gradient nothing need move."""
        places = [_place(group["params"][0]) for group in self.param_groups]
        first, *others = (not oracle.w[a:b].equal(before[a:b]) for a, b in places)
        self._unseen = not any(others)
        pulled = all(oracle.g[a:b].any() for a, b in places)
        self._alone += int(self._unseen and first and pulled)
        if self._alone == _ALONE:
            raise RuntimeError(
                f"it moved the first of {len(places)} parameter groups alone: where the biases are "
                "spared the decay, as in a search of scenario l2, every parameter has a group of "
                "its own; loop over self.param_groups"
            )

    def _step(self, closure: "_Closure") -> Any:
        """Its own step; `first_step`, the gradient there and `second_step` where it has no other
        that asks."""
        if not self._halves:
            return self.optimizer.step(closure) if self._asks else self.optimizer.step()
        if self._asks:
            try:
                return self.optimizer.step(closure)
            except NotImplementedError as error:
                if not self.first:
                    raise NotImplementedError(f"it has two halves of a step: {_FIRST}") from error
                self._asks = False
        self.optimizer.first_step()
        closure()
        return self.optimizer.second_step()

    def gather(self) -> None:
        """Bring the weights back to where they belong, for a guest that replaced `p.data`."""
        for p, view in zip(self._params, self._views, strict=True):
            if p.data_ptr() != view.data_ptr():
                view.copy_(p.detach())
                p.data = view

    @torch.no_grad()
    def masked(self, w: Tensor, mask: Tensor) -> None:
        """A constraint has another mask: its own `masked`, else copies of weights are masked."""
        if hasattr(self.optimizer, "masked"):
            self.optimizer.masked(w, mask)
            return
        for copy, part in self._kept(mask):
            copy.mul_(part)

    @torch.no_grad()
    def moved(self, by: Tensor) -> None:
        """A constraint has moved the weights: its own `moved`, else copies of weights go along."""
        if hasattr(self.optimizer, "moved"):
            self.optimizer.moved(by)
            return
        for copy, part in self._kept(by):
            copy.add_(part)

    def _kept(self, vector: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Every tensor of a copy of the weights, with its part of a `vector` like w."""
        found = copies_of(self.optimizer, self._params, self._copies, self.begun)
        parts = [vector[start:end] for start, end in map(_place, self._views)]
        return [
            (copy, part.view_as(copy))
            for copies in found.values()
            for copy, part in zip(copies, parts, strict=True)
        ]

    def state_dict(self) -> dict[str, Any]:
        """All that its next step depends on. Raises: `TypeError`, as for all that a checkpoint
        cannot keep, once it has other groups than those it was built with."""
        if _members(self.param_groups) != self._members:
            raise TypeError("its groups have other parameters than those it was built with")
        return {"begun": self.begun, "optimizer": capture(self.optimizer)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        self.begun = state["begun"]
        restore(self.optimizer, state["optimizer"])

    def __getattr__(self, name: str) -> Any:
        return getattr(self.optimizer, name)


def _members(groups: list[dict[str, Any]]) -> list[list[int]]:
    """Which parameters are in which group, by their ids."""
    return [[id(p) for p in group["params"]] for group in groups]


def _groups_of_one(groups: list[dict[str, Any]]) -> bool:
    """Whether there are several groups of parameters, and one parameter in each."""
    return len(groups) > 1 and all(len(group["params"]) == 1 for group in groups)


def _place(view: Tensor) -> tuple[int, int]:
    """Where a parameter lies in the flat vector: an optimizer may have sorted them anew."""
    start = int(view.storage_offset())
    return start, start + view.numel()


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
        if self._called or self._guest.first:
            oracle.renew()
        self._called = True
        loss: Tensor = oracle()
        if not self._guest.begun:
            self.sound = bool(loss.isfinite() and oracle.g.isfinite().all())
        return loss

    def __getattr__(self, name: str) -> Any:
        return getattr(self._oracle, name)


def _kind(x: Any) -> str:
    if not isinstance(x, Tensor):
        return type(x).__name__
    return f"{tuple(x.shape)} of {x.dtype}, {x.layout}, on {x.device}"


class Judged(Guest):
    """A guest that says itself what is to be judged."""

    def eval_weights(self, w: Tensor) -> Tensor:
        """What its own `eval_weights` returns for a copy of `w`."""
        found = self.optimizer.eval_weights(w.clone())
        if not isinstance(found, Tensor) or _kind(found) != _kind(w):
            raise ValueError(
                f"eval_weights returned {_kind(found)}, expected a vector like w, {_kind(w)}"
            )
        return found.detach()


class Switching(Guest):
    """A guest with modes: it is trained in one and judged in the other."""

    def __init__(self, optimizer: Any, *said: Any) -> None:
        super().__init__(optimizer, *said)
        with torch.no_grad():
            optimizer.train()

    def eval_weights(self, w: Tensor) -> Tensor:
        """The weights that its `eval()` puts in the place of `w`; nothing stays changed."""
        if not self.begun:  # there is nothing yet that it could have averaged
            return w
        weights, state = w.clone(), capture(self.optimizer)
        restore(self.optimizer, copied(state, w))
        try:
            with torch.no_grad():
                self.optimizer.eval()
            self.gather()
            return w.clone()
        finally:
            w.copy_(weights)
            restore(self.optimizer, state)


def drive(
    optimizer: torch.optim.Optimizer, first: bool = False, copies: tuple[str, ...] | None = None
) -> Guest:
    """The guest, ready for its first step. `first` and `copies` are what its class declares."""
    if hasattr(optimizer, "eval_weights"):
        return Judged(optimizer, first, copies)
    modes = all(callable(getattr(optimizer, mode, None)) for mode in ("train", "eval"))
    return Switching(optimizer, first, copies) if modes else Guest(optimizer, first, copies)
