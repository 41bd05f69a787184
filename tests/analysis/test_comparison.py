"""Comparisons against SciPy and Smyth's equations, and by how often they are wrong."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

from lenetlab.analysis.comparison import FEWEST, compare, in_common, moderate, side
from lenetlab.analysis.proportions import holm

Sample = dict[int, float]


def by_seed(values: Any) -> Sample:
    return {seed: float(value) for seed, value in enumerate(values)}


def study(rng: np.random.Generator, deviations: Any, n: int = 10, shift: Any = 0) -> list[Sample]:
    """Methods with these deviations over `n` seeds, and what a seed has in common for all."""
    noise = rng.normal(0, 1, (len(deviations), n)) * np.asarray(deviations)[:, None]
    values = 90 + noise + rng.normal(0, 0.3, n) + np.reshape(shift, (-1, 1))
    return [by_seed(row) for row in values]


@given(st.lists(st.tuples(st.floats(80, 95), st.floats(80, 95)), min_size=3, max_size=20))
def test_two_methods_have_scipys_paired_t_test(pairs):
    ours, theirs = zip(*pairs, strict=True)
    d = np.subtract(ours, theirs)
    if np.std(d) < 1e-6:
        return
    (found,) = compare(by_seed(theirs), [by_seed(ours)])
    expected = stats.ttest_rel(ours, theirs)
    interval = expected.confidence_interval(0.95)
    assert found.p == found.adjusted == pytest.approx(expected.pvalue, rel=1e-8)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high), rel=1e-8)
    assert (found.n, found.df) == (len(pairs), len(pairs) - 1)


def test_few_methods_have_the_paired_t_test_holms_correction_and_bonferronis_intervals():
    first, *others = study(np.random.default_rng(1), [0.2, 0.3, 0.1, 5], shift=[0, 0.3, 0.05, 0])
    found = compare(first, others)
    tests = [stats.ttest_rel(list(y.values()), list(first.values())) for y in others]
    assert [d.adjusted for d in found] == pytest.approx(holm([t.pvalue for t in tests]))
    for d, test in zip(found, tests, strict=True):
        interval = test.confidence_interval(1 - 0.05 / 3)
        assert (d.low, d.high) == pytest.approx((interval.low, interval.high))


def test_only_seeds_that_both_have_are_compared():
    first = by_seed([90, 91, 92, 93])
    found = compare(first, [{1: 91.5, 3: 93.1, 7: 10.0}, {0: 90.0}, {}, {0: 90.5, 1: 91.5}])
    assert (found[0].n, found[0].df, found[0].mean) == (2, 1, pytest.approx(0.3))
    assert found[1] is found[2] is None
    assert found[3] is None  # the same difference twice has no error to measure it by
    (same,) = compare(first, [first])
    assert (same.mean, same.p, same.low, same.high) == (0, 1, 0, 0)


def test_what_variances_have_in_common_solves_smyths_equations():
    rng = np.random.default_rng(2)
    df = np.array([9, 9, 9, 4, 9, 9, 9, 9, 7, 9])
    own = np.exp(rng.normal(-3, 1, 10)) * rng.chisquare(df) / df
    d0, common = in_common(own.tolist(), df.tolist())
    e = np.log(own) - special.digamma(df / 2) + np.log(df / 2)
    excess = np.var(e, ddof=1) - np.mean(special.polygamma(1, df / 2))
    assert 0 < d0 < 9
    assert special.polygamma(1, d0 / 2) == pytest.approx(excess)
    expected = np.mean(e) + special.digamma(d0 / 2) - math.log(d0 / 2)
    assert math.log(common) == pytest.approx(expected)


def test_what_was_put_into_many_variances_is_found_in_them():
    """1/σ² = χ²(d₀)/(d₀ s₀²), as the model says, with d₀ = 4 and s₀² = 0.04."""
    rng = np.random.default_rng(3)
    true = 4 * 0.04 / rng.chisquare(4, 20_000)
    own = true * rng.chisquare(9, 20_000) / 9
    d0, common = in_common(own.tolist(), [9] * 20_000)
    assert d0 == pytest.approx(4, rel=0.05)
    assert common == pytest.approx(0.04, rel=0.03)


def test_a_methods_own_seeds_count_at_least_half_and_no_variance_is_made_up():
    alike = [0.04, 0.041, 0.039, 0.04, 0.042, 0.038, 0.04]
    d0, common = in_common(alike, [9] * 7)
    assert d0 == math.inf
    expected = [((9 * common + 9 * s) / 18, 18) for s in alike]
    assert moderate(alike, [9] * 7) == [pytest.approx(pair) for pair in expected]
    assert moderate([*alike, 0.0], [9] * 8)[-1] == (0.0, 9.0)
    few = alike[: FEWEST - 1]
    assert moderate(few, [9] * len(few)) == [(s, 9.0) for s in few]


def test_a_noisy_method_keeps_its_own_variance():
    drawn = moderate([0.04] * 24 + [0.4], [9] * 25)
    assert drawn[-1] == (0.4, 9)
    assert drawn[0][1] > 9


def test_wild_methods_tell_nothing_of_what_the_others_have_in_common():
    """As the studies are: two dozen alike and three that break down. With those among them d₀ is
    near 1, and the others would keep their own variances."""
    rng = np.random.default_rng(6)
    alike = (0.05 * rng.chisquare(9, 23) / 9).tolist()
    wild = [32.0, 4.5, 31.0]
    assert in_common([*alike, *wild], [9] * 26)[0] < 2
    drawn = moderate([*alike, *wild], [9] * 26)
    assert drawn[:23] == [pytest.approx(pair) for pair in moderate(alike, [9] * 23)]
    assert sum(df == 18 for _, df in drawn[:23]) > 17  # a few by luck above 1.5 times the common
    assert drawn[23:] == [(s2, 9.0) for s2 in wild]


def test_rounding_is_no_spread():
    (found,) = compare(by_seed([0.1, 0.2, 0.7]), [by_seed([0.2, 0.3, 0.8])])
    assert found is None


EQUAL = [1.0] * 25
UNEQUAL = {
    "all alike": EQUAL,
    "one ten times as noisy": [*EQUAL[1:], 10.0],
    "a noisy leader": [3.0, *EQUAL[1:]],
    "half of them twice as noisy": [1.0] * 13 + [2.0] * 12,
    "as different as they are here": list(np.geomspace(0.1, 10, 25)),
    "seven, one of them noisy": [1.0] * 6 + [3.0],
    "three": [1.0, 1.0, 3.0],
}


@pytest.mark.parametrize("deviations", UNEQUAL.values(), ids=UNEQUAL)
@pytest.mark.parametrize("tried", [200, pytest.param(3000, marks=pytest.mark.long)])
def test_without_a_difference_one_study_in_twenty_finds_one(deviations, tried):
    """At most, within three standard errors of the simulation; with one variance pooled over all
    methods it is one in three where one is ten times as noisy. The intervals cover all together."""
    rng = np.random.default_rng(4)
    wrong, uncovered = 0, 0
    for _ in range(tried):
        first, *others = study(rng, deviations)
        found = compare(first, others)
        wrong += any(d.adjusted <= 0.05 for d in found)
        uncovered += any(not d.low <= 0 <= d.high for d in found)
    allowed = 0.05 + 3 * math.sqrt(0.05 * 0.95 / tried)
    assert wrong / tried <= allowed
    assert uncovered / tried <= allowed


def test_differences_are_found_and_more_of_them_than_one_by_one():
    """25 methods, one behind by 1.75 standard deviations: found more often than by the paired t
    tests alone, since the others tell something of its variance."""
    rng = np.random.default_rng(5)
    shift = [0.0, -1.75] + [0.0] * 23
    ours = without = 0
    for _ in range(300):
        first, *others = study(rng, EQUAL, shift=shift)
        ours += compare(first, others)[0].adjusted <= 0.05
        p = stats.ttest_rel([list(y.values()) for y in others],
                            [list(first.values())] * 24, axis=1).pvalue  # fmt: skip
        without += holm(p.tolist())[0] <= 0.05
    assert ours / 300 > 0.5
    assert ours > without + 20


@pytest.mark.parametrize(
    ("low", "high", "p", "said"),
    [(0.1, 0.5, 0.01, "above"), (-0.5, -0.1, 0.05, "below"), (-0.1, 0.5, 0.04, "borderline"),
     (0.0, 0.5, 0.04, "borderline"), (-0.1, 0.5, 0.06, "tied"), (0.1, 0.5, 0.06, "tied")],
)  # fmt: skip
def test_a_claim_needs_both_the_test_and_the_interval(low, high, p, said):
    assert side(low, high, p) == said
