r"""The gradient noise scale: how many examples a batch needs before its noise no longer counts.

With g the gradient of the mean loss and Σ the covariance of single examples' gradients,

    B_simple = tr Σ / ‖g‖²

is the batch size at which noise and signal of a batch's gradient are equally large. Far below it
twice the batch does as much as two steps, far above it as much as one: to a given loss a batch of
B takes 1 + B_crit/B times the fewest steps and 1 + B/B_crit times the fewest examples, and B_simple
is the estimate of the critical batch size B_crit.

Both parts are estimated without bias from n examples, ‖ḡ‖² alone being too large by tr Σ / n:

    tr Σ ≈ (Σᵢ‖gᵢ‖² − n‖ḡ‖²) / (n − 1)        ‖g‖² ≈ ‖ḡ‖² − tr Σ / n

Source: McCandlish, Kaplan, Amodei and the OpenAI Dota Team, An Empirical Model of Large-Batch
Training, 2018, arXiv:1812.06162, section 2 (equation 2.9) and appendix A.1. The standard error is
the jackknife's over groups of examples (Efron and Tibshirani, 1993, chapter 11).
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from lenetlab.oracle.oracle import Batch, Oracle

GROUPS = 20


@dataclass(frozen=True)
class NoiseScale:
    """The noise of single examples' gradients at one point.

    variance : tr Σ. squared_norm : ‖g‖², which may come out negative where it is lost in noise.
    scale : B_simple, in examples; None where ‖g‖² cannot be told from 0.
    error : the standard error of `scale`; None where there is none.
    """

    variance: float
    squared_norm: float
    scale: float | None
    error: float | None

    def steps(self, batch_size: float) -> float | None:
        """How many times the fewest steps a batch of this size takes."""
        return None if self.scale is None else 1 + self.scale / batch_size

    def examples(self, batch_size: float) -> float | None:
        """How many times the fewest examples a batch of this size takes."""
        return None if self.scale is None else 1 + batch_size / self.scale


def noise_scale(oracle: Oracle, batch: Batch, w: Tensor, groups: int = GROUPS) -> NoiseScale:
    """The noise scale at `w` (n,), from the gradients of the examples in `batch`, three or more;
    its error from as many groups of them, fewer where there are fewer examples. Charged: 2.4
    gradients an example."""
    sums, squares, sizes = [], [], []
    for indices in torch.tensor_split(batch.indices, min(groups, len(batch))):
        group = Batch(indices)
        _, gradient = oracle.gradient(group, at=w)
        _, norms = oracle.per_example_norms(group, at=w)
        sums.append(gradient.double() * len(group))
        squares.append(float(norms.double().square().sum()))
        sizes.append(len(group))
    total, square, n = torch.stack(sums).sum(0), math.fsum(squares), sum(sizes)
    variance, squared_norm = _unbiased(float(total.dot(total)), square, n)
    rest = [total - one for one in sums]
    others = [
        _unbiased(float(one.dot(one)), square - q, n - size)
        for one, q, size in zip(rest, squares, sizes, strict=True)
    ]
    known = squared_norm > 0 and all(norm > 0 for _, norm in others)
    return NoiseScale(
        variance,
        squared_norm,
        variance / squared_norm if squared_norm > 0 else None,
        _jackknife([v / norm for v, norm in others]) if known else None,
    )


def _unbiased(squared_sum: float, squares: float, n: int) -> tuple[float, float]:
    """tr Σ and ‖g‖² from ‖Σ gᵢ‖², Σ ‖gᵢ‖² and their number."""
    variance = (squares - squared_sum / n) / (n - 1)
    return variance, squared_sum / n**2 - variance / n


def _jackknife(left_out: list[float]) -> float:
    """The standard error, from the estimates that leave out one group each."""
    m, mean = len(left_out), math.fsum(left_out) / len(left_out)
    return math.sqrt((m - 1) / m * math.fsum((x - mean) ** 2 for x in left_out))
