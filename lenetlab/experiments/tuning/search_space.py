"""What a search may vary: a method's own ranges, and what every recipe has beside them.

Every search includes the batch size, the warm-up and how the rate goes down; in the l2 scenarios
the weight decay as well. What the user has set is not searched.

The range of a rate is that at the method's own batch size. Where the method says that its rate
grows with the batch, what is drawn is scaled to the size that was drawn with it, so that one range
fits all sizes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import exp, log, prod
from typing import Any

from lenetlab.component import Span, log_uniform, uniform
from lenetlab.errors import UserError, short
from lenetlab.experiments.recipe.one_name import one_name, over
from lenetlab.methods.constraint import ConstraintEntry, find_constraint
from lenetlab.methods.lookup import find, split
from lenetlab.methods.registry import BatchScaling, Method
from lenetlab.methods.wrappers import Wrapper, find_wrapper
from lenetlab.problem.scenarios import find_scenario
from lenetlab.settings import WHOLE, Value, show


@dataclass(frozen=True)
class Pick:
    """One of some values, each as likely as the others."""

    values: tuple[Value, ...]

    def __str__(self) -> str:
        return ", ".join(str(value) for value in self.values)


Dimension = Span | Pick
Space = Mapping[str, Dimension]

FACTORS = (1 / 2, 1, 2, 4)  # of a method's own batch size
LARGEST = 4096  # that is searched, unless a method's own is larger
FALLING = Pick(("linear", "cosine"))  # both down to zero
AVERAGED = Pick(("constant", "linear", "cosine"))  # an average does what a falling rate does
WARMUP = uniform(0.0, 0.2)
# Coupled decay acts on the loss, decoupled decay at the scale of the rate: other orders.
COUPLED = log_uniform(1e-5, 1e-3)
DECOUPLED = log_uniform(1e-2, 0.3)
POWERS: Mapping[BatchScaling, float] = {"none": 0.0, "sqrt": 0.5, "linear": 1.0}


def space_of(method: str, scenario: str, given: Mapping[str, Any] | None = None) -> Space:
    """The dimensions of a cell, in a fixed order; `method` may stand inside wrappers.

    A batch size of 1 or of all images is what its method is about, and stays. Full batches make too
    few steps for a warm-up: they have none. What has no rate has no course of it either. `given`
    settings are left out.
    """
    names, base = split(method)
    entry = find(base)
    around = [find_wrapper(name) for name in names]
    dims: dict[str, Dimension] = {**entry.space, **_rate(entry, around)}
    dims.pop("weight_decay", None)  # only where there is some
    for part in around:
        dims |= {f"{part.name}.{key}": span for key, span in part.space.items()}
    if 1 < entry.batch_size < 60_000:
        sizes = (int(entry.batch_size * factor) for factor in FACTORS)
        largest = max(LARGEST, entry.batch_size)
        dims["batch_size"] = Pick(tuple(size for size in sizes if size <= largest))
    if "lr" in entry.defaults:
        if entry.batch_size < 60_000:
            dims["warmup"] = WARMUP
        averages = entry.averages or any(part.kind == "average" for part in around)
        dims["schedule"] = AVERAGED if averages else FALLING
    if find_scenario(scenario).decays:
        dims["weight_decay"] = decay_of(entry)
    known = one_name(given or {})
    return {key: span for key, span in dims.items() if key not in known}


def _rate(entry: Method, around: list[Wrapper], batch_size: Value | None = None) -> dict[str, Span]:
    """The range of the rate inside wrappers, at a batch size; empty where there is none."""
    if "lr" not in entry.space:
        return {}
    span = entry.space["lr"]
    times = prod(part.rate for part in around) * growth(entry, batch_size)
    return {"lr": replace(span, low=_rounded(span.low * times), high=_rounded(span.high * times))}


def growth(entry: Method, batch_size: Value | None) -> float:
    """What the rate of a method is multiplied by at a batch size that is not its own."""
    if not isinstance(batch_size, int | float):
        return 1.0
    return float((batch_size / entry.batch_size) ** POWERS[entry.batch_scaling])


def scaled(method: str, drawn: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """What was `drawn` beside `given` settings, its rate as it is at their batch size."""
    settings = dict(drawn)
    if "lr" in drawn:
        size = one_name(over(given, drawn)).get("batch_size")
        settings["lr"] = _rounded(drawn["lr"] * growth(find(split(method)[1]), size))
    return settings


def decay_of(entry: Method) -> Span:
    """The usual size of a method's weight decay: its own range, or that of its kind."""
    usual = DECOUPLED if entry.decay == "decoupled" else COUPLED
    return entry.space.get("weight_decay", usual)


