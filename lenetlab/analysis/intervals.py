"""How far a mean, a median or a curve over seeds may be off.

mean    x̄ ± t_{1-α/2, n-1} s/√n (Student 1908): exact for normal values; for skewed ones it
        covers less than it says while n is small (exponential values, n = 10: 90 % for 95 %)
median  between two values of the sample, for any continuous distribution, at an exact level
curve   bootstrap of the seeds, which keeps a curve's own shape
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from statistics import fmean, median, stdev
from typing import Any

import numpy as np
from scipy import special

LEVEL = 0.95
DRAWS = 4000


@dataclass(frozen=True)
class Interval:
    """A confidence interval; `level` is the chance that such an interval covers what it is of."""

    low: float
    high: float
    level: float


@dataclass(frozen=True)
class Summary:
    """`n` values in short. What needs more values than there are is None."""

    n: int
    mean: float
    deviation: float | None
    interval: Interval | None
    median: float
    median_interval: Interval | None

    @property
    def half(self) -> float | None:
        """Half the width of the mean's interval."""
        return None if self.interval is None else (self.interval.high - self.interval.low) / 2


def summarise(values: Sequence[float], level: float = LEVEL) -> Summary | None:
    """Mean and median with their intervals; None for no values."""
    if not values:
        return None
    return Summary(
        n=len(values),
        mean=fmean(values),
        deviation=stdev(values) if len(values) > 1 else None,
        interval=mean_interval(values, level),
        median=median(values),
        median_interval=median_interval(values, level),
    )


def quantile_of_t(probability: float, df: float) -> float:
    """The quantile of Student's t distribution."""
    return float(special.stdtrit(df, probability))


def mean_interval(values: Sequence[float], level: float = LEVEL) -> Interval | None:
    """The t interval of the mean; None for fewer than two values."""
    n = len(values)
    if n < 2:
        return None
    half = quantile_of_t((1 + level) / 2, n - 1) * stdev(values) / math.sqrt(n)
    return Interval(fmean(values) - half, fmean(values) + half, level)


def median_interval(values: Sequence[float], level: float = LEVEL) -> Interval | None:
    """The shortest symmetric interval (x₍ₖ₎, x₍ₙ₊₁₋ₖ₎) whose level is at least `level`; None if
    even (x₍₁₎, x₍ₙ₎) has less, which for 95 % is so below six values.

    It misses the median when fewer than k values are on one side of it: with B binomial(n, 1/2)
    the level is 1 - 2 P[B < k], and that is the level returned (David and Nagaraja, Order
    Statistics, 3rd ed. 2003, section 7.1).
    """
    n, ordered = len(values), sorted(values)
    k, exact = _rank(n, level)
    return Interval(ordered[k - 1], ordered[n - k], exact) if k else None


@cache  # every method of a study has as many seeds
def _rank(n: int, level: float) -> tuple[int, float]:
    """The largest k at which the interval's level is at least `level`, 0 if none is; that level."""
    below, found = 0, (0, 0.0)
    for k in range(1, (n + 1) // 2 + 1):
        below += math.comb(n, k - 1)
        exact = 1 - below / 2 ** (n - 1)
        if exact < level:
            break
        found = (k, exact)
    return found


def bootstrap_band(
    curves: Sequence[Sequence[float]], level: float = LEVEL
) -> "tuple[np.ndarray[Any, np.dtype[np.float64]], np.ndarray[Any, np.dtype[np.float64]]] | None":
    """Pointwise band of the mean of `curves` (n seeds, points); None for fewer than two seeds.

    The seeds are drawn n times with replacement, `DRAWS` times over, and the band is between two
    percentiles of the means. A plain percentile interval is too narrow for few seeds, by √((n-1)/n)
    and by the normal quantile in place of t's; the expanded one takes its percentiles further out,
    at Φ(∓√(n/(n-1)) t_{1-α/2, n-1}) (Hesterberg, What Teachers Should Know About the Bootstrap,
    The American Statistician 69, 2015). Of normal values at 95 % it covers 95 % with ten seeds and
    92 % with five, where plain percentiles cover 90 and 84 %; with three it is no more than their
    range, which covers 76 %.
    """
    return _band(tuple(map(tuple, curves)), level) if len(curves) > 1 else None


@lru_cache(maxsize=4096)  # a report draws the same curves against several axes
def _band(
    curves: tuple[tuple[float, ...], ...], level: float
) -> "tuple[np.ndarray[Any, np.dtype[np.float64]], np.ndarray[Any, np.dtype[np.float64]]]":
    y = np.asarray(curves, dtype=np.float64)
    n = len(y)
    means = resamples(n) @ y / n
    tail = expanded_tail(n, level)
    low, high = np.quantile(means, [tail, 1 - tail], axis=0)
    return low, high


def expanded_tail(n: int, level: float = LEVEL) -> float:
    """The lower one of the two expanded percentiles of `bootstrap_band`, for `n` > 1 values."""
    return float(special.ndtr(-math.sqrt(n / (n - 1)) * quantile_of_t((1 + level) / 2, n - 1)))


@cache
def resamples(n: int, draws: int = DRAWS, seed: int = 0) -> "np.ndarray[Any, np.dtype[np.float64]]":
    """(draws, n): how often each of n values is drawn, kept for the next cell with n seeds."""
    return np.random.default_rng(seed).multinomial(n, [1 / n] * n, size=draws).astype(np.float64)
