"""How sure a test accuracy is, and whether two nets differ on the same images."""

import math
from collections.abc import Sequence
from statistics import NormalDist

from scipy.special import bdtr


def wilson(correct: int, n: int) -> tuple[float, float]:
    """95 % confidence interval of a proportion (Wilson 1927): unlike p ± z·√(p(1-p)/n) it stays in
    [0, 1] and keeps its level near the ends.

        ( p + z²/2n ± z √( p(1-p)/n + z²/4n² ) ) / ( 1 + z²/n )
    """
    z = NormalDist().inv_cdf(0.975)
    p = correct / n
    middle = p + z * z / (2 * n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    return max((middle - half) / scale, 0.0), min((middle + half) / scale, 1.0)


def mcnemar(b: int, c: int) -> float:
    """Two-sided exact p-value of McNemar's test (1947).

    `b` images were right under one net alone, `c` under the other alone. If neither is better,
    b is binomial(b + c, 1/2): p = min(1, 2 P[X ≤ min(b, c)]).
    """
    return min(1.0, 2 * float(bdtr(min(b, c), b + c, 0.5)))


def holm(p: Sequence[float]) -> list[float]:
    """Holm's (1979) adjusted p-values, in the order given: the chance of any false difference
    among all the tests together stays below the level."""
    adjusted = [0.0] * len(p)
    largest = 0.0
    for rank, i in enumerate(sorted(range(len(p)), key=p.__getitem__)):
        largest = max(largest, min(1.0, (len(p) - rank) * p[i]))
        adjusted[i] = largest
    return adjusted
