"""What keeps a net inside scenario `sparse`: a handler beside any method and its wrappers.

A handler acts after every step of the method. It may move the weights and it chooses the oracle's
mask m, which from then on every question of the method goes through. Whatever is judged, averages
included, is projected last. Handlers are registered beside their page like methods, one file each.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from torch import Tensor

from lenetlab.errors import UserError, unknown
from lenetlab.methods.base import Stateful
from lenetlab.methods.names import called
from lenetlab.methods.registry import WITHIN, Method, Span, Within, import_all, page_of
from lenetlab.methods.sparsity import Bound, bound, prunable
from lenetlab.methods.wrappers import Composed
from lenetlab.oracle.oracle import Oracle
from lenetlab.problem.scenarios import BOUND
from lenetlab.settings import DOMAINS, NOT_NEGATIVE, Choice, Domain, Settings, resolve, show

# Of a handler for single weights; one for whole units has `keep` alone.
COMMON: Settings = {"keep": BOUND, "per_layer": False, "biases": False}
SHARE = Domain(0, 0.95, closed=True)  # of the budget; steps must remain under the final mask
PERIOD = Domain(1e-4, 0.5, closed=True)  # of the budget, between two actions


class Constraint(Stateful):
    """Settings are attributes; state is declared in `STATE`. Times are shares of the budget, so
    that they mean the same to a method of ten steps and to one of ten thousand."""

    def __init__(self, bound: Bound) -> None:
        self.bound = bound

    def start(self, oracle: Oracle, optimizer: Composed) -> None:
        """Create the state, before the first step; may already choose the mask."""

    def act(self, oracle: Oracle, optimizer: Composed, progress: float) -> None:
        """After a step, `progress` ∈ (0, 1] of the budget: `move` the weights, choose the mask.
        What is outside the mask is set to zero afterwards."""
        raise NotImplementedError

    def move(self, oracle: Oracle, optimizer: Composed, to: Tensor) -> None:
        """Move the weights to `to` (n,), and with them what the method and its wrappers keep in
        their place: a copy that stayed behind would bring them back in the next step."""
        by = to - oracle.w
        oracle.w.copy_(to)
        optimizer.moved(by)

    def course(self, progress: float) -> float:
        """How far a schedule of the rate is; handlers that train in rounds begin it anew."""
        return progress

    def eval_weights(self, w: Tensor, mask: Tensor | None) -> Tensor:
        """The weights to be judged, from the method's or the average's answer `w`; pure."""
        return w if mask is None else w * mask


@dataclass(frozen=True)
class Handler:
    """A registered constraint; the fields are those of a `Method`.

    leaves : the sets out of which it moves the weights; a method that holds them there would move
        them back.
    """

    name: str
    reference: str
    version: int
    defaults: Settings
    space: Mapping[str, Span]
    cost: str
    page: str
    build: Callable[..., Constraint]
    domains: Mapping[str, Domain] = field(default_factory=dict)
    leaves: tuple[Within, ...] = ()

    @property
    def kind(self) -> str:
        """What it is among the parts of a recipe."""
        return "constraint"

    @property
    def summary(self) -> str:
        """The first line of its page."""
        return self.page.strip().splitlines()[0]

    def settings(self, given: Settings) -> Choice:
        """`given` settings over the defaults, checked; `keep` becomes a number of nonzeros."""
        given = dict(given)
        total = prunable(bool(given.get("biases", False)))
        keep = given.get("keep", BOUND)
        if isinstance(keep, float) and 0 < keep < 1:
            given["keep"] = round(keep * total)
        domains = {**DOMAINS, "keep": NOT_NEGATIVE, **self.domains}
        choice = resolve("constraint", self.name, self.defaults, given, domains)
        if not 1 <= int(choice.settings["keep"]) < total:  # type: ignore[arg-type]
            raise UserError(
                f"constraint {self.name}: keep={show(keep)} is out of range; expected a number of "
                f"nonzeros from 1 to {total - 1}, or a fraction of {total:,} between 0 and 1"
            )
        return choice


_registered: dict[str, Handler] = {}


def constraint(
    name: str,
    *,
    reference: str,
    defaults: Settings,
    space: Mapping[str, Span],
    cost: str,
    version: int = 1,
    domains: Mapping[str, Domain] | None = None,
    common: Settings = COMMON,
    leaves: tuple[Within, ...] = (),
) -> Callable[[type], type]:
    """Register the decorated class; its module's docstring is the handler's page."""

    def register(build: type) -> type:
        if name in _registered:
            raise ValueError(f"constraint {name!r} is registered twice")
        _registered[name] = Handler(
            name, reference, version, {**common, **defaults}, space, cost, page_of(build), build,
            domains or {}, leaves,
        )  # fmt: skip
        return build

    return register


@cache
def constraints() -> Mapping[str, Handler]:
    """All registered handlers by name."""
    import_all()
    return dict(sorted(_registered.items()))


def find_constraint(name: str) -> Handler:
    """The handler called `name`."""
    name = called(name, constraints())
    if name not in constraints():
        raise unknown("constraint", name, constraints(), "`lenetlab methods` lists them all")
    return constraints()[name]


def check_constraint(name: str, method: Method) -> None:
    """Refuse a handler and a method that undo each other's work, with the reason."""
    if method.within in find_constraint(name).leaves:
        raise UserError(
            f"constraint {name} moves the weights after every step, and {method.name} holds them "
            f"{WITHIN[method.within]}: each would undo what the other did; take another constraint"
        )


def make_constraint(choice: Choice) -> Constraint:
    """The handler itself."""
    entry = find_constraint(choice.name)
    settings: dict[str, Any] = dict(choice.settings)
    shape = {key: settings.pop(key) for key in COMMON if key in settings}
    return entry.build(bound(**shape), **settings)
