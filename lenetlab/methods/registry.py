"""The registry: what a method's file says of its method, and how a method is found by name.

A method's file ends with its registration, a decorator over the function or class that builds
the optimizer from its parameters and hyperparameters:

    @method("sgd", family="basic", reference="…", defaults={"lr": 0.05}, …)
    def sgd(params, *, lr): return torch.optim.SGD(params, lr=lr)

Every file below `lenetlab/methods/<family>/` is imported on first use: to add a method is to
add one file. Duplicates and incomplete registrations are refused when they are imported.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from torch import Tensor

from lenetlab.component import Built, Component, Span, home_of, page_of, registered, registering
from lenetlab.methods.installed import import_all
from lenetlab.methods.interactive import source_when_imported
from lenetlab.settings import Domain, Settings

Form = Literal["flat", "named", "layers"]
Decay = Literal["none", "coupled", "decoupled"]
Asks = Literal["once", "more"]
Within = Literal["", "ball", "sparse", "spheres"]
BatchScaling = Literal["none", "sqrt", "linear"]
Norms = Literal["free", "decay", "ball", "sphere"]

FAMILIES = {
    "basic": "gradient descent on one example, a mini-batch or all; of some weights or all",
    "noise_reduction": "less noise in the gradient or in the evaluated weights",
    "momentum": "a remembered direction",
    "adaptive": "a rate of its own for every weight",
    "line_search": "line search, trust region, step rules",
    "second_order": "curvature, used or estimated",
    "matrix": "a layer moved as a matrix, not weight by weight",
    "constrained": "regularised and constrained: a step and a projection, or neither",
    "derivative_free": "values of the loss alone",
    "outside": "somebody else's",
}


DECAYS: Mapping[Decay, str] = {
    "none": "none of its own; in scenario l2 the oracle adds λ/2‖w‖² to the objective",
    "coupled": "coupled: λw is part of the gradient",
    "decoupled": "decoupled: the weights shrink beside the step, untouched by its scaling",
}


SCALINGS: Mapping[BatchScaling, str] = {
    "none": "the rate stays as the batch grows",
    "sqrt": "the rate grows with the square root of the batch size",
    "linear": "the rate grows with the batch size",
}


WITHIN: Mapping[Within, str] = {
    "ball": "in a ball",
    "sparse": "at few nonzeros",
    "spheres": "on spheres",
}


NORMS: Mapping[Norms, str] = {
    "free": "free: nothing but the loss moves them",
    "decay": "shrunk: a penalty of the method's own pulls the weights towards zero",
    "ball": "bounded: the weights are held in a ball",
    "sphere": "fixed: the weights are held on spheres",
}

# What a set that every step ends in does to norms; few nonzeros leave the size of the others free.
_NORMS_WITHIN: Mapping[Within, Norms] = {"ball": "ball", "spheres": "sphere"}


class Optimizer(Protocol):
    """What the loop drives: PyTorch's own interface, with the oracle as the closure.

    Where the weights to be judged are not the trained ones, an optimizer also has
    `eval_weights(w) -> Tensor`, pure: evaluating never changes a run.
    """

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """Parameters and the numbers that a schedule changes."""
        ...

    def step(self, closure: Any) -> Any:
        """Ask the oracle at least once, update the weights, return the loss."""
        ...


@dataclass(frozen=True, kw_only=True)
class Method(Component):
    """A registered method.

    form : what its constructor receives (see `lenetlab.oracle.weights.Weights.params`).
    decay : how it applies `weight_decay`; `none` if it has no such hyperparameter.
    batch_size : what it is run with where nothing else is set.
    asks : `once` if a step asks `oracle()` once and nothing else: estimators need that.
    neutral : settings at which a method that bounds or penalises the weights does neither in
        effect, so that it minimises F itself, everywhere; empty if its defaults do.
    within : the set in which every step ends, if it is not everywhere. Where a mean of its points
        is outside, the optimizer has `nearest(w)`, and averages are projected.
    norms : what it does to the norms of weights with `weight_decay` at 0; see `NORMS`.
    scaled_by_rate : whether `lr` multiplies every step; if not, it is where a pace of its own
        begins, or momentum moves the weights beside it.
    batch_scaling : how its rate grows with the batch size, as a power of it, in a search of both.
    averages : whether an average of iterates is judged, which does what a falling rate does: a
        search has the constant rate as well.
    deterministic : whether the same seed gives the same bits again.
    declared : whether its file says what its settings are; those of a class from outside are read
        off its constructor.
    origin, defaults_from : of a class from outside, what is understood of it and from where, for a
        reader.
    """

    kind: str = "method"
    family: str
    form: Form = "flat"
    decay: Decay = "none"
    batch_size: int = 64
    asks: Asks = "once"
    neutral: Settings = field(default_factory=dict)
    within: Within = ""
    norms: Norms = "free"
    scaled_by_rate: bool = True
    batch_scaling: BatchScaling = "none"
    averages: bool = False
    deterministic: bool = True
    declared: bool = True
    origin: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    defaults_from: Mapping[str, str] = field(default_factory=dict)

    def optimizer(self, params: list[Tensor], settings: Settings) -> Optimizer:
        """The optimizer over `params`, ready for its first step."""
        made: Optimizer = self.build(params, **settings)
        return made


def method(
    name: str,
    *,
    family: str,
    reference: str,
    defaults: Settings,
    space: Mapping[str, Span],
    cost: str,
    form: Form = "flat",
    decay: Decay = "none",
    version: int = 1,
    batch_size: int = 64,
    domains: Mapping[str, Domain] | None = None,
    asks: Asks = "once",
    neutral: Settings | None = None,
    within: Within = "",
    norms: Norms = "free",
    scaled_by_rate: bool = True,
    batch_scaling: BatchScaling = "none",
    averages: bool = False,
) -> Callable[[Built], Built]:
    """Register the decorated builder; its module's docstring is the method's page.

    family : one of `FAMILIES`.
    form : what the builder receives as its parameters: `flat`, the whole vector; `named`, the ten
        tensors; `layers`, the ten with convolutions as matrices.
    decay : `coupled` or `decoupled` if it has `weight_decay`, whose default must be 0.

    The other fields are those of a `Method`. Raises: `ValueError` at import for a name that is
    taken, a family that is none, a missing page, or settings that do not fit each other.
    """

    return registering(lambda build: _checked(Method(
        name=name, family=family, reference=reference, form=form, decay=decay, version=version,
        defaults=defaults, space=space, cost=cost, page=page_of(home_of(build)), build=build,
        batch_size=batch_size, domains=domains or {}, asks=asks, neutral=neutral or {},
        within=within, norms=norms, scaled_by_rate=scaled_by_rate, batch_scaling=batch_scaling,
        averages=averages, source=source_when_imported(build),
    )))  # fmt: skip


def _checked(entry: Method) -> Method:
    """The entry. Raises: `ValueError` where its settings do not fit each other."""
    name, defaults = entry.name, entry.defaults
    if entry.family not in FAMILIES:
        raise ValueError(f"method {name!r}: no family {entry.family!r} among {', '.join(FAMILIES)}")
    if stray := set(entry.neutral) - set(defaults):
        raise ValueError(f"method {name!r}: {stray} in neutral but no hyperparameter")
    if ("weight_decay" in defaults) != (entry.decay != "none"):
        raise ValueError(f"method {name!r}: decay={entry.decay!r} does not fit its hyperparameters")
    if entry.norms != _NORMS_WITHIN.get(entry.within, entry.norms):
        raise ValueError(f"method {name!r}: norms={entry.norms!r} does not fit {entry.within!r}")
    if defaults.get("weight_decay"):
        raise ValueError(f"method {name!r} decays weights by default; scenario plain forbids it")
    return entry


def methods() -> Mapping[str, Method]:
    """All registered methods by name, family by family."""
    import_all()
    order = list(FAMILIES)
    known = registered(Method)
    return dict(sorted(known.items(), key=lambda kv: (order.index(kv[1].family), kv[0])))
