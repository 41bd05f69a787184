"""Means and spreads over seeds; what failed is neither dropped nor a number."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lenetlab.analysis.tables import FIGURES, tabulate
from lenetlab.analysis.targets import STARTER, TARGETS, spent_to
from lenetlab.records.finished import Result
from lenetlab.records.run_folder import Run


def made(
    accuracy: float | None, seed: int = 0, evaluations: list[dict[str, Any]] | None = None
) -> Run:
    """A recorded run with the given figures."""
    figure = accuracy is not None
    evaluations = evaluations or []
    return Run(
        Path("nowhere"),
        {"seed": seed, "label": "x", "recipe": {"method": ["x", {}]},
         "numerics": {"engine": "torch", "device": "cpu"}},
        Result(
            status="done" if figure else "diverged",
            reason=None if figure else "loss is nan at step 3",
            accuracy=accuracy, loss=0.5, starter_average_loss=0.008,
            nonzeros=1, train_accuracy=95.0, train_loss=0.4,
            passes=2.0, epochs=2.0, steps=9, ledger_counts={},
        ),
        {"evaluations": evaluations, "trace": []},
        {"train_seconds": 3.0, "overhead_seconds": 1.0, "cpu_seconds": 4.0, "peak_memory_mb": 1.0,
         "threads": 1, "evaluation_seconds": [evaluation["t"] for evaluation in evaluations],
         "evaluation_cpu_seconds": [2 * evaluation["t"] for evaluation in evaluations]},
    )  # fmt: skip


def test_rows_keep_their_order_and_sum_up_their_seeds():
    rows = tabulate([("b", made(90.0)), ("a", made(80.0)), ("b", made(92.0, 1))])
    assert [row.label for row in rows] == ["b", "a"]
    accuracy = rows[0].figures["accuracy"]
    assert (accuracy.mean, accuracy.deviation, accuracy.n) == (91, pytest.approx(math.sqrt(2)), 2)
    assert rows[1].figures["accuracy"].deviation is None
    assert set(rows[0].figures) == set(FIGURES)
    assert rows[0].figures["train_seconds"].mean == 3


def test_a_loss_that_is_no_number_is_in_no_mean():
    huge = made(85.0, 1)
    huge = replace(huge, result=replace(huge.result, train_loss=None))
    (row,) = tabulate([("a", made(90.0)), ("a", huge)])
    assert (row.figures["train_loss"].n, row.figures["accuracy"].n) == (1, 2)
    (alone,) = tabulate([("a", huge)])
    assert set(alone.figures) == set(FIGURES) - {"train_loss"}


def test_a_failure_is_counted_with_its_reason_and_in_no_mean():
    (row,) = tabulate([("a", made(90.0)), ("a", made(None, 7))])
    assert row.figures["accuracy"].n == 1
    assert row.figures["accuracy"].mean == 90
    assert row.failures == ("seed 7: diverged, loss is nan at step 3",)
    (lost,) = tabulate([("a", made(None))])
    assert lost.figures == {}
    assert lost.as_json() == {
        "label": "a", "measured_on": "test", "figures": {},
        "failures": ["seed 0: diverged, loss is nan at step 3"],
    }  # fmt: skip


def test_the_first_look_at_a_target_counts():
    evaluations = [
        {"accuracy": accuracy, "passes": passes, "t": seconds}
        for accuracy, passes, seconds in [(50.0, 1, 2.0), (60.0, 2, 4.0), (59.0, 3, 6.0)]
    ]
    run = made(59.0, evaluations=evaluations)
    assert spent_to(run, 59.53, "seconds") == 4
    assert spent_to(run, 59.53, "passes") == 2
    assert spent_to(run, 60.0, "seconds") == 4
    assert spent_to(run, 60.1, "seconds") == math.inf
    assert spent_to(run, 60.1, "passes") == math.inf


def test_targets_are_the_published_ones():
    assert [target.accuracy for target in TARGETS] == [59.53, 61.5, 89.38, 90.24, 90.8]
    assert STARTER == 59.53
