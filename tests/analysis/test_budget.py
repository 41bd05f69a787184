"""The best of k trials, against all subsets counted one by one; the record rule; curves."""

import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from statistics import fmean, median

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from lenetlab.analysis.budget import best_of_k, chances
from lenetlab.analysis.curves import curves
from lenetlab.analysis.record import RecordVerdict, records
from lenetlab.problem.scenarios import BOUND
from lenetlab.records.cells import FINAL, TRIAL, Cell
from lenetlab.records.contest import CellKey
from tests.studies import made_up, row


def record(values: Sequence[float], target: float, failed: int = 0) -> RecordVerdict:
    """The record rule for one method alone."""
    (found,) = records([(values, failed)], target)
    return found


def cell(scores: list[float | None]) -> Cell:
    made = [row(TRIAL, k, "sgd", 88, random.Random(0), failed=x is None)
            for k, x in enumerate(scores)]  # fmt: skip
    return Cell(
        CellKey("sgd", "basic", "plain"),
        tuple(replace(r, accuracy=x) for r, x in zip(made, scores, strict=True)),
    )


@settings(max_examples=30)
@given(st.lists(st.none() | st.sampled_from([80.0, 85.5, 88.0, 88.25, 90.0]),
                min_size=1, max_size=9))  # fmt: skip
def test_the_best_of_k_is_the_mean_over_all_subsets(scores):
    found = best_of_k(cell(scores))
    values = [10.0 if x is None else x for x in scores]
    assert [best.k for best in found] == list(range(1, len(scores) + 1))
    for best in found:
        bests = sorted(max(subset) for subset in combinations(values, best.k))
        assert best.mean == pytest.approx(fmean(bests))
        for share, value in ((0.25, best.low), (0.5, best.median), (0.75, best.high)):
            at = np.quantile(bests, share, method="inverted_cdf")
            assert value == at
    assert found[-1].mean == max(values)


def test_many_trials_do_not_overflow():
    weights = chances(5000, 2500)
    assert weights.sum() == pytest.approx(1)
    assert weights[-1] == 0.5
    assert chances(3, 3) == pytest.approx([0, 0, 1])


def test_a_budget_is_paid_for_failures_too():
    found = best_of_k(cell([90.0, None]))
    assert [best.passes for best in found] == pytest.approx([2.55, 5.1])
    assert best_of_k(Cell(CellKey("sgd", "basic", "plain"))) == []


def test_a_record_is_scipys_one_sided_t_test_on_ten_seeds():
    values = (90.9 + np.random.default_rng(0).normal(0, 0.15, 10)).tolist()
    found = record(values, 90.8)
    theirs = stats.ttest_1samp(values, 90.8, alternative="greater")
    assert found.p == pytest.approx(theirs.pvalue)
    assert found.bound == pytest.approx(theirs.confidence_interval(0.95).low)
    assert found.outcome == "beaten"
    assert theirs.pvalue < 0.025
    nearer = record(values, float(theirs.confidence_interval(0.96).low))
    assert nearer.p == pytest.approx(0.04)
    assert nearer.outcome == "borderline"  # significant, and its two-sided interval has the target
    assert record(values, found.bound).p == pytest.approx(0.05)


def test_no_record_without_ten_seeds_or_with_a_failure():
    assert not record([95.0] * 9, 90).beaten
    assert record([95.0] * 9, 90).reason == "9 seeds; a record needs 10"
    assert not record([95.0] * 10, 90, failed=1).beaten
    assert record([95.0] * 10, 90, failed=1).reason == "1 of 11 runs failed"
    assert record([95.0] * 10, 90).beaten
    assert not record([90.0] * 10, 90).beaten


def test_a_record_without_a_difference_is_claimed_one_time_in_twenty():
    draws = np.random.default_rng(1).normal(90, 0.2, (3000, 10))
    found = [record(values, 90).outcome for values in draws.tolist()]
    claimed = np.mean([outcome == "beaten" for outcome in found])
    significant = np.mean([outcome != "not beaten" for outcome in found])
    assert abs(claimed - 0.025) < 3 * (0.025 * 0.975 / 3000) ** 0.5
    assert abs(significant - 0.05) < 3 * (0.05 * 0.95 / 3000) ** 0.5


def test_of_many_methods_at_the_target_one_claims_a_record_one_time_in_twenty_at_most():
    """One by one it would be 27 methods at 2.5 % each, every second study."""
    rng = np.random.default_rng(2)
    wrong = alone = 0
    for _ in range(400):
        tried = [(values, 0) for values in rng.normal(90, 0.2, (27, 10)).tolist()]
        wrong += any(verdict.beaten for verdict in records(tried, 90))
        alone += any(record(values, 90).beaten for values, _ in tried)
    assert wrong / 400 <= 0.05 + 3 * (0.05 * 0.95 / 400) ** 0.5
    assert alone / 400 > 0.4


def test_records_are_corrected_over_those_that_try():
    rng = np.random.default_rng(3)
    good = (90.9 + rng.normal(0, 0.1, 10)).tolist()
    weak = (90.83 + rng.normal(0, 0.1, 10)).tolist()
    found = records([(good, 0), (weak, 0), (good[:9], 0), (good, 1)], 90.8)
    raw = [stats.ttest_1samp(v, 90.8, alternative="greater").pvalue for v in (good, weak)]
    assert [found[0].adjusted, found[1].adjusted] == pytest.approx(
        [2 * raw[0], max(2 * raw[0], raw[1])]
    )
    assert found[2].adjusted is found[3].adjusted is None
    assert f"p = {found[0].adjusted:.4f} one-sided, Holm’s over 2 methods" in found[0].reason


def test_a_curve_is_the_mean_of_the_seeds_that_are_done_in_its_band():
    made = made_up(("sgd",), ("plain",), seeds=10, trials=0).cells[0]
    broken = row(FINAL, 10, "sgd", 88, random.Random(0), failed=True)
    found = curves(replace(made, finals=(*made.finals, broken)), x="cpu_seconds")
    assert [point.at for point in found] == [
        evaluation["at"] for evaluation in made.finals[0].evaluations
    ]
    assert found[-1].y == pytest.approx(fmean(r.accuracy for r in made.finals))
    assert found[-1].x == pytest.approx(7)
    assert all(point.low < point.y < point.high and point.n == 10 for point in found)
    assert found == curves(made, x="cpu_seconds")
    assert median(p.y for p in curves(made, y="loss")) < 1


def test_a_curve_has_the_looks_that_all_seeds_have_and_that_count():
    made = made_up(("sgd",), ("sparse",), seeds=2, trials=0).cells[0]
    first, second = made.finals
    recipe = {**first.recipe, "constraint": ["magnitude", {}]}
    dense = [
        {**evaluation, "nonzeros": BOUND + (evaluation["at"] < 2)}
        for evaluation in first.evaluations
    ]
    short = replace(second, evaluations=second.evaluations[:-1])
    found = curves(replace(made, finals=(replace(first, recipe=recipe, evaluations=dense), short)))
    assert [point.at for point in found] == [2, 3, 4, 5, 6, 7, 8, 9]
    (single,) = [curves(replace(made, finals=(first,)))]
    assert {(point.low, point.high) for point in single} == {(None, None)}
    assert curves(replace(made, finals=())) == []
