"""How soon a method reaches a target: medians over its seeds, and how many times sooner than
another. A run that never got there, or failed, took infinitely long; it is counted, not dropped."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from lenetlab.analysis.targets import TARGETS, Target, firsts
from lenetlab.records.cells import RunRow

UNITS = ("passes", "seconds", "cpu_seconds")
Durations = Mapping[str, Mapping[int, float]]  # by unit and seed; infinite where it never got there


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
    finals: Sequence[RunRow], theirs: Sequence[Durations], targets: Sequence[Target] = TARGETS
) -> tuple[Reached, ...]:
    """`finals` on the way to every target, `theirs` being the reference's durations to each of
    them; nothing without runs."""
    if not finals:
        return ()
    taken = durations(finals, targets)
    return tuple(map(_reached, targets, taken, theirs))


def _reached(target: Target, taken: Durations, theirs: Durations) -> Reached:
    return Reached(
        target=target,
        runs=len(taken["passes"]),
        missed=sum(math.isinf(value) for value in taken["passes"].values()),
        passes=median(taken["passes"].values()),
        seconds=median(taken["seconds"].values()),
        cpu_seconds=median(taken["cpu_seconds"].values()),
        times={unit: speed_up(taken[unit], theirs[unit]) for unit in UNITS},
    )


def durations(finals: Sequence[RunRow], targets: Sequence[Target] = TARGETS) -> list[Durations]:
    """How much every run took to reach each of `targets`."""
    accuracies = [target.accuracy for target in targets]
    never = [None] * len(targets)
    evaluations = [(row.seed, firsts(row, accuracies) if row.done else never) for row in finals]
    return [
        {
            unit: {seed: float(evaluation[unit]) if (evaluation := found[i]) else math.inf
                   for seed, found in evaluations}
            for unit in UNITS
        }
        for i in range(len(targets))
    ]  # fmt: skip


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
