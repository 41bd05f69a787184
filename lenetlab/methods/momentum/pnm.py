r"""PNM: a positive and a negative momentum, so that steps carry more noise and the same mean.

Two memories take turns with the gradients. A step adds one and subtracts a part of the other:
their means nearly agree, so that it points where momentum does, while their noises, which are
independent, add up. More noise at the same rate lets iterates leave sharp minima.

    m_t = β₁² m_{t−2} + (1 − β₁²) g_t                                       m = 0 before
    w ← (1 − η λ) w − η ((1 + β₀) m_t − β₀ m_{t−1}) / √((1 + β₀)² + β₀²)

The root keeps the noise of a step at that of a single memory, so the mean step is smaller: with
β₀ = 1 it is that of `heavy_ball` at the rate η (1 − μ) / √5. With β₁ = β₀ = 0 it is `sgd`; with
β₁ = 0 alone the gradient is extrapolated by its last change.

Source: Xie, Yuan, Zhu and Sugiyama, Positive-Negative Momentum: Manipulating Stochastic Gradient
Noise to Improve Generalization, ICML 2021, arXiv:2103.17182; decoupled decay as in the authors'
code, whose `betas` are (β₁, β₀). At rates as large as these a usual λ is that of an L2 penalty.
Cost: one gradient a step; two vectors of memory.
"""

import math

import torch
from torch import Tensor

from lenetlab.component import log_uniform, uniform
from lenetlab.methods.base import Base
from lenetlab.methods.registry import method
from lenetlab.oracle.oracle import Oracle
from lenetlab.settings import NOT_NEGATIVE


@method(
    "pnm",
    family="momentum",
    reference="Xie et al. 2021, arXiv:2103.17182",
    decay="decoupled",
    defaults={"lr": 0.5, "beta0": 1.0, "beta1": 0.9, "weight_decay": 0.0},
    space={"lr": log_uniform(0.1, 2.0), "beta0": uniform(0.0, 2.0), "beta1": uniform(0.7, 0.97),
           "weight_decay": log_uniform(1e-5, 1e-3)},
    cost="1 gradient a step; 2 vectors",
    domains={"beta0": NOT_NEGATIVE},
    batch_scaling="sqrt",
)  # fmt: skip
class PNM(Base):
    STATE = ("m", "m_before")

    def start(self, w: Tensor) -> None:
        self.m, self.m_before = torch.zeros_like(w), torch.zeros_like(w)

    def step(self, oracle: Oracle) -> Tensor:
        loss = oracle()
        w, h = self.w, self.group
        beta0, beta1 = h["beta0"], h["beta1"]
        self.m, self.m_before = self.m_before, self.m  # m_{t−2} is there, to become m_t
        self.m.lerp_(self.g, 1 - beta1**2)
        self.part(w).mul_(1 - h["lr"] * h["weight_decay"])
        eta = h["lr"] / math.hypot(1 + beta0, beta0)
        w.sub_(self.m, alpha=eta * (1 + beta0)).add_(self.m_before, alpha=eta * beta0)
        return loss
