r"""What if only k of the n trials could have been afforded?

All (n choose k) subsets of the trials are equally likely; x₍₁₎ ≤ … ≤ x₍ₙ₎ are their scores on the
held-out images. The best of k is x₍ᵢ₎ when x₍ᵢ₎ is drawn and the other k-1 come from below it:

    E[best of k] = Σᵢ x₍ᵢ₎ C(i-1, k-1) / C(n, k),      P[best of k ≤ x₍ᵢ₎] = C(i, k) / C(n, k)

Dodge et al. (Show Your Work, EMNLP 2019) draw with replacement, which is biased: even the
best of n is then below the best there was. Without replacement the mean is unbiased (Tang et al.,
Showing Your Work Doesn't Always Work, ACL 2020). Only held-out scores enter.

A failed trial counts as the worst: as `GUESSING`, what an untrained net is worth.
"""

from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np

from lenetlab.records.cells import Cell

GUESSING = 10.0  # percent right by guessing among ten classes


@dataclass(frozen=True)
class Best:
    """The best held-out accuracy of `k` trials, in percent: mean, quartiles and median over all
    ways to choose them; `passes` is what k trials cost on average, as far as it is known."""

    k: int
    mean: float
    low: float
    median: float
    high: float
    passes: float | None


def best_of_k(cell: Cell) -> list[Best]:
    """For k from 1 to the number of the cell's trials; empty for a cell without trials."""
    scores = np.sort([GUESSING if row.accuracy is None or not row.done else row.accuracy
                      for row in cell.trials])  # fmt: skip
    known = [row.passes for row in cell.trials if row.passes is not None]
    cost = fmean(known) if known else None
    found = []
    for k in range(1, len(scores) + 1):
        weight = chances(len(scores), k)
        quartile = np.minimum(np.searchsorted(np.cumsum(weight), [0.25 - 1e-9, 0.5 - 1e-9,
                              0.75 - 1e-9]), len(scores) - 1)  # fmt: skip
        low, median, high = (float(x) for x in scores[quartile])
        found.append(Best(k, float(weight @ scores), low, median, high, cost and k * cost))
    return found


def chances(n: int, k: int) -> "np.ndarray[Any, np.dtype[np.float64]]":
    """(n,): the chance that the best of k is the i-th lowest of n, C(i-1, k-1) / C(n, k); from
    the top down k/n, then each (i-k)/(i-1) times the one above it, so that nothing overflows."""
    i = np.arange(n, 1, -1)
    factors = np.concatenate([[k / n], np.maximum(i - k, 0) / (i - 1)])
    return np.cumprod(factors)[::-1]
