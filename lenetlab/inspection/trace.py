"""The Hessian's trace by Hutchinson's estimate: the mean of vᵀHv over random signs v.

It is unbiased, and its variance 2 Σ_{i≠j} H_ij² is the least of all vectors with independent
entries. Source: Hutchinson, A Stochastic Estimator of the Trace of the Influence Matrix for
Laplacian Smoothing Splines, Communications in Statistics 18(3), 1989.
"""

import math
from dataclasses import dataclass
from statistics import fmean, stdev

import torch
from torch import Tensor

from lenetlab.oracle.oracle import Batch, Oracle

SAMPLES = 30


@dataclass(frozen=True)
class Trace:
    """The estimate, and its standard error from the spread of the samples."""

    mean: float
    error: float
    samples: int


def hessian_trace(
    oracle: Oracle, batch: Batch, w: Tensor, rng: torch.Generator, samples: int = SAMPLES
) -> Trace:
    """tr H on `batch` at `w` from `samples` products, 2 or more. Charged: a Hessian product an
    example and sample."""
    hessian = oracle.hessian(batch, at=w)
    found = []
    for _ in range(samples):
        v = torch.randint(0, 2, w.shape, generator=rng).to(w).mul_(2).sub_(1)
        found.append(float((hessian @ v).double().dot(v.double())))
    return Trace(fmean(found), stdev(found) / math.sqrt(samples), samples)
