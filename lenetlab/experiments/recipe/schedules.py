"""Schedules: a factor on the initial value of a hyperparameter (`of`, the rate by default).

Each is a function of progress p ∈ [0, 1) through the budget, taken at the beginning of a step,
except 1/t, which counts steps, and the plateau, which watches the training loss. Every schedule can
be preceded by a linear warm-up: over the first `warmup` of the budget the factor rises from
`warmup_from` to 1, the rest of the budget is the schedule's whole course. With `stages` the
progress is held at the beginning of each of so many equal parts of the budget: what a scheduler
does that is stepped once an epoch.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lenetlab.component import Built, Component, look_up, page_of, registered, registering
from lenetlab.errors import UserError
from lenetlab.methods.interactive import source_when_imported
from lenetlab.settings import FRACTION, NOT_NEGATIVE, UNIT, Choice, Domain, Settings

SLACK = 1e-9  # of positions, which are sums of shares of the budget

Course = Callable[..., float]  # (progress, steps done, settings) -> factor


# What every schedule has.
_COMMON: Settings = {"warmup": 0.0, "warmup_from": 0.0, "stages": 0, "of": "lr"}
_COMMON_DOMAINS = {"warmup": FRACTION, "warmup_from": UNIT, "stages": NOT_NEGATIVE}
_SHARE = Domain(1e-6, 1, closed=True)  # of the course
_LENGTH = Domain(1e-6)  # in courses


@dataclass(frozen=True, kw_only=True)
class ScheduleEntry(Component):
    """A registered schedule."""

    kind: str = "schedule"


def schedule(
    name: str,
    defaults: Settings,
    domains: Mapping[str, Domain],
    *,
    reference: str = "",
    version: int = 1,
) -> Callable[[Built], Built]:
    """Register the decorated course, or class of courses, whose docstring is the schedule's page.
    `version` is raised when its factors change."""

    return registering(lambda build: ScheduleEntry(
        name=name, defaults={**defaults, **_COMMON}, reference=reference, version=version,
        domains={**domains, **_COMMON_DOMAINS}, page=page_of(build), build=build,
        source=source_when_imported(build),
    ))  # fmt: skip


@schedule("constant", {}, {})
def constant(p: float, t: int) -> float:
    """1."""
    return 1.0


@schedule("step", {"gamma": 0.1, "every": 1 / 3}, {"gamma": UNIT, "every": _SHARE})
def step(p: float, t: int, *, gamma: float, every: float) -> float:
    """γ^⌊p / every⌋: a staircase."""
    return float(gamma ** math.floor(p / every + SLACK))


@schedule("1/t", {"tau": 1000.0}, {"tau": Domain(1e-6)}, reference="Robbins and Monro 1951")
def inverse_time(p: float, t: int, *, tau: float) -> float:
    """1 / (1 + t/τ), t counted in steps: the rate of Robbins and Monro (1951)."""
    return 1.0 / (1.0 + t / tau)


@schedule("multi-step", {"milestones": (0.5, 0.75), "gamma": 0.1}, {"gamma": UNIT})
def multi_step(p: float, t: int, *, milestones: tuple[float, ...], gamma: float) -> float:
    """γ to the number of `milestones`, shares of the budget, that are passed."""
    return float(gamma ** sum(p >= milestone - SLACK for milestone in milestones))


@schedule("linear", {"floor": 0.0, "length": 1.0}, {"floor": UNIT, "length": _LENGTH})
def linear(p: float, t: int, *, floor: float, length: float) -> float:
    """From 1 to `floor` on a straight line over `length` of the course, and level after it."""
    return polynomial(p, t, power=1.0, floor=floor, length=length)


@schedule(
    "polynomial",
    {"power": 2.0, "floor": 0.0, "length": 1.0},
    {"power": NOT_NEGATIVE, "floor": UNIT, "length": _LENGTH},
)
def polynomial(p: float, t: int, *, power: float, floor: float, length: float) -> float:
    """From 1 to `floor` as (1 − p)^power over `length` of the course, and level after it."""
    return float(floor + (1 - floor) * (1 - min(p / length, 1.0)) ** power)


@schedule(
    "cosine",
    {"floor": 0.0, "length": 1.0},
    {"floor": UNIT, "length": _LENGTH},
    reference="Loshchilov and Hutter 2017",
)
def cosine(p: float, t: int, *, floor: float, length: float) -> float:
    """From 1 to `floor` on half a cosine (Loshchilov and Hutter, SGDR, 2017, eq. 5) that takes
    `length` of the course; after a shorter one the cosine goes up again, as PyTorch's does."""
    return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * p / length))


@schedule(
    "restarts",
    {"first": 1 / 7, "mult": 2.0, "floor": 0.0},
    {"first": Domain(1e-3, 1, closed=True), "mult": Domain(1), "floor": UNIT},
    reference="Loshchilov and Hutter 2017",
)
def restarts(p: float, t: int, *, first: float, mult: float, floor: float) -> float:
    """Cosines from 1 to `floor`, one after the other: the first takes `first` of the course, each
    of the others `mult` times the one before (Loshchilov and Hutter, SGDR, 2017)."""
    period = first
    while p >= period - SLACK:
        p, period = p - period, period * mult
    return cosine(max(p, 0.0), t, floor=floor, length=period)


