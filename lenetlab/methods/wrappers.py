"""What goes around a method: at most one estimator, and around that at most one average.

    average(estimator(method))        written  ema+svrg+sgd

An *estimator* answers the method's one question of a step with another gradient; the method
never knows. An *average* looks at the weights after a step and changes only the answer. Both
are registered beside their page like methods, one file each.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from lenetlab.errors import UserError, unknown
from lenetlab.methods.base import Stateful
from lenetlab.methods.registry import Method, Optimizer, Span, import_all, page_of
from lenetlab.methods.state import capture, restore
from lenetlab.oracle.oracle import Batch, Oracle
from lenetlab.settings import DOMAINS, Choice, Domain, Settings, resolve

Kind = Literal["average", "estimator"]  # in the order of nesting, the outer first


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


class Average(Stateful):
    """Another answer than the last iterate."""

    KIND: ClassVar[Kind] = "average"

    def start(self, w: Tensor) -> None:
        """Create the state for weights `w`, which are the initial ones."""

    def observe(self, w: Tensor, progress: float) -> None:
        """Take note of the method's answer `w` after a step, `progress` ∈ (0, 1] of the budget."""
        raise NotImplementedError

    def answer(self) -> Tensor:
        """The average (n,)."""
        raise NotImplementedError


@dataclass(frozen=True)
class Wrapper:
    """A registered estimator or average; the fields are those of a `Method`."""

    name: str
    kind: Kind
    reference: str
    version: int
    defaults: Settings
    space: Mapping[str, Span]
    cost: str
    page: str
    build: Callable[..., Any]
    domains: Mapping[str, Domain] = field(default_factory=dict)

    @property
    def summary(self) -> str:
        """The first line of its page."""
        return self.page.strip().splitlines()[0]

    def settings(self, given: Settings) -> Choice:
        """`given` settings over the defaults, checked."""
        return resolve(self.kind, self.name, self.defaults, given, {**DOMAINS, **self.domains})


_registered: dict[str, Wrapper] = {}


def wrapper(
    name: str,
    *,
    reference: str,
    defaults: Settings,
    space: Mapping[str, Span],
    cost: str,
    version: int = 1,
    domains: Mapping[str, Domain] | None = None,
) -> Callable[[type], type]:
    """Register the decorated class; its module's docstring is the wrapper's page."""

    def register(build: type) -> type:
        if name in _registered:
            raise ValueError(f"wrapper {name!r} is registered twice")
        _registered[name] = Wrapper(
            name, build.KIND, reference, version, defaults, space, cost, page_of(build), build,  # type: ignore[attr-defined]
            domains or {},
        )  # fmt: skip
        return build

    return register


@cache
def wrappers() -> Mapping[str, Wrapper]:
    """All registered wrappers by name, averages first."""
    import_all()
    return dict(sorted(_registered.items(), key=lambda item: (item[1].kind, item[0])))


def find_wrapper(name: str) -> Wrapper:
    """The wrapper called `name`."""
    if name not in wrappers():
        raise unknown("wrapper", name, wrappers(), "`lenetlab methods` lists them all")
    return wrappers()[name]


def split(spec: str) -> tuple[list[str], str]:
    """`"ema+svrg+sgd"` as the wrappers' names, outer first, and the method's."""
    *names, method = spec.split("+") if ":" not in spec.partition("+")[0] else [spec]
    return [name.strip() for name in names], method.strip()


def check_nesting(chosen: Sequence[str], method: Method) -> None:
    """Refuse what does not compose, with the reason."""
    kinds = [find_wrapper(name).kind for name in chosen]
    for kind in ("average", "estimator"):
        if kinds.count(kind) > 1:
            both = " and ".join(n for n, k in zip(chosen, kinds, strict=True) if k == kind)
            raise UserError(f"{both} are both {kind}s; one of each kind can be composed")
    if kinds == ["estimator", "average"]:
        right = "+".join([*reversed(chosen), method.name])
        raise UserError(f"an average goes around an estimator, not inside; write {right}")
    if "estimator" in kinds and method.asks != "once":
        name = chosen[kinds.index("estimator")]
        raise UserError(
            f"{name} cannot go around {method.name}, which asks the oracle more than one question "
            f"a step; {name} answers exactly one, oracle()"
        )


