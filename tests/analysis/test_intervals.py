"""Intervals against textbook values and SciPy, and by how often they cover."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from lenetlab.analysis.intervals import (
    bootstrap_band,
    mean_interval,
    median_interval,
    summarise,
)

# Student's own example: hours of sleep gained with the second drug, ten patients.
SLEEP = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
samples = st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=30)


def within(share: float, level: float, tried: int) -> bool:
    """Whether `share` of `tried` simulations is `level` within three standard errors."""
    return abs(share - level) < 3 * math.sqrt(level * (1 - level) / tried)


@given(samples)
def test_the_interval_of_a_mean_is_scipys(values):
    found = mean_interval(values)
    error = stats.sem(values)
    if error > 1e-9:
        low, high = stats.t.interval(0.95, len(values) - 1, np.mean(values), error)
        assert (found.low, found.high) == pytest.approx((low, high), rel=1e-9, abs=1e-9)


def test_students_own_interval():
    """Mean 2.33, s 2.002249, t(0.975, 9) = 2.262157: 2.33 ± 1.432322."""
    found = mean_interval(SLEEP)
    assert found.low == pytest.approx(2.33 - 1.432322, abs=1e-5)
    assert found.high == pytest.approx(2.33 + 1.432322, abs=1e-5)


@pytest.mark.parametrize(
    ("n", "k", "level"), [(6, 1, 0.96875), (10, 2, 1002 / 1024), (20, 6, 0.95861053)]
)
def test_the_order_statistics_of_a_median_are_the_tabulated_ones(n, k, level):
    """As in Conover's and Gibbons' tables of the sign test: k = 1, 2, 6 for n = 6, 10, 20."""
    found = median_interval([float(x) for x in range(1, n + 1)])
    assert (found.low, found.high) == (k, n + 1 - k)
    assert found.level == pytest.approx(level, abs=1e-8)


@given(st.integers(6, 60))
def test_a_medians_interval_is_the_shortest_with_its_level(n):
    found = median_interval([float(x) for x in range(n)])
    k = int(found.low) + 1
    exact = stats.binom.cdf(n - k, n, 0.5) - stats.binom.cdf(k - 1, n, 0.5)
    shorter = stats.binom.cdf(n - k - 1, n, 0.5) - stats.binom.cdf(k, n, 0.5)
    assert found.level == pytest.approx(exact, abs=1e-12)
    assert shorter < 0.95 <= found.level


def test_too_few_values_have_no_interval():
    assert mean_interval([90.0]) is None
    assert median_interval([1.0, 2.0, 3.0, 4.0, 5.0]) is None
    assert bootstrap_band([[1.0, 2.0]]) is None
    assert summarise([]) is None
    one = summarise([90.0])
    assert (one.n, one.mean, one.median, one.deviation, one.interval) == (1, 90, 90, None, None)


def test_the_mean_of_normal_values_is_covered_as_often_as_it_says():
    draws = np.random.default_rng(1).normal(90, 0.2, (2000, 10))
    found = [mean_interval(row) for row in draws.tolist()]
    assert within(np.mean([i.low <= 90 <= i.high for i in found]), 0.95, 2000)


def test_of_skewed_values_the_mean_is_covered_less_often_as_the_page_says():
    """Exponential values, ten of them: 90 %, not 95 % (and the median exactly)."""
    draws = np.random.default_rng(2).exponential(1, (2000, 10))
    means = [mean_interval(row) for row in draws.tolist()]
    assert within(np.mean([i.low <= 1 <= i.high for i in means]), 0.90, 2000)
    medians = [median_interval(row) for row in draws.tolist()]
    covered = np.mean([i.low <= math.log(2) <= i.high for i in medians])
    assert within(covered, 1002 / 1024, 2000)


@pytest.mark.parametrize(("n", "plain", "expanded"), [(5, 0.84, 0.92), (10, 0.90, 0.946)])
def test_a_band_covers_the_mean_curve_at_each_point_as_often_as_its_page_says(n, plain, expanded):
    """8 points that are drawn apart from each other, 600 times: three standard errors are 0.01."""
    rng = np.random.default_rng(3)
    truth = np.arange(8.0)
    covered, without = [], []
    for _ in range(600):
        curves = truth + rng.normal(0, 1, (n, 8)) * 10.0 ** rng.uniform(-1, 1, 8)
        low, high = bootstrap_band(curves)
        covered += list((low <= truth) & (high >= truth))
        means = curves[rng.integers(0, n, (500, n))].mean(1)
        low, high = np.quantile(means, [0.025, 0.975], axis=0)
        without += list((low <= truth) & (high >= truth))
    assert abs(np.mean(covered) - expanded) < 0.012
    assert abs(np.mean(without) - plain) < 0.016


def test_the_same_curves_have_the_same_band():
    curves = np.random.default_rng(4).normal(90, 0.2, (10, 13))
    first, second = bootstrap_band(curves), bootstrap_band(curves)
    assert np.array_equal(first[0], second[0])
    assert np.array_equal(first[1], second[1])
    assert np.all(first[0] < curves.mean(0))
    assert np.all(first[1] > curves.mean(0))
