"""A component: a named part of a recipe, as the file that it lies in registers it.

Methods, wrappers, constraints, batch plans, schedules and changes of the images are components.
All have what is here; each kind adds what is its own. What runs depend on beside their settings,
`version`, is read from the registration alone.
"""

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from lenetlab.errors import UserError, unknown
from lenetlab.settings import DOMAINS, Choice, Domain, Settings, resolve


@dataclass(frozen=True)
class Span:
    """A search interval for tuning, uniform or uniform in the logarithm; of all numbers, or of the
    `whole` ones."""

    low: float
    high: float
    log: bool
    whole: bool = False

    def __str__(self) -> str:
        kinds = [kind for kind in ("whole", "log") if getattr(self, kind)]
        return f"{self.low:g} … {self.high:g}" + (f" ({', '.join(kinds)})" if kinds else "")


def uniform(low: float, high: float) -> Span:
    """Search evenly between `low` and `high`."""
    return Span(low, high, log=False)


def log_uniform(low: float, high: float) -> Span:
    """Search evenly in the logarithm between `low` and `high`."""
    return Span(low, high, log=True)


@dataclass(frozen=True, kw_only=True)
class Component:
    """What every registration has.

    kind : what it is among the parts of a recipe, in a word.
    version : raised whenever its bits change; part of a run's identity.
    space : intervals that tuning draws from, by setting; `domains` are what is allowed.
    cost : in words, for tables: gradients a step and vectors of memory.
    page : its documentation; the first line is the summary.
    build : makes the thing itself from its settings.
    package : the installed package that brought it, with its version; empty for our own.
    source : SHA-256 of the code that it consists of, where that is not ours.
    """

    name: str
    kind: str
    page: str
    build: Callable[..., Any]
    defaults: Settings
    reference: str = ""
    cost: str = ""
    version: int = 1
    space: Mapping[str, Span] = field(default_factory=dict)
    domains: Mapping[str, Domain] = field(default_factory=dict)
    package: str = ""
    source: str = ""

    @property
    def summary(self) -> str:
        """The first line of its page."""
        return self.page.strip().splitlines()[0]

    def settings(self, given: Settings) -> Choice:
        """`given` settings over the defaults, checked; `UserError` for a wrong one."""
        return resolve(self.kind, self.name, self.defaults, given, {**DOMAINS, **self.domains})


C = TypeVar("C", bound=Component)

_Entries = dict[tuple[type[Component], str], Component]
_registered: _Entries = {}
# Where it goes meanwhile, what somebody else's file registers that is to be taken back.
_aside: ContextVar[_Entries | None] = ContextVar("aside", default=None)


def register(entry: Component) -> None:
    """Add a component; one of a notebook takes the place of itself when its cell runs again.
    Raises: `ValueError` for a name that another one of its kind has, for a missing page, and for a
    search of what is no setting."""
    aside, ours = _aside.get(), _is_ours(entry)
    if aside is not None and ours and (type(entry), entry.name) in _registered:
        return  # a file that reads one of ours again
    known = _registered if aside is None or ours else aside
    before = known.get((type(entry), entry.name))
    typed_again = before is not None and all(
        getattr(part.build, "__module__", "") == "__main__" for part in (before, entry)
    )
    if before is not None and not typed_again:
        raise ValueError(f"{entry.kind} {entry.name!r} is registered twice")
    if not entry.page:
        raise ValueError(f"{entry.kind} {entry.name!r} needs a docstring, its page")
    if stray := set(entry.space) - set(entry.defaults):
        raise ValueError(f"{entry.kind} {entry.name!r}: {stray} searched but no hyperparameter")
    known[type(entry), entry.name] = entry


Built = TypeVar("Built", bound=Callable[..., Any])


def registering(entry_of: Callable[[Any], Component]) -> Callable[[Built], Built]:
    """The decorator that registers what `entry_of` makes of a class or function."""

    def add(build: Built) -> Built:
        register(entry_of(build))
        return build

    return add


def registered(kind: type[C]) -> dict[str, C]:
    """What is registered of a kind so far, by name and in the order of registration."""
    known = {**_registered, **(_aside.get() or {})}
    return {name: entry for (_, name), entry in known.items() if isinstance(entry, kind)}


def look_up(what: str, name: str, known: Mapping[str, C], hint: str = "") -> C:
    """The component called `name`. Raises: `UserError` that suggests the nearest one there is, and
    says with `hint`, or by a list, what there is."""
    if name not in known:
        raise unknown(what, name, known, hint)
    return known[name]


def page_of(owner: object) -> str:
    """The docstring of `owner`, a file or a part of one."""
    if sys.flags.optimize > 1:
        raise UserError(
            "python -OO leaves out docstrings, and the pages of methods are docstrings; run "
            "without it (and without PYTHONOPTIMIZE=2)"
        )
    return inspect.getdoc(owner) or ""


def home_of(build: Any) -> object:
    """What has the page of a method, wrapper or constraint: its file; what was typed, or lies in a
    script, itself."""
    return build if build.__module__ == "__main__" else inspect.getmodule(build)


@contextmanager
def taken_back(kind: type[C]) -> Iterator[list[C]]:
    """What somebody else's file registers meanwhile does not stay registered; what of it is of a
    kind is in the list then. It may have a name that is taken, and what the file imports of ours
    for the first time stays."""
    aside, found = _Entries(), list[C]()
    token = _aside.set(aside)
    try:
        yield found
        found += [entry for entry in aside.values() if isinstance(entry, kind)]
    finally:
        _aside.reset(token)


def _is_ours(entry: Component) -> bool:
    return str(getattr(entry.build, "__module__", "")).startswith("lenetlab.")


@contextmanager
def brought_by(package: str, module: str, source: Callable[[], str]) -> Iterator[None]:
    """What is registered meanwhile, or was from the same `module` before, is of the installed
    `package`, and its code has the digest that `source()` then gives. After an error nothing of it
    stays registered."""
    before = dict(_registered)
    try:
        yield
        digest = source()
    except BaseException:
        _registered.clear()
        _registered.update(before)
        raise
    for key, entry in _registered.items():
        its = getattr(entry.build, "__module__", "").partition(".")[0]
        if key not in before or its == module.partition(".")[0]:
            _registered[key] = replace(entry, package=package, source=digest)
