"""Conjugate gradients for (C + λI) x = b, where C is known by its products alone."""

from typing import NamedTuple

import torch
from torch import Tensor

from lenetlab.oracle.second_order import Operator

PATIENCE = 10  # Martens 2010, section 4.4: progress is judged over max(PATIENCE, i/10) iterations


class Solution(NamedTuple):
    """x, and what C makes of it, so that nobody pays for another product."""

    x: Tensor
    cx: Tensor


def conjugate_gradients(
    c: Operator,
    b: Tensor,
    damping: float,
    iterations: int,
    *,
    start: Tensor | None = None,
    preconditioner: Tensor | None = None,
    residual: float = 0.0,
    progress: float = 0.0,
) -> Solution:
    """x from `start` (zero if None) on, after at most `iterations` products beyond its own.

    Nocedal and Wright 2006, Algorithm 5.3; `preconditioner` is the diagonal of M. Ends where
    ‖r‖ ≤ `residual` ‖b‖; where φ(x) = ½ xᵀ(C + λI)x − bᵀx gains less than `progress` of itself an
    iteration; and before a direction whose curvature is not positive, which is taken only if
    there is nothing else to return.
    """
    x = torch.zeros_like(b) if start is None else start.clone()
    cx = torch.zeros_like(b) if start is None else c @ x
    r = b - cx - damping * x
    y = r if preconditioner is None else r / preconditioner
    d, ry = y.clone(), float(r.dot(y))
    enough = residual * float(b.norm())
    values = [_model(x, r, b)]
    for i in range(1, iterations + 1):
        if ry == 0.0 or float(r.norm()) <= enough:  # r·y may be too small a number for r's dtype
            break
        cd = c @ d
        damped = cd + damping * d
        curvature = float(d.dot(damped))
        if not curvature > 0:
            if i == 1 and start is None:
                x, cx = d, cd
            break
        alpha = ry / curvature
        x.add_(d, alpha=alpha)
        cx.add_(cd, alpha=alpha)
        r = r - alpha * damped
        y = r if preconditioner is None else r / preconditioner
        before, ry = ry, float(r.dot(y))
        d.mul_(ry / before).add_(y)
        values.append(_model(x, r, b))
        k = max(PATIENCE, i // 10)
        if progress and i > k and 0 > values[-1] > values[-1 - k] + k * progress * values[-1]:
            break
    return Solution(x, cx)


def _model(x: Tensor, r: Tensor, b: Tensor) -> float:
    """φ(x), from the residual."""
    return -0.5 * float(x.dot(r + b))
