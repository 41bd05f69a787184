"""What goes around a method: at most one wrapper of each kind, in one order.

    average(update(estimator(method)))        written  ema+lookahead+sam+muon

An *estimator* answers the method's one question of a step with another gradient; the method
never knows. An *update* sees the weights before and after the method's step and may move them
elsewhere. An *average* sees the weights after all that and changes only the evaluated ones. All are
registered beside their page like methods, one file each.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import prod
from typing import Any, ClassVar, Literal, get_args

import torch
from torch import Tensor

from lenetlab.component import Component, Span, home_of, look_up, page_of, registered, registering
from lenetlab.errors import UserError
from lenetlab.methods.base import Stateful
from lenetlab.methods.installed import import_all
from lenetlab.methods.interactive import source_when_imported
from lenetlab.methods.registry import WITHIN, Method, Norms, Optimizer, Within, methods
from lenetlab.methods.state import capture, restore
from lenetlab.oracle.oracle import Batch, Oracle
from lenetlab.oracle.weights import Weights
from lenetlab.problem.model import Layout
from lenetlab.settings import Choice, Domain, Settings

Kind = Literal["average", "update", "estimator"]  # in the order of nesting, the outer first
KINDS: tuple[Kind, ...] = get_args(Kind)


class Estimator(Stateful):
    """Another answer to `oracle()`. Settings are attributes; state is declared in `STATE`."""

    KIND: ClassVar[Kind] = "estimator"

    def start(self, w: Tensor) -> None:
        """Create the state for weights `w`."""

    def masked(self, w: Tensor, mask: Tensor) -> None:
        """The mask has changed, and with it the objective: what is remembered of the old one goes.
        Begins anew unless an estimator knows better."""
        self.start(w)

    def estimate(self, oracle: Oracle, g: Tensor) -> Tensor:
        """Write the estimated gradient at `oracle.w` to `g`; the loss on the present batch."""
        raise NotImplementedError


class Update(Stateful):
    """Another step than the method's own.

    shapes : names and shapes of the tensors in w, known before `start`.
    """

    KIND: ClassVar[Kind] = "update"
    BY_GRADIENT: ClassVar[bool] = True  # whether it looks at the gradient that the step was made on
    shapes: Layout

    def start(self, w: Tensor) -> None:
        """Create the state for weights `w`, which are the initial ones."""

    def correct(self, before: Tensor, g: Tensor, w: Tensor) -> None:
        """Change `w` in place; on the gradient `g` the method has moved it from `before` there. One
        that is not `BY_GRADIENT` gets whatever `oracle.g` holds."""
        raise NotImplementedError

    def masked(self, w: Tensor, mask: Tensor) -> None:
        """A constraint has changed the mask: no weight may come back by what is remembered."""

    def moved(self, by: Tensor) -> None:
        """A constraint has moved the weights by `by` (n,): what is remembered in their place moves
        along."""

    def eval_weights(self, w: Tensor) -> Tensor:
        """The weights to be judged when the trained ones are `w`."""
        return w

    def nearest(self, w: Tensor) -> Tensor:
        """A mean `w` (n,) of weights, in the set that the update holds them in."""
        return w


class Average(Stateful):
    """Other evaluation weights than the last iterate."""

    KIND: ClassVar[Kind] = "average"

    def start(self, w: Tensor) -> None:
        """Create the state for weights `w`, which are the initial ones."""

    def observe(self, w: Tensor, progress: float) -> None:
        """Take note of evaluation weights `w` after a step, `progress` ∈ (0, 1] of the budget."""
        raise NotImplementedError

    def eval_weights(self) -> Tensor:
        """The average (n,)."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class Wrapper(Component):
    """A registered average, update or estimator.

    rate : what the registered rate of the method inside is multiplied by, where none is given.
    norms : what it does to the norms of weights, whatever is inside; see `registry.NORMS`.
    within : the set that it holds the weights in, if any; see `registry.WITHIN`.
    one_gradient : whether it goes around methods alone that ask for one gradient a step.
    reduces_variance : whether it is a method of variance reduction: alone it means what its authors
        put it around, plain steps, and whatever it is put around, what comes out reduces noise.
    """

    kind: Kind
    rate: float = 1.0
    norms: Norms = "free"
    within: Within = ""
    one_gradient: bool = False
    reduces_variance: bool = False


