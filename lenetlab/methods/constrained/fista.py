r"""FISTA: ISTA from a point ahead, with the momentum that makes 1/k into 1/k².

Each step of `ista` starts not from the last iterate x but from y, a little farther along the way
it came. The sequence t_k of this inertia is Nesterov's; with it the excess of F + λ‖w‖₁ falls
below 2L‖x₀ − x*‖² / (k + 1)², where ISTA's bound is L‖x₀ − x*‖² / 2k.

    x⁺ = prox(y − η g(y)),   prox(u) = sign(u) (|u| − η λ)₊
    t⁺ = (1 + √(1 + 4t²)) / 2,   y = x⁺ + min((t − 1)/t⁺, μ) (x⁺ − x)        t₀ = 1

The weights that are trained are y, where gradients are asked; x is evaluated. The paper has μ = 1
(`momentum`), and the noise of mini-batches is then added up without end: here μ < 1 bounds it.
λ is `l1`, 0 by default as in `ista`, and the reported loss is the cross-entropy alone; then it is
Nesterov's method. With μ = 0 it is `ista`.

Source: Beck and Teboulle, A Fast Iterative Shrinkage-Thresholding Algorithm for Linear Inverse
Problems, SIAM J. Imaging Sci. 2(1), 2009, eqs. 4.1 to 4.3 and Theorem 4.4 (constant η ≤ 1/L).
Implementations differ in t: Chambolle and Dossal (2015) use (k − 1)/(k + a), O'Donoghue and Candès
(2015) restart it where the function rises.
Cost: one gradient a step; one vector of memory.
"""

import math

from torch import Tensor

from lenetlab.component import log_uniform, uniform
from lenetlab.methods.base import Base
from lenetlab.methods.registry import method
from lenetlab.methods.sparsity import soft_threshold
from lenetlab.oracle.oracle import Oracle
from lenetlab.settings import NOT_NEGATIVE, UNIT


@method(
    "fista",
    family="constrained",
    reference="Beck and Teboulle 2009, eqs. 4.1 to 4.3",
    defaults={"lr": 0.05, "l1": 0.0, "momentum": 0.9},
    space={
        "lr": log_uniform(0.04, 0.5), "l1": uniform(0.0, 1e-4), "momentum": uniform(0.5, 0.95),
    },
    cost="1 gradient a step; 1 vector",
    domains={"l1": NOT_NEGATIVE, "momentum": UNIT},
    norms="decay",
    scaled_by_rate=False,
    batch_scaling="sqrt",
)  # fmt: skip
class FISTA(Base):
    STATE = ("x", "t")

    def start(self, w: Tensor) -> None:
        self.x = w.clone()
        self.t = 1.0

    def step(self, oracle: Oracle) -> Tensor:
        loss = oracle()
        y, g, t = self.w, self.g, self.t
        eta, lam, mu = self.group["lr"], self.group["l1"], self.group["momentum"]

        x = soft_threshold(y.sub_(g, alpha=eta), eta * lam)
        self.t = (1 + math.sqrt(1 + 4 * t * t)) / 2
        y.copy_(x).add_(x - self.x, alpha=min((t - 1) / self.t, mu))
        self.x = x
        return loss

    def masked(self, w: Tensor, mask: Tensor) -> None:
        self.x.mul_(mask)

    def moved(self, by: Tensor) -> None:
        """x as well: its distance from y is momentum."""
        self.x.add_(by)

    def eval_weights(self, w: Tensor) -> Tensor:
        return self.x