def unusual(method: str, scenario: str, given: Mapping[str, Any]) -> list[str]:
    """A sentence for every `given` number outside the range that a search of it looks in, unless
    it is the default."""
    flat = one_name(given)
    known = _ranges(method, scenario, flat.get("constraint", "none"), flat.get("batch_size"))
    sentences = []
    for key, value in flat.items():
        if key not in known or isinstance(value, bool) or not isinstance(value, int | float):
            continue
        owner, span, default, what = known[key]
        if value != default and not span.low <= value <= span.high:
            sentences.append(f"{owner}: {key}={show(value)} is outside of {span}, {what}")
    return sentences


def _ranges(
    method: str, scenario: str, constraint: str, batch_size: Value | None
) -> dict[str, tuple[str, Span, Value, str]]:
    """By setting: whose it is, its range, its default, and what the range is. Nobody knows those of
    a method from outside. The rate's is that at `batch_size`."""
    names, base = split(method)
    entry = find(base)
    own = entry.declared
    around = [find_wrapper(name) for name in names]
    parts: list[tuple[str, Method | Wrapper | ConstraintEntry]] = [("", entry)] if own else []
    parts += [(f"{part.name}.", part) for part in around]
    parts += [] if constraint == "none" else [("constraint.", find_constraint(constraint))]
    found: dict[str, tuple[str, Span, Value, str]] = {
        prefix + key: (part.name, span, part.defaults[key], "where a search of it looks")
        for prefix, part in parts
        for key, span in part.space.items()
        if key != "weight_decay"
    }
    if own:
        for key, span in _rate(entry, around, batch_size).items():
            found[key] = base, span, entry.defaults[key], "where a search of it looks"
    if entry.batch_size < 60_000:
        found["warmup"] = "schedule", WARMUP, 0.0, "where a search of it looks"
    if own and find_scenario(scenario).decays:
        kind = "decoupled" if entry.decay == "decoupled" else "coupled"
        found["weight_decay"] = base, decay_of(entry), 0.0, f"the usual size of {kind} decay"
    return found


def at(space: Space, u: list[float]) -> dict[str, Value]:
    """The settings at the point `u` of the unit cube; numbers to three significant digits, or
    the nearest whole ones."""
    return {name: _at(dim, x) for (name, dim), x in zip(space.items(), u, strict=True)}


def _at(dim: Dimension, x: float) -> Value:
    if isinstance(dim, Pick):
        return dim.values[min(int(x * len(dim.values)), len(dim.values) - 1)]
    low, high = ends(dim)
    value = exp(log(low) + x * (log(high) - log(low))) if dim.log else low + x * (high - low)
    return near(dim, value)


def ends(span: Span) -> tuple[float, float]:
    """Between what to draw: the span, or whatever is rounded to a whole number in it, so that the
    outermost are not drawn half as often."""
    beyond = 0.5 if span.whole else 0.0
    return span.low - beyond, span.high + beyond


def near(span: Span, value: float) -> float:
    """`value` to three significant digits, inside of the span: 0.9997 is not 1. The nearest whole
    number where the span is of those."""
    within = min(max(round(value) if span.whole else _rounded(value), span.low), span.high)
    return int(within) if span.whole else within


def _rounded(value: float) -> float:
    return float(f"{value:.3g}")


def is_count(method: str, name: str) -> bool:
    """Whether a setting of a method, inside its wrappers or not, is a whole number by default. A
    rate of 1 is none."""
    names, base = split(method)
    entry = find(base)
    defaults = {"batch_size": entry.batch_size, **entry.defaults}
    for part in map(find_wrapper, names):
        defaults |= {f"{part.name}.{key}": value for key, value in part.defaults.items()}
    return name != "lr" and type(defaults.get(name)) is int


def parse_dimension(name: str, given: Any, count: bool = False) -> Dimension:
    """`[low, high]`, `[low, high, "log"]` or a list of words or numbers in braces as a study file
    writes them: `{ pick = [16, 64] }`. Whole numbers where both ends are and `count` says that the
    setting is one. Raises `UserError`."""
    if isinstance(given, dict) and set(given) == {"pick"}:
        picked = given["pick"]
        if isinstance(picked, list) and picked:
            return Pick(tuple(picked))
    if isinstance(given, list) and len(given) in (2, 3) and given[2:] in ([], ["log"]):
        low, high = given[0], given[1]
        numbers = all(type(x) in (int, float) and abs(x) < WHOLE for x in (low, high))
        if numbers and low < high and (low > 0 or len(given) == 2):
            whole = count and type(low) is type(high) is int
            return Span(float(low), float(high), log=len(given) == 3, whole=whole)
    raise UserError(
        f"space.{name} = {short(repr(given))} is no range; expected [low, high], "
        '[low, high, "log"] with 0 < low < high, or { pick = [value, …] }'
    )