@schedule(
    "one-cycle",
    {"rise": 0.3, "start": 0.04, "floor": 4e-6},
    {"rise": Domain(1e-6, 1), "start": UNIT, "floor": UNIT},
    reference="Smith and Topin 2018",
)
def one_cycle(p: float, t: int, *, rise: float, start: float, floor: float) -> float:
    """From `start` up to 1 over the first `rise`, down to `floor` over the rest, both on half
    cosines (Smith and Topin, Super-Convergence, 2018, with PyTorch's shape)."""
    if p < rise:
        return 1 + (start - 1) * 0.5 * (1 + math.cos(math.pi * p / rise))
    return cosine((p - rise) / (1 - rise), t, floor=floor, length=1.0)


@schedule(
    "plateau",
    {"gamma": 0.1, "patience": 1, "every": 0.1, "threshold": 1e-4, "floor": 0.0},
    {"gamma": UNIT, "patience": NOT_NEGATIVE, "every": _SHARE, "threshold": FRACTION,
     "floor": UNIT},
)  # fmt: skip
class Plateau:
    """Times γ, down to `floor`, when the training loss has stopped falling: its mean over `every`
    of the course was not below the least so far, by a share of `threshold`, more than `patience`
    times in a row. PyTorch's `ReduceLROnPlateau`, on the training loss alone: what it reacts to
    may not be the test set's."""

    def __init__(
        self, *, gamma: float, patience: int, every: float, threshold: float, floor: float
    ) -> None:
        self.gamma, self.patience, self.every = gamma, patience, every
        self.threshold, self.floor = threshold, floor
        self._begin(0.0)

    def _begin(self, p: float) -> None:
        self._factor, self._least, self._bad = 1.0, math.inf, 0
        self._sum, self._count = 0.0, 0
        self._last, self._closed = p, self._over(p)

    def _over(self, p: float) -> int:
        """Intervals that are over."""
        return math.floor(p / self.every + SLACK)

    def __call__(self, p: float, t: int) -> float:
        """The factor now."""
        return self._factor

    def observe(self, p: float, loss: float) -> None:
        """Take note of the `loss` of the step that has led to p."""
        if p < self._last:  # a constraint that trains in rounds begins another
            self._begin(p)
        self._last = p
        self._sum, self._count = self._sum + loss, self._count + 1
        if self._over(p) > self._closed:
            self._judge(self._sum / self._count)
            self._sum, self._count, self._closed = 0.0, 0, self._over(p)

    def _judge(self, mean: float) -> None:
        if mean < self._least * (1 - self.threshold):
            self._least, self._bad = mean, 0
        else:
            self._bad += 1
        if self._bad > self.patience:
            self._factor, self._bad = max(self._factor * self.gamma, self.floor), 0

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {key: value for key, value in vars(self).items() if key.startswith("_")}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a saved state."""
        vars(self).update(state)


def schedules() -> Mapping[str, ScheduleEntry]:
    """All registered schedules by name."""
    return registered(ScheduleEntry)


def choose_schedule(name: str, given: Settings) -> Choice:
    """The checked choice of a schedule; `UserError` for an unknown name or setting."""
    if "milestones" in given and name == "multi-step":
        given = {**given, "milestones": _milestones(given["milestones"])}
    return look_up("schedule", name, schedules()).settings(given)


def _milestones(given: object) -> tuple[float, ...]:
    values = given if isinstance(given, tuple | list) else (given,)
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int | float) or value not in UNIT:
            raise UserError(
                f"schedule multi-step: milestones={given} is not allowed; expected shares of the "
                "budget, as in (0.5, 0.75)"
            )
    return tuple(float(value) for value in values)


class Schedule:
    """A shape with what every schedule has: the factor as a function of progress and steps."""

    def __init__(self, choice: Choice) -> None:
        course = schedules()[choice.name].build
        common: dict[str, Any] = {key: choice.settings[key] for key in _COMMON}
        self._settings: dict[str, Any] = {
            key: value for key, value in choice.settings.items() if key not in _COMMON
        }
        self._plateau: Plateau | None = None
        if isinstance(course, type):
            course = self._plateau = course(**self._settings)
            self._settings = {}
        self._course: Course = course
        self._warmup, self._from = float(common["warmup"]), float(common["warmup_from"])
        self._stages = int(common["stages"])

    def __call__(self, progress: float, steps: int) -> float:
        """The factor at the beginning of a step."""
        if self._stages:
            progress = math.floor(progress * self._stages + SLACK) / self._stages
        if progress < self._warmup:
            return self._from + (1 - self._from) * progress / self._warmup
        return self._course(self._place(progress), steps, **self._settings)

    def _place(self, progress: float) -> float:
        return (progress - self._warmup) / (1 - self._warmup)

    def observe(self, progress: float, loss: float) -> None:
        """Take note of the training loss of the step that has led to `progress`."""
        if self._plateau is not None and progress > self._warmup:
            self._plateau.observe(self._place(progress), loss)

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps; most schedules remember nothing."""
        return {} if self._plateau is None else self._plateau.state()

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a saved state."""
        if self._plateau is not None:
            self._plateau.restore(state)


def make_schedule(choice: Choice) -> Schedule | None:
    """The schedule itself; None where the factor is always 1."""
    if choice.name == "constant" and choice.settings["warmup"] == 0:
        return None
    return Schedule(choice)
