r"""Nonlinear conjugate gradients: each direction keeps what the one before has achieved.

A multiple of the last direction is added to the new gradient, so that on a quadratic the
directions are conjugate and n steps suffice. Polak and Ribière's multiple turns to zero by itself
when a step made no progress, which restarts the method.

    β = max(0, gᵀ(g − g⁻) / g⁻ᵀg⁻),   p ← −g + β p,   w ← w + α p
    α by the strong Wolfe conditions; its first trial is the last α scaled by the slopes

Source: Polak and Ribière 1969; Nocedal and Wright, Numerical Optimization, 2006, Algorithm 5.4
with β of eq. 5.45 (PR+), first trial by section 3.5 (the change in f expected to be the last one);
Kochenderfer and Wheeler, Algorithms for Optimization, 2019, Algorithm 5.2. A direction that does
not descend is replaced by −g.
On a quadratic with an exact search it is the linear method. Batch: the whole training set.
Cost: one gradient a trial, mostly two a step, the first steps more; two vectors. Ten passes are
a handful of updates.
"""

import torch
from torch import Tensor

from lenetlab.component import log_uniform, uniform
from lenetlab.methods.base import Base
from lenetlab.methods.line_search.search import TRIES, strong_wolfe
from lenetlab.methods.registry import method
from lenetlab.oracle.oracle import Oracle
from lenetlab.settings import Domain


@method(
    "nonlinear_cg",
    family="line_search",
    reference="Polak and Ribière 1969; Nocedal and Wright 2006, Alg. 5.4 and eq. 5.45",
    defaults={"lr": 8.0, "c1": 1e-4, "c2": 0.4},
    space={"lr": log_uniform(0.5, 50.0), "c2": uniform(0.05, 0.4)},
    cost="2 or more passes a step; 2 vectors",
    domains={"c1": Domain(0, 1), "c2": Domain(0, 1)},
    batch_size=60_000,
    asks="more",
    version=3,
    scaled_by_rate=False,
)
class NonlinearCG(Base):
    STATE = ("p", "g_before", "alpha", "slope")

    def start(self, w: Tensor) -> None:
        self.p, self.g_before = torch.zeros_like(w), torch.zeros_like(w)
        self.alpha: float | None = None  # of the last step
        self.slope = 0.0  # φ'(0) of the last step

    def masked(self, w: Tensor, mask: Tensor) -> None:
        self.start(w)

    def step(self, oracle: Oracle) -> Tensor:
        loss = oracle()
        w, g, p, h = self.w, self.g, self.p, self.group
        batch = oracle.batch

        if self.alpha:
            square = max(float(self.g_before.dot(self.g_before)), 1e-30)  # zero at a minimum
            beta = float(g.dot(g - self.g_before)) / square
            p.mul_(max(beta, 0.0))
        else:
            p.zero_()
        p.sub_(g)
        slope = float(g.dot(p))
        if slope >= 0:
            torch.neg(g, out=p)
            slope = float(g.dot(p))
        self.g_before.copy_(g)

        # The point has the bits that the step will have, or it would be paid again there.
        def phi(alpha: float) -> tuple[float, float]:
            value, gradient = oracle.gradient(batch, at=torch.add(w, p, alpha=alpha))
            return float(value), float(gradient.dot(p))

        first = self.alpha * self.slope / slope if self.alpha and slope else h["lr"]
        tries = int(min(TRIES, max(1, oracle.left / len(batch))))  # as many as the budget has left
        self.alpha = strong_wolfe(phi, float(loss), slope, first, h["c1"], h["c2"], tries)
        self.slope = slope
        w.add_(p, alpha=self.alpha)
        return loss
