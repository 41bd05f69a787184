"""What keeps a net inside scenario `sparse`: a constraint beside any method and its wrappers.

A constraint acts after every step of the method. It may move the weights and chooses the oracle's
mask m, which from then on every question of the method goes through. Whatever is judged, averages
included, is projected last. They are registered beside their page like methods, one file each.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from lenetlab.component import Component, Span, home_of, look_up, page_of, registered, registering
from lenetlab.errors import UserError
from lenetlab.methods.base import Stateful
from lenetlab.methods.installed import import_all
from lenetlab.methods.interactive import source_when_imported
from lenetlab.methods.names import called
from lenetlab.methods.registry import WITHIN, Method, Within
from lenetlab.methods.sparsity import Bound, bound, prunable
from lenetlab.methods.wrappers import Composed, Wrapper
from lenetlab.oracle.oracle import Oracle
from lenetlab.problem.scenarios import BOUND
from lenetlab.settings import NOT_NEGATIVE, Choice, Domain, Settings, show

# Of one for single weights; one for whole units has `keep` alone.
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

    def schedule_progress(self, progress: float) -> float:
        """How far the schedule is; a constraint that trains in rounds begins it anew."""
        return progress

    def eval_weights(self, w: Tensor, mask: Tensor | None) -> Tensor:
        """The weights to be judged, from the method's or the average's answer `w`; pure."""
        return w if mask is None else w * mask

    def project(self, w: Tensor) -> Tensor:
        """What is left of an answer `w` if the bound came into force now; pure."""
        return self.bound.nearest(w)


@dataclass(frozen=True, kw_only=True)
class ConstraintEntry(Component):
    """A registered constraint.

    leaves : the sets out of which it moves the weights; a method that holds them there would move
        them back.
    """

    kind: str = "constraint"
    leaves: tuple[Within, ...] = ()

    def settings(self, given: Settings) -> Choice:
        """`given` settings over the defaults, checked; `keep` becomes a number of nonzeros."""
        given = dict(given)
        total = prunable(bool(given.get("biases", False)))
        keep = given.get("keep", BOUND)
        if isinstance(keep, float) and 0 < keep <= 1:  # 1.0 is all of them, 1 is one
            given["keep"] = round(keep * total)
        choice = super().settings(given)
        if given.get("keep") == 0 != keep:
            raise UserError(
                f"constraint {self.name}: keep={show(keep)} of {total:,} weights is none; expected "
                "a share that leaves one or more"
            )
        if not 1 <= int(choice.settings["keep"]) < total:  # type: ignore[arg-type]
            raise UserError(
                f"constraint {self.name}: keep={keep!r} is out of range; expected a number of "
                f"nonzeros from 1 to {total - 1}, or a fraction of {total:,} between 0 and 1"
            )
        return choice


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
    """Register the decorated class; its module's docstring is the constraint's page."""

    return registering(lambda build: ConstraintEntry(
        name=name, reference=reference, version=version, defaults={**common, **defaults},
        space=space, cost=cost, page=page_of(home_of(build)), build=build,
        domains={"keep": NOT_NEGATIVE, **(domains or {})}, leaves=leaves,
        source=source_when_imported(build),
    ))  # fmt: skip


def constraints() -> Mapping[str, ConstraintEntry]:
    """All registered constraints by name."""
    import_all()
    return dict(sorted(registered(ConstraintEntry).items()))


def find_constraint(name: str) -> ConstraintEntry:
    """The constraint called `name`."""
    name = called(name, constraints())
    return look_up("constraint", name, constraints(), "`lenetlab methods` lists them all")


def check_constraint(name: str, holder: Method | Wrapper) -> None:
    """Refuse a constraint and a method, or a wrapper, that undo each other's work, with the
    reason."""
    if holder.within in find_constraint(name).leaves:
        raise UserError(
            f"constraint {name} moves the weights after every step, and {holder.name} holds them "
            f"{WITHIN[holder.within]}: each would undo what the other did; take another constraint"
        )


def make_constraint(choice: Choice) -> Constraint:
    """The object that a training has beside its optimizer."""
    entry = find_constraint(choice.name)
    settings: dict[str, Any] = dict(choice.settings)
    shape = {key: settings.pop(key) for key in COMMON if key in settings}
    made: Constraint = entry.build(bound(**shape), **settings)
    return made
