"""Test accuracies that others reached, and how soon a run got there."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from lenetlab.problem.problems import DEFAULT
from lenetlab.records.recipe import RecordedRecipe
from lenetlab.records.run_folder import Run


@dataclass(frozen=True)
class Target:
    """A test accuracy in percent, and whose it is."""

    accuracy: float
    whose: str


TARGETS = (
    Target(59.53, "the starter script: SGD, rate 0.001, batch 64, 10 epochs, seed 42"),
    Target(61.5, "the course's"),
    Target(89.38, "the teacher's, picked on the test set"),
    Target(90.24, "the best student's known, picked on the test set"),
    Target(90.8, "a published larger LeNet-5 (61.7k parameters)"),
)
STARTER = TARGETS[0].accuracy
MAIN = TARGETS[2]  # what all good methods reach, and few at once


def targets_on(problem: str) -> Sequence[Target]:
    """What others reached on a problem; nothing is known of any but Fashion-MNIST."""
    return TARGETS if problem == DEFAULT else ()


class Measured(Protocol):
    """A training that was evaluated: a recorded run, or a row of a study's results."""

    @property
    def recorded(self) -> RecordedRecipe:
        """Its recipe."""
        ...

    @property
    def evaluations(self) -> Sequence[Mapping[str, Any]]:
        """In order, each with accuracy, nonzeros, passes, seconds and cpu_seconds."""
        ...


def counting(run: Measured) -> Iterator[Mapping[str, Any]]:
    """The evaluations that count: under a constraint, those within the bound. Only in rows
    of earlier versions, measured before the constraint was in force, some are not."""
    bound = run.recorded.max_nonzeros
    for evaluation in run.evaluations:
        if bound is None or evaluation["nonzeros"] <= bound:
            yield evaluation


def firsts(run: Measured, accuracies: Sequence[float]) -> list[Mapping[str, Any] | None]:
    """The first evaluation with at least each of `accuracies` percent, None where there is none; in
    one walk through the evaluations."""
    found: list[Mapping[str, Any] | None] = [None] * len(accuracies)
    highest = -math.inf
    for evaluation in counting(run):
        if evaluation["accuracy"] > highest:
            highest = evaluation["accuracy"]
            for i, accuracy in enumerate(accuracies):
                if found[i] is None and highest >= accuracy:
                    found[i] = evaluation
            if None not in found:
                break
    return found


def spent_to(run: Measured, accuracy: float, unit: str) -> float:
    """What was spent until `accuracy` percent, in `unit`: passes, seconds or cpu_seconds of
    training; infinite if it was never reached."""
    (evaluation,) = firsts(run, [accuracy])
    return math.inf if evaluation is None else float(evaluation[unit])


@dataclass(frozen=True)
class Among:
    """Where an accuracy stands among recorded runs; `best` is None where there are none."""

    runs: int
    below: int
    best: float | None
    best_label: str | None


def place_among(accuracy: float, scenario: str, runs: Sequence[Run]) -> Among:
    """Compare with the finished runs of `scenario` measured on the test set of Fashion-MNIST."""
    comparable = [
        (run.result.accuracy, run.label)
        for run in runs
        if run.result.accuracy is not None
        and run.recorded.scenario == scenario
        and run.recorded.problem == DEFAULT
        and not run.held_out
    ]
    if not comparable:
        return Among(0, 0, None, None)
    best, label = max(comparable, key=lambda one: one[0])
    below = sum(one < accuracy for one, _ in comparable)
    return Among(len(comparable), below, best, label)
