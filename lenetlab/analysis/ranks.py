r"""Ranks of several methods on several data sets: do they differ, and which of them?

On each of N data sets the k methods are ranked, 1 the best, equals sharing the mean of their
ranks; R_j is the mean rank of method j. Friedman's test asks whether all R_j are the same but for
luck,

    χ²_F = 12 N / (k (k + 1)) · (Σ_j R_j² − k (k + 1)² / 4).

Its χ² distribution, and F for Iman and Davenport's statistic, are for many data sets; here its
p-value is that of ranks shuffled within every data set, which holds for two as well. Nemenyi's test
compares all pairs: two methods differ if their mean ranks are further apart than the critical
difference

    CD = q_α √(k (k + 1) / (6 N)),

q_α being the quantile of the studentized range for k groups and infinitely many degrees of freedom,
divided by √2 (Demšar, Statistical Comparisons of Classifiers over Multiple Data Sets, JMLR 7, 2006,
section 3.2). The data sets are what is drawn by luck here, not the seeds. With few of
them hardly anything can differ: no two mean ranks are further apart than k − 1, and `fewest` says
how many data sets it takes until CD is no more than that.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from lenetlab.analysis.intervals import LEVEL

SHUFFLES = 9999


@dataclass(frozen=True)
class Friedman:
    """Whether methods differ at all: the statistic, and the chance that luck makes it as large."""

    chi2: float
    p: float


def ranks(scores: Sequence[Sequence[float]]) -> "np.ndarray[Any, np.dtype[np.float64]]":
    """Ranks (N, k) of `scores` (N, k), of which the highest is best; equals share the mean."""
    from scipy.stats import rankdata  # here, since it takes long and few results need it

    return np.asarray(rankdata(-np.asarray(scores, dtype=np.float64), axis=-1))


def friedman(ranked: "np.ndarray[Any, np.dtype[np.float64]]") -> Friedman:
    """Friedman's test of ranks (N, k), k > 1, by `SHUFFLES` of the methods in every data set."""
    n, k = ranked.shape
    rng = np.random.default_rng(0)
    sums = np.zeros((SHUFFLES, k))
    for row in ranked:
        sums += rng.permuted(np.broadcast_to(row, (SHUFFLES, k)), axis=1)
    found = _chi2(ranked.mean(axis=0), n)
    as_large = int((_chi2(sums / n, n) >= found - 1e-9).sum())
    return Friedman(float(found), (1 + as_large) / (1 + SHUFFLES))


def _chi2(means: Any, n: int) -> Any:
    """χ²_F of mean ranks (…, k)."""
    k = means.shape[-1]
    return 12 * n / (k * (k + 1)) * ((means**2).sum(axis=-1) - k * (k + 1) ** 2 / 4)


@cache
def nemenyi_quantile(k: int, level: float = LEVEL) -> float:
    """q_α for k methods: 1.960 for two of them at 95 %, 2.569 for four."""
    from scipy.stats import studentized_range

    return float(studentized_range.ppf(level, k, np.inf)) / math.sqrt(2)


def critical_difference(k: int, n: int, level: float = LEVEL) -> float:
    """CD of the mean ranks of `k` methods on `n` data sets."""
    return nemenyi_quantile(k, level) * math.sqrt(k * (k + 1) / (6 * n))


def fewest(k: int, level: float = LEVEL) -> int:
    """On how many data sets the best of `k` methods and the worst can differ at all."""
    return math.ceil(nemenyi_quantile(k, level) ** 2 * k * (k + 1) / 6 / (k - 1) ** 2)


def alike(means: Sequence[float], difference: float) -> list[tuple[int, int]]:
    """Groups that cannot be told apart: first and last place among `means`, which ascend, of every
    largest run of them within `difference`; methods alone are no group."""
    found: list[tuple[int, int]] = []
    for first in range(len(means)):
        last = max(i for i in range(first, len(means)) if means[i] - means[first] <= difference)
        if last > first and (not found or last > found[-1][1]):
            found.append((first, last))
    return found
