r"""Barzilai-Borwein: a rate from the last two points, as a secant would estimate the curvature.

The step that best explains the last change of the gradient as a multiple of the last move is a
one-number quasi-Newton method. It needs no search, does not decrease F in every step, and is
often far faster than steepest descent for all that.

    s = w − w⁻,   y = g − g⁻
    α = sᵀs / sᵀy  (long),   α = sᵀy / yᵀy  (short),   w ← w − α g

The first step uses η. Where sᵀy ≤ 0 (no curvature, or negative) the last α is used again; α is at
most `largest`.

Source: Barzilai and Borwein, Two-Point Step Size Gradient Methods, IMA J. Numer. Anal. 8, 1988,
eq. 5 and 6. On a quadratic with one eigenvalue it ends in two steps. The differences
must come from one function, so its batch is the whole training set.
Cost: one gradient a step; two vectors. Ten passes are ten updates.
"""

import torch
from torch import Tensor

from lenetlab.methods.base import Base
from lenetlab.methods.registry import log_uniform, method
from lenetlab.oracle.oracle import Oracle
from lenetlab.settings import Domain


@method(
    "barzilai_borwein",
    family="line_search",
    reference="Barzilai and Borwein 1988, eq. 5 and 6",
    defaults={"lr": 0.1, "variant": "short", "largest": 10.0},
    space={"lr": log_uniform(0.01, 1.0), "largest": log_uniform(1.0, 100.0)},
    cost="1 pass a step; 2 vectors",
    domains={"largest": Domain(1e-6)},
    batch_size=60_000,
)
class BarzilaiBorwein(Base):
    STATE = ("w_before", "g_before", "alpha")

    def start(self, w: Tensor) -> None:
        self.w_before, self.g_before = torch.zeros_like(w), torch.zeros_like(w)
        self.alpha: float | None = None

    def masked(self, w: Tensor, mask: Tensor) -> None:
        self.start(w)

    def step(self, oracle: Oracle) -> Tensor:
        loss = oracle()
        w, g, h = self.w, self.g, self.group
        if not self.alpha:  # the first step, and those of a warm-up's rate zero
            self.alpha = h["lr"]
        else:
            s, y = w - self.w_before, g - self.g_before
            sy = float(s.dot(y))
            if sy > 0:
                long = h["variant"] == "long"
                alpha = float(s.dot(s)) / sy if long else sy / float(y.dot(y))
                self.alpha = min(alpha, h["largest"])
        self.w_before.copy_(w)
        self.g_before.copy_(g)
        w.sub_(g, alpha=self.alpha)
        return loss
