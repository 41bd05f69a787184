"""The verdict on a challenger, against scipy's own tests on the same numbers."""

from dataclasses import replace

import pytest
from scipy import stats

from lenetlab.analysis.challenge import challenge
from lenetlab.records.rows import Cell
from tests.studies import made_up

CELLS = {cell.place.method: cell for cell in made_up(scenarios=["plain"]).cells}
NEW, LEADER = CELLS["muon"], CELLS["sgd"]


def _accuracies(cell: Cell) -> list[float]:
    return [float(row.accuracy) for row in cell.finals if row.accuracy is not None]


def test_the_same_numerics_are_compared_in_pairs() -> None:
    found = challenge(NEW, LEADER, list(CELLS.values()))
    test = stats.ttest_rel(_accuracies(NEW), _accuracies(LEADER))
    assert found.accuracy is not None
    assert found.paired
    assert found.accuracy.p == pytest.approx(test.pvalue)
    low, high = test.confidence_interval(0.95)
    assert (found.accuracy.low, found.accuracy.high) == pytest.approx((low, high))
    assert found.verdict == "better"
    assert challenge(LEADER, NEW, []).verdict == "worse"


def test_other_numerics_are_compared_by_welch() -> None:
    elsewhere = [replace(row, numerics={**row.numerics, "capability": "AVX2"})
                 for row in LEADER.finals]  # fmt: skip
    found = challenge(NEW, replace(LEADER, finals=tuple(elsewhere)), [])
    test = stats.ttest_ind(_accuracies(NEW), _accuracies(LEADER), equal_var=False)
    assert not found.paired
    assert found.accuracy is not None
    assert found.accuracy.p == pytest.approx(test.pvalue)


def test_failed_finals_are_said_and_nothing_is_tested() -> None:
    failing = made_up(scenarios=["plain"], failing=["muon"]).cells[-1]
    found = challenge(failing, LEADER, [])
    assert found.verdict == "not tested"
    assert len(found.failures) == 10
    assert not any(record.beaten for record in found.records)
