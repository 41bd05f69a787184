r"""Many methods against one, seed by seed: which differences are more than luck?

Two runs of the same seed begin at the same weights and see the data in the same order, so they are
compared in pairs. For method j, with the differences d_js to the reference at the n_j seeds that
both have, their mean d̄_j, variance s²_j and ν_j = n_j - 1,

    t_j = d̄_j / √(s̃²_j / n_j),      s̃²_j = (d₀ s₀² + ν_j s²_j) / (d₀ + ν_j),

which without a true difference has Student's t distribution with d₀ + ν_j degrees of freedom
(the moderated t of Smyth, Linear models and empirical Bayes methods for assessing differential
expression in microarray experiments, Stat. Appl. Genet. Mol. Biol. 3, 2004, sections 3 and 6.2).
s₀² is the variance that the methods have in common and d₀ how many degrees of freedom that is
worth; both come from the spread of log s²_j over the methods that have no more than `WILD` times
the median variance. A few wild ones, which break down with some seeds, tell nothing of the others;
with them d₀ was near 1 in this lab's studies and drew nothing together.

One variance for all (the two-way layout, Dunnett's test with blocks) would be wrong here. Over
seeds, methods of this lab have standard deviations from 0.1 to 12 points, those at the top from
0.15 to 0.6, and with one of 25 methods ten times as noisy as the others such a test finds a
difference where there is none in a third of all studies, not in a twentieth.

Three rules are fixed beforehand. d₀ is never more than ν_j: a method's own seeds count at least as
much as all others together (every difference shares the reference's own noise, so the variances
agree more than they are known). A method with s²_j more than `NOISY` times s₀² is not drawn
towards the others, d₀ = 0: their seeds tell nothing of it. And for fewer than `FEWEST`
methods, too few to tell what they have in common, d₀ = 0 for all: the paired t test.

Without any difference, so tested, at most 5 % of studies find one, whatever the deviations that
were tried (tests/analysis/test_comparison.py); a difference of 1.75 standard deviations among 25
methods of equal noise and ten seeds is found in 59 % of studies, by paired t tests in 42 %.

Pairs are worth their price only where a seed has something in common for all methods: they halve
the degrees of freedom, and take the correlation out of the variance. What was measured here and
what it buys is in docs/protocol.md, by docs/generator/protocol/pairs.py.

The p-values are corrected by Holm's step-down rule (1979), which holds for tests that depend on
each other, as these do through the reference. The intervals are Bonferroni's, all true together
with at least the level named, so Holm may call a difference real whose interval just touches 0.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median, variance
from typing import Literal

import numpy as np
from scipy import optimize, special

from lenetlab.analysis.intervals import LEVEL, quantile_of_t
from lenetlab.analysis.proportions import holm

FEWEST = 6
WILD = 4.0
NOISY = 1.5
ROUNDING = 1e-9  # far below an image in 10,000, and the digits that losses are kept with
BySeed = Mapping[int, float]
Side = Literal["above", "tied", "borderline", "below"]


@dataclass(frozen=True)
class Difference:
    """A method's values minus the reference's at the same `n` seeds.

    low, high : interval of the mean; all of a comparison's together cover at its level.
    p, adjusted : of a difference as large by luck alone; and after Holm's correction.
    df : degrees of freedom of the test.
    """

    mean: float
    low: float
    high: float
    p: float
    adjusted: float
    n: int
    df: float


def side(low: float, high: float, p: float, level: float = LEVEL) -> Side:
    """Where a difference stands to 0 by its corrected test and its interval together: `borderline`
    where the test finds one and the interval has 0 in it."""
    if p > 1 - level:
        return "tied"
    if low <= 0 <= high:
        return "borderline"
    return "above" if low > 0 else "below"


def compare(
    reference: BySeed, others: Sequence[BySeed], level: float = LEVEL
) -> list[Difference | None]:
    """Each of `others` against `reference`, by seed; None where there is nothing to test: fewer
    than two seeds in common, or differences that are all the same and not 0."""
    pairs = [[y[seed] - reference[seed] for seed in sorted(set(y) & set(reference))]
             for y in others]  # fmt: skip
    tested = [j for j, d in enumerate(pairs) if len(d) > 1 and _can_be_tested(d)]
    own = [variance(pairs[j]) for j in tested]
    errors = moderate(own, [len(pairs[j]) - 1 for j in tested])
    p = [_p_value(pairs[j], *error) for j, error in zip(tested, errors, strict=True)]
    found: list[Difference | None] = [None] * len(others)
    for j, (squared, df), raw, adjusted in zip(tested, errors, p, holm(p), strict=True):
        d = pairs[j]
        outer = 1 - (1 - level) / (2 * len(tested))
        half = quantile_of_t(outer, df) * math.sqrt(squared / len(d))
        mean = fmean(d)
        found[j] = Difference(mean, mean - half, mean + half, raw, adjusted, len(d), df)
    return found


def _can_be_tested(d: Sequence[float]) -> bool:
    """Differences without any spread say nothing of their error, unless they are all 0."""
    return max(d) - min(d) > ROUNDING or not any(d)


def _p_value(d: Sequence[float], squared: float, df: float) -> float:
    if not any(d):
        return 1.0
    t = fmean(d) / math.sqrt(squared / len(d))
    return float(2 * special.stdtr(df, -abs(t)))


def moderate(own: Sequence[float], df: Sequence[int]) -> list[tuple[float, float]]:
    """Variances `own` with `df` degrees of freedom each, drawn towards what they have in common;
    with the degrees of freedom that they then have."""
    known = [(s2, nu) for s2, nu in zip(own, df, strict=True) if s2 > 0]
    bound = WILD * median(s2 for s2, _ in known) if known else 0.0
    calm = [(s2, nu) for s2, nu in known if s2 <= bound]
    if len(calm) < FEWEST:
        return [(s2, float(nu)) for s2, nu in zip(own, df, strict=True)]
    d0, common = in_common(*zip(*calm, strict=True))
    drawn = []
    for s2, nu in zip(own, df, strict=True):
        weight = min(d0, nu) if 0 < s2 <= NOISY * common else 0.0
        drawn.append(((weight * common + nu * s2) / (weight + nu), weight + nu))
    return drawn


def in_common(own: Sequence[float], df: Sequence[int]) -> tuple[float, float]:
    """d₀ (possibly infinite) and s₀², by the moments of log s²: with e_j = log s²_j - ψ(ν_j/2) +
    log(ν_j/2), solve  ψ'(d₀/2) = var(e) - mean ψ'(ν_j/2),  log s₀² = ē + ψ(d₀/2) - log(d₀/2)
    (Smyth 2004, section 6.2)."""
    half = np.asarray(df) / 2
    e = np.log(own) - special.digamma(half) + np.log(half)
    excess = float(np.var(e, ddof=1) - np.mean(special.polygamma(1, half)))
    if excess <= 1e-6:
        return math.inf, math.exp(np.mean(e))
    # 1/x < ψ'(x) < 1/x + 1/x², so that the root lies between these two
    low, high = 1 / excess, 1 / excess + 1 / math.sqrt(excess)
    x = optimize.brentq(lambda x: float(special.polygamma(1, x)) - excess, low, high)
    return 2 * x, math.exp(np.mean(e) + float(special.digamma(x)) - math.log(x))
