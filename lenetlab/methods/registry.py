"""The registry: what a method's file says of its method, and how a method is found by name.

A method's file ends with its registration, a decorator over the function or class that builds
the optimizer from its parameters and hyperparameters:

    @method("sgd", family="basic", reference="…", defaults={"lr": 0.05}, …)
    def sgd(params, *, lr): return torch.optim.SGD(params, lr=lr)

Every file below `lenetlab/methods/<family>/` is imported on first use: to add a method is to
add one file. Duplicates and incomplete registrations are refused when they are imported.
"""

import importlib
import inspect
import pkgutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal, Protocol, TypeVar

from torch import Tensor

import lenetlab.methods
from lenetlab.errors import UserError, unknown
from lenetlab.settings import DOMAINS, Choice, Domain, Settings, resolve

Form = Literal["flat", "named", "layers"]
Decay = Literal["none", "coupled", "decoupled"]
Asks = Literal["once", "more"]
Within = Literal["", "ball", "sparse", "spheres"]

FAMILIES = {
    "basic": "gradient descent on one example, a mini-batch, or all of them",
    "noise_reduction": "less noise in the gradient or in the evaluated weights",
    "momentum": "a remembered direction",
    "adaptive": "a rate of its own for every weight",
    "line_search": "line search, trust region, step rules",
    "second_order": "curvature, used or estimated",
    "matrix": "a layer moved as a matrix, not weight by weight",
    "constrained": "regularised and constrained: a step and a projection, or neither",
    "derivative_free": "values alone, and others that a course leaves with a question mark",
    "outside": "somebody else's",
}


DECAYS: Mapping[Decay, str] = {
    "none": "none of its own; in scenario l2 the oracle adds λ/2‖w‖² to the objective",
    "coupled": "coupled: λw is part of the gradient",
    "decoupled": "decoupled: the weights shrink beside the step, untouched by its scaling",
}


WITHIN: Mapping[Within, str] = {
    "ball": "in a ball",
    "sparse": "at few nonzeros",
    "spheres": "on spheres",
}


class Optimizer(Protocol):
    """What the loop drives: PyTorch's own interface, with the oracle as the closure.

    Where the weights to be judged are not the trained ones, an optimizer also has
    `eval_weights(w) -> Tensor`, pure: evaluating never changes a run.
    """

    param_groups: list[dict[str, Any]]

    def step(self, closure: Any) -> Any:
        """Ask the oracle at least once, update the weights, return the loss."""
        ...


@dataclass(frozen=True)
class Span:
    """A search interval for tuning, uniform or uniform in the logarithm."""

    low: float
    high: float
    log: bool

    def __str__(self) -> str:
        return f"{self.low:g} … {self.high:g}" + (" (log)" if self.log else "")


def uniform(low: float, high: float) -> Span:
    """Search evenly between `low` and `high`."""
    return Span(low, high, log=False)


def log_uniform(low: float, high: float) -> Span:
    """Search evenly in the logarithm between `low` and `high`."""
    return Span(low, high, log=True)


@dataclass(frozen=True)
class Method:
    """A registered method.

    form : what its constructor receives (see `lenetlab.oracle.weights.Weights.params`).
    decay : how it applies `weight_decay`; `none` if it has no such hyperparameter.
    version : raised whenever its bits change; part of a run's identity.
    batch_size : what it is run with where nothing else is set.
    asks : `once` if a step asks `oracle()` once and nothing else: estimators need that.
    neutral : settings at which a method that bounds or penalises the weights does neither in
        effect, so that it minimises F itself, everywhere; empty if its defaults do.
    within : the set in which every step ends, if it is not everywhere. Where a mean of its points
        is outside, the optimizer has `nearest(w)`, and averages are projected.
    source : SHA-256 of the code that a method from outside consists of, empty for our own.
    """

    name: str
    family: str
    reference: str
    form: Form
    decay: Decay
    version: int
    defaults: Settings
    space: Mapping[str, Span]
    cost: str
    page: str
    build: Callable[..., Optimizer]
    batch_size: int = 64
    domains: Mapping[str, Domain] = field(default_factory=dict)
    source: str = ""
    asks: Asks = "once"
    neutral: Settings = field(default_factory=dict)
    within: Within = ""

    @property
    def summary(self) -> str:
        """The first line of its page."""
        return self.page.strip().splitlines()[0]

    def settings(self, given: Settings) -> Choice:
        """`given` hyperparameters over the defaults, checked; `UserError` for a wrong one."""
        return resolve("method", self.name, self.defaults, given, {**DOMAINS, **self.domains})

    def optimizer(self, params: list[Tensor], settings: Settings) -> Optimizer:
        """The optimizer over `params`, ready for its first step."""
        return self.build(params, **settings)


