r"""Barzilai-Borwein: a rate from the last two points, as a secant would estimate the curvature.

The step that best explains the last change of the gradient as a multiple of the last move is a
one-number quasi-Newton method. It needs no search, does not decrease F in every step, and is
often far faster than steepest descent for all that.

    s = w − w⁻,   y = g − g⁻
    α = sᵀs / sᵀy  (long),   α = sᵀy / yᵀy  (short),   w ← w − α g

The first step uses η. Where sᵀy ≤ 0 there is no such secant, and α = ‖s‖/‖y‖, which lies between
the two wherever both exist: a last α that was tiny would stay so for as long as the curvature is
negative. A step is at most `longest` long, ‖α g‖ ≤ Δ: on a net a long α overshoots by far.

Source: Barzilai and Borwein, Two-Point Step Size Gradient Methods, IMA J. Numer. Anal. 8, 1988,
eq. 5 and 6; ‖s‖/‖y‖, their geometric mean: Dai, Al-Baali and Yang, A Positive Barzilai-Borwein-Like
Stepsize, 2015; the bound Δ: Burdakov, Dai and Huang, Stabilized Barzilai-Borwein Method, J. Comput.
Math. 37, 2019, arXiv:1907.06409. On a quadratic with one eigenvalue it ends in two steps. The
differences must come from one function, so its batch is the whole training set.
Cost: one gradient a step; two vectors. Ten passes are ten updates.
"""

import math

import torch
from torch import Tensor

from lenetlab.component import log_uniform
from lenetlab.errors import unknown
from lenetlab.methods.base import Base
from lenetlab.methods.registry import method
from lenetlab.oracle.oracle import Oracle
from lenetlab.settings import Domain

VARIANTS = ("long", "short")


@method(
    "barzilai_borwein",
    family="line_search",
    reference="Barzilai and Borwein 1988, eq. 5 and 6",
    defaults={"lr": 1.0, "variant": "short", "longest": 1.0},
    space={"lr": log_uniform(0.1, 10.0), "longest": log_uniform(0.1, 10.0)},
    cost="1 pass a step; 2 vectors",
    domains={"longest": Domain(1e-9)},
    batch_size=60_000,
    version=2,
    scaled_by_rate=False,
)
class BarzilaiBorwein(Base):
    STATE = ("w_before", "g_before", "alpha")

    def start(self, w: Tensor) -> None:
        if self.group["variant"] not in VARIANTS:
            raise unknown("variant of barzilai_borwein", self.group["variant"], VARIANTS)
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
            ss, sy, yy = float(s.dot(s)), float(s.dot(y)), float(y.dot(y))
            if sy > 0:
                self.alpha = ss / sy if h["variant"] == "long" else sy / yy
            elif yy > 0:
                self.alpha = math.sqrt(ss / yy)
        self.alpha = min(self.alpha, h["longest"] / max(float(g.norm()), 1e-30))
        self.w_before.copy_(w)
        self.g_before.copy_(g)
        w.sub_(g, alpha=self.alpha)
        return loss
