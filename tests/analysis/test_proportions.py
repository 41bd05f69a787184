"""Intervals and tests of proportions against SciPy's, exact values and their definitions."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from lenetlab.analysis.proportions import holm, mcnemar, wilson

counts = st.integers(0, 400)


@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_is_scipys(case):
    correct, n = case
    theirs = stats.binomtest(correct, n).proportion_ci(method="wilson")
    assert wilson(correct, n) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_the_ends_of_wilsons_interval_are_where_the_score_test_rejects():
    """At either end θ the score (p - θ) / √(θ(1-θ)/n) is ±1.96."""
    for theta, sign in zip(wilson(8919, 10_000), (1, -1), strict=True):
        score = (0.8919 - theta) / math.sqrt(theta * (1 - theta) / 10_000)
        assert score == pytest.approx(sign * 1.959963984540054)


@given(counts, counts)
def test_mcnemar_is_the_exact_binomial_test(b, c):
    theirs = stats.binomtest(b, b + c).pvalue if b + c else 1.0
    assert mcnemar(b, c) == pytest.approx(theirs, rel=1e-9)


@pytest.mark.parametrize(
    ("b", "c", "p"), [(0, 0, 1.0), (0, 1, 1.0), (0, 6, 2 / 64), (1, 5, 14 / 64), (3, 3, 1.0)]
)
def test_mcnemar_counted_by_hand(b, c, p):
    assert mcnemar(b, c) == pytest.approx(p, rel=1e-15)  # scipy's, to a bit of the last place


def test_mcnemar_at_the_size_of_the_test_set():
    assert mcnemar(5000, 5000) == 1.0
    assert mcnemar(0, 10_000) == 0.0  # 2^-9999 is below the smallest float
    assert 0 < mcnemar(100, 300) < 1e-20


def test_holm_on_an_example():
    """0.01·4, 0.02·3, max(0.03·2, 0.06), max(0.04·1, 0.06)."""
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_rejects_where_stepping_down_rejects(p):
    """The definition: reject from the smallest on while p_(i) ≤ 0.05 / (m - i)."""
    rejected, m = set(), len(p)
    for rank, i in enumerate(sorted(range(m), key=p.__getitem__)):
        if p[i] * (m - rank) > 0.05:
            break
        rejected.add(i)
    assert {i for i, adjusted in enumerate(holm(p)) if adjusted <= 0.05} == rejected