Build = TypeVar("Build", bound=Callable[..., Any])

_registered: dict[str, Method] = {}


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
) -> Callable[[Build], Build]:
    """Register the decorated builder; its module's docstring is the method's page.

    family : one of `FAMILIES`.
    form : what the builder receives as its parameters: `flat`, the whole vector; `named`, the ten
        tensors; `layers`, the ten with convolutions as matrices.
    decay : `coupled` or `decoupled` if it has `weight_decay`, whose default must be 0.
    space : intervals that tuning draws from, by hyperparameter; `domains` are what is allowed.
    cost : in words, for tables: gradients a step and vectors of memory.

    The other fields are those of a `Method`. Raises: `ValueError` at import for a name that is
    taken, a family that is none, a missing page, or settings that do not fit each other.
    """

    def register(build: Build) -> Build:
        page = page_of(build)
        _check(name, family, page, defaults, space, decay, neutral or {})
        _registered[name] = Method(
            name, family, reference, form, decay, version, defaults, space, cost, page, build,
            batch_size, domains or {}, asks=asks, neutral=neutral or {},
            within=within,
        )  # fmt: skip
        return build

    return register


def page_of(build: object) -> str:
    """The docstring of the file that `build` is from."""
    if sys.flags.optimize > 1:
        raise UserError(
            "python -OO leaves out docstrings, and the pages of methods are docstrings; run "
            "without it (and without PYTHONOPTIMIZE=2)"
        )
    return inspect.getdoc(inspect.getmodule(build)) or ""


def _check(
    name: str,
    family: str,
    page: str,
    defaults: Settings,
    space: Mapping[str, Span],
    decay: str,
    neutral: Settings,
) -> None:
    if name in _registered:
        raise ValueError(f"method {name!r} is registered twice")
    if family not in FAMILIES:
        raise ValueError(f"method {name!r}: no family {family!r} among {', '.join(FAMILIES)}")
    if not page:
        raise ValueError(f"method {name!r}: its file needs a docstring, the method's page")
    if stray := set(space) - set(defaults):
        raise ValueError(f"method {name!r}: {stray} searched but no hyperparameter")
    if stray := set(neutral) - set(defaults):
        raise ValueError(f"method {name!r}: {stray} in neutral but no hyperparameter")
    if ("weight_decay" in defaults) != (decay != "none"):
        raise ValueError(f"method {name!r}: decay={decay!r} does not fit its hyperparameters")
    if defaults.get("weight_decay"):
        raise ValueError(f"method {name!r} decays weights by default; scenario plain forbids it")


@cache
def import_all() -> None:
    """Import every file below `lenetlab/methods/`, so that all are registered."""
    for found in pkgutil.walk_packages(lenetlab.methods.__path__, "lenetlab.methods."):
        importlib.import_module(found.name)


@cache
def methods() -> Mapping[str, Method]:
    """All registered methods by name, family by family."""
    import_all()
    order = list(FAMILIES)
    return dict(sorted(_registered.items(), key=lambda kv: (order.index(kv[1].family), kv[0])))


def find(name: str) -> Method:
    """The method called `name`, or one from outside written `file.py:Class`, `module:Class`, or
    `file.py` where there is one optimizer in it.
    Raises: `UserError` for a name that does not exist, with the nearest one that does."""
    if ":" in name or name.endswith(".py"):
        from lenetlab.methods.outside import load

        return load(name)
    known = methods()
    if name not in known:
        raise unknown("method", name, known, "`lenetlab methods` lists them all")
    return known[name]