def wrapper(
    name: str,
    *,
    reference: str,
    defaults: Settings,
    space: Mapping[str, Span],
    cost: str,
    version: int = 1,
    domains: Mapping[str, Domain] | None = None,
    rate: float = 1.0,
    norms: Norms = "free",
    within: Within = "",
    reduces_variance: bool = False,
) -> Callable[[type], type]:
    """Register the decorated class; its module's docstring is the wrapper's page."""

    return registering(lambda build: Wrapper(
        name=name, kind=build.KIND, reference=reference, version=version, defaults=defaults,
        space=space, cost=cost, page=page_of(home_of(build)), build=build, domains=domains or {},
        rate=rate, norms=norms, within=within, one_gradient=_one_gradient(build),
        reduces_variance=reduces_variance, source=source_when_imported(build),
    ))  # fmt: skip


def _one_gradient(build: Any) -> bool:
    return bool(build.KIND == "estimator" or (build.KIND == "update" and build.BY_GRADIENT))


def wrappers() -> Mapping[str, Wrapper]:
    """All registered wrappers by name, in the order of nesting."""
    import_all()
    known = registered(Wrapper)
    return dict(sorted(known.items(), key=lambda item: (KINDS.index(item[1].kind), item[0])))


def find_wrapper(name: str) -> Wrapper:
    """The wrapper called `name`."""
    if name in methods():
        raise UserError(f"{name} is a method and stands last, as in ema+{name}")
    return look_up("wrapper", name, wrappers(), "`lenetlab methods` lists them all")


def inside(chosen: Sequence[str], method: Method) -> Method:
    """`method` with the defaults that it has inside the wrappers `chosen`: their own rate."""
    rate = prod(find_wrapper(name).rate for name in chosen)
    registered = method.defaults.get("lr")
    if rate == 1 or not isinstance(registered, float):
        return method
    return replace(method, defaults={**method.defaults, "lr": rate * registered})


def check_nesting(chosen: Sequence[str], method: Method) -> None:
    """Refuse what does not compose, with the reason."""
    kinds = [find_wrapper(name).kind for name in chosen]
    for kind in KINDS:
        if kinds.count(kind) > 1:
            both = " and ".join(n for n, k in zip(chosen, kinds, strict=True) if k == kind)
            raise UserError(f"{both} are both {kind}s; one of each kind can be composed")
    for inner, outer in pairwise(kinds):
        if KINDS.index(inner) > KINDS.index(outer):
            ordered = sorted(chosen, key=lambda name: KINDS.index(find_wrapper(name).kind))
            right = "+".join([*ordered, method.name])
            raise UserError(f"an {outer} goes around an {inner}, not inside; write {right}")
    for name, kind in zip(chosen, kinds, strict=True):
        if find_wrapper(name).one_gradient and method.asks != "once":
            raise UserError(
                f"{name} cannot go around {method.name}, which asks the oracle more than one "
                f"question a step; {name} {_ONE_GRADIENT[kind]}"
            )
        if kind == "update" and method.within:
            raise UserError(
                f"{name} cannot go around {method.name}, which holds the weights "
                f"{WITHIN[method.within]}: {name} moves them out of there; leave one of them out"
            )


_ONE_GRADIENT: Mapping[Kind, str] = {  # kinds that need a method which asks once, and why
    "update": "moves the weights that a step of one gradient has reached",
    "estimator": "answers exactly one, oracle()",
}


class Proxy:
    """The oracle as the wrapped method sees it: `oracle()` is the estimator's answer.

    Everything else is the oracle's own. A second `oracle()` in one step would be a question that
    an estimator has no answer to.
    """

    def __init__(self, oracle: Oracle, estimator: Estimator | None) -> None:
        self._oracle, self._estimator = oracle, estimator
        self.handed_out: Tensor | None = None  # the gradient, None before the method has asked

    def __call__(self) -> Tensor:
        if self.handed_out is not None:
            raise RuntimeError(
                "the method asked the oracle twice in a step; inside a wrapper it may ask once"
            )
        oracle = self._oracle
        if self._estimator is None:
            loss = oracle()
        else:
            with torch.no_grad():
                loss = self._estimator.estimate(oracle, oracle.g)
            oracle.publish_gradient(loss)
        self.handed_out = oracle.g.clone()  # a method may use `.grad` as room for its own work
        return loss

    def __getattr__(self, name: str) -> Any:
        return getattr(self._oracle, name)


