"""What a search may vary: a method's own ranges, and what every recipe has beside them.

Every search includes the batch size, the warm-up and how the rate goes down; in the l2 scenarios
the weight decay as well. What the user has set is not searched.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, log
from typing import Any

from lenetlab.component import Span, log_uniform, uniform
from lenetlab.errors import UserError, short
from lenetlab.methods.constraint import ConstraintEntry, find_constraint
from lenetlab.methods.lookup import find, split
from lenetlab.methods.registry import Method
from lenetlab.methods.wrappers import Wrapper, find_wrapper
from lenetlab.problem.scenarios import find_scenario
from lenetlab.settings import WHOLE, Value, parse_choice, show


@dataclass(frozen=True)
class Pick:
    """One of some values, each as likely as the others."""

    values: tuple[Value, ...]

    def __str__(self) -> str:
        return ", ".join(str(value) for value in self.values)


Dimension = Span | Pick
Space = Mapping[str, Dimension]

FACTORS = (1 / 2, 1, 2, 4, 8)  # of a method's own batch size
LARGEST = 4096
SCHEDULES = Pick(("constant", "linear", "cosine"))  # the last two go down to zero
WARMUP = uniform(0.0, 0.2)
# Coupled decay acts on the loss, decoupled decay at the scale of the rate: other orders.
COUPLED = log_uniform(1e-5, 3e-3)
DECOUPLED = log_uniform(1e-2, 0.5)


def space_of(method: str, scenario: str, given: Mapping[str, Any] | None = None) -> Space:
    """The dimensions of a cell, in a fixed order; `method` may stand inside wrappers.

    A batch size of 1 or of all images is what its method is about, and stays. Full batches make too
    few steps for a warm-up: they have none. `given` settings are left out.
    """
    names, base = split(method)
    entry = find(base)
    dims: dict[str, Dimension] = dict(entry.space)
    for name in names:
        inner = find_wrapper(name).space
        dims |= {f"{name}.{key}": span for key, span in inner.items()}
    if 1 < entry.batch_size < 60_000:
        sizes = (int(entry.batch_size * factor) for factor in FACTORS)
        dims["batch_size"] = Pick(tuple(size for size in sizes if size <= LARGEST))
    if entry.batch_size < 60_000:
        dims["warmup"] = WARMUP
    dims["schedule"] = SCHEDULES
    if find_scenario(scenario).decays:
        dims["weight_decay"] = decay_of(entry)
    return {key: span for key, span in dims.items() if key not in (given or {})}


def decay_of(entry: Method) -> Span:
    """The usual size of a method's weight decay."""
    return DECOUPLED if entry.decay == "decoupled" else COUPLED


def unusual(method: str, scenario: str, given: Mapping[str, Any]) -> list[str]:
    """A sentence for every `given` number outside the range that a search of it looks in, unless
    it is the default."""
    flat, constraint = _flattened(given)
    known = _ranges(method, scenario, constraint)
    sentences = []
    for key, value in flat.items():
        if key not in known or isinstance(value, bool) or not isinstance(value, int | float):
            continue
        owner, span, default, what = known[key]
        if value != default and not span.low <= value <= span.high:
            sentences.append(f"{owner}: {key}={show(value)} is outside of {span}, {what}")
    return sentences


def _ranges(
    method: str, scenario: str, constraint: str | None
) -> dict[str, tuple[str, Span, Value, str]]:
    """By setting: whose it is, its range, its default, and what the range is. Nobody knows those of
    a method from outside."""
    names, base = split(method)
    entry = find(base)
    own = entry.declared
    parts: list[tuple[str, Method | Wrapper | ConstraintEntry]] = [("", entry)] if own else []
    parts += [(f"{name}.", find_wrapper(name)) for name in names]
    parts += [("constraint.", find_constraint(constraint))] if constraint else []
    found: dict[str, tuple[str, Span, Value, str]] = {
        prefix + key: (part.name, span, part.defaults[key], "where a search of it looks")
        for prefix, part in parts
        for key, span in part.space.items()
    }
    if entry.batch_size < 60_000:
        found["warmup"] = "schedule", WARMUP, 0.0, "where a search of it looks"
    if own and find_scenario(scenario).decays:
        kind = "decoupled" if entry.decay == "decoupled" else "coupled"
        found["weight_decay"] = base, decay_of(entry), 0.0, f"the usual size of {kind} decay"
    return found


def _flattened(given: Mapping[str, Any]) -> tuple[dict[str, Any], str | None]:
    """Settings that stand behind a part's name, `iht:keep=0.1`, under names of their own; and the
    constraint's name."""
    flat: dict[str, Any] = {}
    for part in ("constraint", "schedule"):
        name, its = parse_choice(str(given.get(part, "")))
        flat[part] = name
        flat |= {f"{part}.{key}": value for key, value in its.items()}
    flat |= {key: value for key, value in given.items() if key not in ("constraint", "schedule")}
    if "schedule.warmup" in flat:
        flat["warmup"] = flat.pop("schedule.warmup")
    return flat, flat["constraint"] if flat["constraint"] not in ("", "none") else None


def at(space: Space, u: list[float]) -> dict[str, Value]:
    """The settings at the point `u` of the unit cube; numbers to three significant digits."""
    return {name: _at(dim, x) for (name, dim), x in zip(space.items(), u, strict=True)}


def _at(dim: Dimension, x: float) -> Value:
    if isinstance(dim, Pick):
        return dim.values[min(int(x * len(dim.values)), len(dim.values) - 1)]
    if dim.log:
        value = exp(log(dim.low) + x * (log(dim.high) - log(dim.low)))
    else:
        value = dim.low + x * (dim.high - dim.low)
    return float(f"{value:.3g}")


def parse_dimension(name: str, given: Any) -> Dimension:
    """`[low, high]`, `[low, high, "log"]` or a list of words or numbers in braces as a study file
    writes them: `{ pick = [16, 64] }`. Raises `UserError`."""
    if isinstance(given, dict) and set(given) == {"pick"}:
        picked = given["pick"]
        if isinstance(picked, list) and picked:
            return Pick(tuple(picked))
    if isinstance(given, list) and len(given) in (2, 3) and given[2:] in ([], ["log"]):
        low, high = given[0], given[1]
        numbers = all(type(x) in (int, float) and abs(x) < WHOLE for x in (low, high))
        if numbers and low < high and (low > 0 or len(given) == 2):
            return Span(float(low), float(high), log=len(given) == 3)
    raise UserError(
        f"space.{name} = {short(repr(given))} is no range; expected [low, high], "
        '[low, high, "log"] with 0 < low < high, or { pick = [value, …] }'
    )
