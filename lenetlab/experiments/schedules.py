"""Schedules: a factor on the initial value of a hyperparameter (`of`, the rate by default).

Each is a function of progress p ∈ [0, 1) through the budget, taken at the beginning of a step,
except 1/t, which counts steps. Every schedule can be preceded by a linear warm-up: over the
first `warmup` of the budget the factor rises from 0 to 1, the rest of the budget is the
schedule's whole course.
"""

import math
from collections.abc import Callable, Mapping

from lenetlab.errors import unknown
from lenetlab.settings import FRACTION, NOT_NEGATIVE, UNIT, Choice, Domain, Settings, resolve

Course = Callable[..., float]
Schedule = Callable[[float, int], float]  # (progress, steps done) -> factor


def constant(p: float, t: int) -> float:
    """1."""
    return 1.0


def step(p: float, t: int, *, gamma: float, every: float) -> float:
    """γ^⌊p / every⌋: a staircase."""
    return float(gamma ** math.floor(p / every + 1e-9))


def inverse_time(p: float, t: int, *, tau: float) -> float:
    """1 / (1 + t/τ), t counted in steps: the rate of Robbins and Monro (1951)."""
    return 1.0 / (1.0 + t / tau)


def linear(p: float, t: int, *, floor: float) -> float:
    """From 1 to `floor` on a straight line."""
    return floor + (1 - floor) * (1 - p)


def cosine(p: float, t: int, *, floor: float) -> float:
    """From 1 to `floor` on half a cosine (Loshchilov and Hutter, SGDR, 2017, eq. 5)."""
    return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * p))


def one_cycle(p: float, t: int, *, rise: float, start: float, floor: float) -> float:
    """From `start` up to 1 over the first `rise`, down to `floor` over the rest, both on half
    cosines (Smith and Topin, Super-Convergence, 2018, with PyTorch's shape)."""
    if p < rise:
        return 1 + (start - 1) * 0.5 * (1 + math.cos(math.pi * p / rise))
    return cosine((p - rise) / (1 - rise), t, floor=floor)


_COURSES: Mapping[str, tuple[Course, Settings]] = {
    "constant": (constant, {}),
    "step": (step, {"gamma": 0.1, "every": 1 / 3}),
    "1/t": (inverse_time, {"tau": 1000.0}),
    "linear": (linear, {"floor": 0.0}),
    "cosine": (cosine, {"floor": 0.0}),
    "one-cycle": (one_cycle, {"rise": 0.3, "start": 0.04, "floor": 4e-6}),
}
SCHEDULES = tuple(_COURSES)
_COMMON: Settings = {"warmup": 0.0, "of": "lr"}
_DOMAINS = {
    "warmup": FRACTION,
    "gamma": UNIT,
    "every": Domain(1e-6, 1, closed=True),
    "tau": Domain(1e-6),
    "floor": UNIT,
    "start": UNIT,
    "rise": Domain(1e-6, 1),
    "momentum": NOT_NEGATIVE,
}

# Raised when the factors of a schedule change; the others are at 1.
VERSIONS: Mapping[str, int] = {}


def choose_schedule(name: str, given: Settings) -> Choice:
    """The checked choice of a schedule; `UserError` for an unknown name or setting."""
    if name not in _COURSES:
        raise unknown("schedule", name, _COURSES)
    return resolve("schedule", name, {**_COURSES[name][1], **_COMMON}, given, _DOMAINS)


def make_schedule(choice: Choice) -> Schedule | None:
    """The factor as a function of progress and steps; None where it is always 1."""
    course, own = _COURSES[choice.name]
    settings = {key: choice.settings[key] for key in own}
    warmup = float(choice.settings["warmup"])  # type: ignore[arg-type]
    if course is constant and warmup == 0:
        return None

    def factor(progress: float, steps: int) -> float:
        if progress < warmup:
            return progress / warmup
        return course((progress - warmup) / (1 - warmup), steps, **settings)

    return factor
