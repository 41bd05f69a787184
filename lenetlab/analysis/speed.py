"""How soon a method reaches a target: medians over its seeds, and how many times sooner than
another. A run that never got there, or failed, took infinitely long; it is counted, not dropped."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from lenetlab.analysis.targets import TARGETS, Target, reaching
from lenetlab.results import Row

UNITS = ("passes", "seconds", "cpu_seconds")


@dataclass(frozen=True)
class Reached:
    """A method's runs on the way to a target.

    runs, missed : final runs, and those that never got there or failed.
    passes, seconds, cpu_seconds : median over the runs, infinite if half of them or more missed.
    times : by unit, how many times sooner than the reference (see `speed_up`).
    """

    target: Target
    runs: int
    missed: int
    passes: float
    seconds: float
    cpu_seconds: float
    times: Mapping[str, float | None]


def reached(
    finals: Sequence[Row], reference: Sequence[Row], targets: Sequence[Target] = TARGETS
) -> tuple[Reached, ...]:
    """`finals` on the way to every target; nothing without runs."""
    if not finals:
        return ()
    return tuple(_reached(finals, reference, target) for target in targets)


def _reached(finals: Sequence[Row], reference: Sequence[Row], target: Target) -> Reached:
    taken = durations(finals, target.accuracy)
    theirs = durations(reference, target.accuracy)
    return Reached(
        target=target,
        runs=len(finals),
        missed=sum(math.isinf(value) for value in taken["passes"].values()),
        passes=median(taken["passes"].values()),
        seconds=median(taken["seconds"].values()),
        cpu_seconds=median(taken["cpu_seconds"].values()),
        times={unit: speed_up(taken[unit], theirs[unit]) for unit in UNITS},
    )


def durations(finals: Sequence[Row], accuracy: float) -> dict[str, dict[int, float]]:
    """By unit and seed, how much every run took to reach `accuracy` percent."""
    looks = {row.seed: reaching(row, accuracy) if row.done else None for row in finals}
    return {
        unit: {seed: float(look[unit]) if look else math.inf for seed, look in looks.items()}
        for unit in UNITS
    }


def speed_up(taken: Mapping[int, float], theirs: Mapping[int, float]) -> float | None:
    """The median over seeds of theirs / taken: 2 is twice as soon.

    Where only they missed it is infinite, where only we did 0. Seeds at which both missed say
    nothing; None if that is every second one, or if no seed is common to both.
    """
    common = sorted(set(taken) & set(theirs))
    ratios = []
    for seed in common:
        ours, other = taken[seed], theirs[seed]
        if math.isfinite(ours) and ours > 0:
            ratios.append(other / ours)
        elif math.isinf(ours) and math.isfinite(other):
            ratios.append(0.0)
    return median(ratios) if 2 * len(ratios) > len(common) else None