class Composed:
    """average(update(estimator(method))) as one optimizer: what the loop drives."""

    def __init__(
        self,
        base: Optimizer,
        w: Tensor,
        estimator: Estimator | None = None,
        update: Update | None = None,
        average: Average | None = None,
    ) -> None:
        self.base, self.estimator, self.update, self.average = base, estimator, update, average
        for part in (estimator, update, average):
            if part is not None:
                part.start(w)

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """The method's: schedules change them."""
        return self.base.param_groups

    def step(self, oracle: Oracle) -> Any:
        """One step of the method, on the estimator's gradient, corrected by the update."""
        before = None if self.update is None else oracle.w.clone()
        if self.estimator is None and (self.update is None or not self.update.BY_GRADIENT):
            loss, g = self.base.step(oracle), oracle.g
        else:
            proxy = Proxy(oracle, self.estimator)
            loss = self.base.step(proxy)
            if proxy.handed_out is None:
                raise RuntimeError("the method never asked oracle(), so its wrapper did nothing")
            g = proxy.handed_out
        if self.update is not None and before is not None:
            self.update.correct(before, g, oracle.w)
        return loss

    def masked(self, w: Tensor, mask: Tensor | None) -> None:
        """Tell the wrappers, and a method that wants to know, of another mask (None: all ones)."""
        mask = torch.ones_like(w) if mask is None else mask
        parts: tuple[Any, ...] = (self.base, self.estimator, self.update)
        for part in parts:
            if hasattr(part, "masked"):
                part.masked(w, mask)

    def moved(self, by: Tensor) -> None:
        """Tell the method and its update, if they want to know, that a constraint has moved w."""
        parts: tuple[Any, ...] = (self.base, self.update)
        for part in parts:
            if hasattr(part, "moved"):
                part.moved(by)

    def observe(self, w: Tensor, progress: float) -> None:
        """Show the average the method's evaluation weights after a step."""
        if self.average is not None:
            self.average.observe(self._eval_weights(w), progress)

    def eval_weights(self, w: Tensor) -> Tensor:
        """The average, in the set that the method or its update holds the weights in; without one,
        the method's own answer."""
        if self.average is None:
            return self._eval_weights(w)
        mean = self.average.eval_weights()
        holder: Any = self.base if self.update is None else self.update
        nearest: Tensor = holder.nearest(mean) if hasattr(holder, "nearest") else mean
        return nearest

    def _eval_weights(self, w: Tensor) -> Tensor:
        if self.update is not None:
            return self.update.eval_weights(w)
        eval_weights: Tensor = (
            self.base.eval_weights(w) if hasattr(self.base, "eval_weights") else w
        )
        return eval_weights

    def state_dict(self) -> dict[str, Any]:
        """State of all parts."""
        state: dict[str, Any] = {kind: part and part.state_dict() for kind, part in self._parts()}
        return {"base": capture(self.base), **state}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        restore(self.base, state["base"])
        for kind, part in self._parts():
            if part is not None:
                part.load_state_dict(state[kind])

    def _parts(self) -> list[tuple[Kind, Stateful | None]]:
        return [(kind, getattr(self, kind)) for kind in KINDS]


def compose(base: Optimizer, chosen: Sequence[Choice], weights: Weights) -> Composed:
    """`base` inside the wrappers `chosen`, over `weights` as they are now."""
    parts: dict[str, Any] = {}
    for choice in chosen:
        entry = find_wrapper(choice.name)
        if entry.kind == "update" and hasattr(base, "eval_weights"):
            raise UserError(
                f"{entry.name} cannot go around a method whose evaluation weights are not those it "
                f"trains: {entry.name} would move only those; leave one of them out"
            )
        parts[entry.kind] = part = entry.build(**choice.settings)
        if isinstance(part, Update):
            part.shapes = weights.shapes
    return Composed(base, weights.w.detach(), **parts)


__all__ = [
    "KINDS", "Average", "Batch", "Composed", "Estimator", "Oracle", "Update", "Wrapper",
    "check_nesting", "compose", "find_wrapper", "inside", "wrapper", "wrappers",
]  # fmt: skip
