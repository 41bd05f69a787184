"""What the class of a guest says of itself, in class attributes: each optional, each checked.

    defaults        hyperparameters and what they are where nothing is set
    space           what a search varies, and between which values
    decay           how it applies `weight_decay`: none, coupled, decoupled
    norms           what it does to the norms of weights: free, decay, ball, sphere
    batch_size      what it is run with where nothing else is set
    batch_scaling   how its rate grows with the batch size in a search: none, sqrt, linear
    form            what it is given as parameters: flat, named, layers
    asks            how often a step asks the oracle: once, more
    gradient_first  whether `.grad` is to be filled before `step`
    copies          names of what it keeps in the place of weights; `()` for nothing
    deterministic   whether the same seed gives the same bits

A method or a property of such a name is the class's own affair and says nothing.
"""

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, get_args

from lenetlab.component import Span
from lenetlab.errors import UserError, short
from lenetlab.methods.registry import Asks, BatchScaling, Decay, Form, Norms
from lenetlab.settings import Value

T = TypeVar("T")


@dataclass(frozen=True)
class Declared:
    """The attributes of a class; None where it says nothing."""

    defaults: Mapping[str, Value] | None = None
    space: Mapping[str, Span] | None = None
    decay: Decay | None = None
    norms: Norms | None = None
    batch_size: int | None = None
    batch_scaling: BatchScaling | None = None
    form: Form | None = None
    asks: Asks | None = None
    gradient_first: bool | None = None
    copies: tuple[str, ...] | None = None
    deterministic: bool | None = None


def declared(spec: str, kind: type) -> Declared:
    """What `kind` declares. Raises: `UserError` for an attribute that is not as expected."""
    judged = getattr(kind, "eval_weights", None)
    if judged is not None and not (callable(judged) and _takes_one(judged)):
        raise UserError(
            f"{spec}: eval_weights is {_shown(judged)}; expected a method eval_weights(self, w) "
            "that returns the weights to be judged, a vector like w"
        )

    def read(name: str, expected: str, check: Callable[[Any], T | None]) -> T | None:
        found = inspect.getattr_static(kind, name, None)
        if found is None or inspect.isroutine(found) or inspect.isdatadescriptor(found):
            return None
        checked = check(found)
        if checked is None:
            raise UserError(f"{spec}: {name} = {_shown(found)}; expected {expected}")
        return checked

    return Declared(
        defaults=read("defaults", 'hyperparameters by name, as in {"lr": 0.01}', _defaults),
        space=read(
            "space",
            'ranges by name, as in {"lr": (0.001, 0.1, "log"), "beta": (0.8, 0.98)}, the lower '
            "value first",
            _space,
        ),
        decay=read("decay", _one_of(Decay), _among(Decay)),
        norms=read("norms", _one_of(Norms), _among(Norms)),
        batch_size=read("batch_size", "a whole number from 1, such as 64", _count),
        batch_scaling=read("batch_scaling", _one_of(BatchScaling), _among(BatchScaling)),
        form=read("form", _one_of(Form), _among(Form)),
        asks=read("asks", _one_of(Asks), _among(Asks)),
        gradient_first=read("gradient_first", "True or False", _switch),
        copies=read("copies", 'names in a tuple, as in ("z",), or () for none', _names),
        deterministic=read("deterministic", "True or False", _switch),
    )


def _shown(found: object) -> str:
    return short(repr(found))


def _takes_one(method: Callable[..., Any]) -> bool:
    try:
        inspect.signature(method).bind("self", "w")
    except TypeError:
        return False
    return True


def _one_of(words: Any) -> str:
    return "one of " + ", ".join(repr(word) for word in get_args(words))


def _among(words: Any) -> Callable[[Any], Any]:
    return lambda found: found if isinstance(found, str) and found in get_args(words) else None


def _switch(found: Any) -> bool | None:
    return found if isinstance(found, bool) else None


def _count(found: Any) -> int | None:
    return found if isinstance(found, int) and not isinstance(found, bool) and found > 0 else None


def _names(found: Any) -> tuple[str, ...] | None:
    listed = isinstance(found, list | tuple) and all(isinstance(name, str) for name in found)
    return tuple(found) if listed else None


def simple(value: object) -> bool:
    """Whether a value can stand in a recipe."""
    return value is None or isinstance(value, bool | int | float | str | tuple)


def _defaults(found: Any) -> dict[str, Value] | None:
    fits = isinstance(found, Mapping) and all(
        isinstance(name, str) and simple(value) for name, value in found.items()
    )
    return dict(found) if fits else None


def _space(found: Any) -> dict[str, Span] | None:
    if not isinstance(found, Mapping) or not all(isinstance(name, str) for name in found):
        return None
    spans = {name: _span(given) for name, given in found.items()}
    known = {name: span for name, span in spans.items() if span is not None}
    return known if len(known) == len(spans) else None


def _span(given: Any) -> Span | None:
    """A range as `uniform` and `log_uniform` make it, or as a study file writes it, and then of
    whole numbers where both ends are."""
    if isinstance(given, list | tuple) and len(given) in (2, 3):
        log = given[2:] in (("log",), ["log"])
        numbers = all(
            isinstance(x, int | float) and not isinstance(x, bool) and math.isfinite(x)
            for x in given[:2]
        )
        if not numbers or (len(given) == 3 and not log):
            return None
        whole = all(isinstance(x, int) for x in given[:2])
        given = Span(float(given[0]), float(given[1]), log=log, whole=whole)
    fits = isinstance(given, Span) and given.low < given.high and (given.low > 0 or not given.log)
    return given if fits else None