class Proxy:
    """The oracle inside an estimator, which answers `oracle()` in its place.

    Everything else is the oracle's own. A second `oracle()` in one step would be a question that
    the estimator has no answer to.
    """

    def __init__(self, oracle: Oracle, estimator: Estimator) -> None:
        self._oracle, self._estimator = oracle, estimator
        self.was_asked = False

    def __call__(self) -> Tensor:
        if self.was_asked:
            raise RuntimeError(
                "the method asked the oracle twice in a step; inside an estimator it may ask once"
            )
        self.was_asked = True
        oracle = self._oracle
        with torch.no_grad():
            loss = self._estimator.estimate(oracle, oracle.g)
        oracle.answered(loss)
        return loss

    def __getattr__(self, name: str) -> Any:
        return getattr(self._oracle, name)


class Composed:
    """average(estimator(method)) as one optimizer: what the loop drives."""

    def __init__(
        self,
        base: Optimizer,
        w: Tensor,
        estimator: Estimator | None = None,
        average: Average | None = None,
    ) -> None:
        self.base, self.estimator, self.average = base, estimator, average
        self.param_groups = base.param_groups  # schedules change the method's
        for part in (estimator, average):
            if part is not None:
                part.start(w)

    def step(self, oracle: Oracle) -> Any:
        """One step of the method, on the estimator's gradient."""
        if self.estimator is None:
            return self.base.step(oracle)
        proxy = Proxy(oracle, self.estimator)
        loss = self.base.step(proxy)
        if not proxy.was_asked:
            raise RuntimeError("the method never asked oracle(), so its estimator did nothing")
        return loss

    def masked(self, w: Tensor, mask: Tensor | None) -> None:
        """Tell the estimator, and a method that wants to know, of another mask (None: all ones)."""
        mask = torch.ones_like(w) if mask is None else mask
        parts: tuple[Any, ...] = (self.base, self.estimator)
        for part in parts:
            if hasattr(part, "masked"):
                part.masked(w, mask)

    def observe(self, w: Tensor, progress: float) -> None:
        """Show the average the method's answer after a step."""
        if self.average is not None:
            self.average.observe(self._answer(w), progress)

    def answer(self, w: Tensor) -> Tensor:
        """The average; without one, the method's own answer."""
        return self._answer(w) if self.average is None else self.average.answer()

    def _answer(self, w: Tensor) -> Tensor:
        answer: Tensor = self.base.answer(w) if hasattr(self.base, "answer") else w
        return answer

    def state_dict(self) -> dict[str, Any]:
        """State of all parts."""
        return {
            "base": capture(self.base),
            "estimator": self.estimator and self.estimator.state_dict(),
            "average": self.average and self.average.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        restore(self.base, state["base"])
        for part, saved in (
            (self.estimator, state["estimator"]),
            (self.average, state["average"]),
        ):
            if part is not None:
                part.load_state_dict(saved)


def compose(base: Optimizer, chosen: Sequence[Choice], w: Tensor) -> Composed:
    """`base` inside the wrappers `chosen`, for weights that are now `w`."""
    parts: dict[str, Any] = {}
    for choice in chosen:
        entry = find_wrapper(choice.name)
        parts[entry.kind] = entry.build(**choice.settings)
    return Composed(base, w.detach(), **parts)


__all__ = [
    "Average", "Batch", "Composed", "Estimator", "Oracle", "Wrapper", "check_nesting", "compose",
    "find_wrapper", "split", "wrapper", "wrappers",
]  # fmt: skip
