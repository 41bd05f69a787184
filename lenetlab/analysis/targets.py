"""Test accuracies that others reached, and how soon a run got there."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from lenetlab.problem.scenarios import BOUND
from lenetlab.records import Run


@dataclass(frozen=True)
class Target:
    """A test accuracy in percent, and whose it is."""

    accuracy: float
    whose: str


TARGETS = (
    Target(59.53, "the handed-out script: SGD, rate 0.001, batch 64, 10 epochs, seed 42"),
    Target(61.5, "the course's"),
    Target(89.38, "the teacher's, picked on the test set"),
    Target(90.24, "the best student's known, picked on the test set"),
    Target(90.8, "a published larger LeNet-5 (61.7k parameters)"),
)
STARTER = TARGETS[0].accuracy


def bound_of(run: Run) -> int | None:
    """Nonzeros that the run's constraint allows in fc1 and fc2; None where it has none."""
    constraint = run.identity["recipe"].get("constraint")
    return None if constraint is None else int(constraint[1].get("keep", BOUND))


def counting(run: Run) -> Iterator[dict[str, Any]]:
    """The looks that count: under a constraint, those at which it was in force."""
    bound = bound_of(run)
    for look in run.looks:
        if bound is None or look["nonzeros"] <= bound:
            yield look


def seconds_to(run: Run, accuracy: float) -> float:
    """Training seconds at the first look with at least `accuracy` percent; infinite if none."""
    reached = (look["seconds"] for look in counting(run) if look["accuracy"] >= accuracy)
    return float(next(reached, math.inf))


def passes_to(run: Run, accuracy: float) -> float:
    """Effective passes at the first look with at least `accuracy` percent; infinite if none."""
    reached = (look["passes"] for look in counting(run) if look["accuracy"] >= accuracy)
    return float(next(reached, math.inf))


@dataclass(frozen=True)
class Among:
    """Where an accuracy stands among recorded runs; `best` is None where there are none."""

    runs: int
    below: int
    best: float | None
    best_label: str | None


def place_among(accuracy: float, scenario: str, runs: Sequence[Run]) -> Among:
    """Compare with the finished runs of `scenario` that were measured on the test set."""
    recipes = [run.identity["recipe"] for run in runs]
    comparable = [
        run
        for run, recipe in zip(runs, recipes, strict=True)
        if run.status == "done"
        and recipe.get("scenario", "plain") == scenario
        and recipe.get("split", "official") == "official"
    ]
    if not comparable:
        return Among(0, 0, None, None)
    best = max(comparable, key=lambda run: float(run.result["final"]["accuracy"]))
    below = sum(run.result["final"]["accuracy"] < accuracy for run in comparable)
    return Among(len(comparable), below, best.result["final"]["accuracy"], best.label)
