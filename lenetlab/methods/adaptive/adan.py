r"""Adan: Adam with Nesterov's look ahead, written through differences of gradients.

Nesterov's gradient at the point ahead is, to first order, the present one plus a part of how the
gradient has just changed; that change is averaged separately, so nothing has to be evaluated
elsewhere. The second moment is that of the corrected gradient.

    d = g − g⁻                                             0 in the first step
    m ← β₁ m + (1 − β₁) g                                  m̂ = m / (1 − β₁ᵗ)
    v ← β₂ v + (1 − β₂) d                                  v̂ = v / (1 − β₂ᵗ)
    n ← β₃ n + (1 − β₃) (g + β₂ d)²                        n̂ = n / (1 − β₃ᵗ)
    w ← (w − η (m̂ + β₂ v̂) / (√n̂ + ε)) / (1 + η λ)         step, with decoupled decay λ

Source: Xie et al., Adan: Adaptive Nesterov Momentum Algorithm, IEEE TPAMI 2024, arXiv:2208.06677,
Algorithm 1. The paper's β are 1 − β here, as in all code; it starts m and n at the first gradient
where the authors' code, followed here, corrects the bias. The decay is a proximal step, as in
both. With β₂ = 0 it is `adam`.
Cost: one gradient a step; four vectors of memory.
"""

import math

import torch
from torch import Tensor

from lenetlab.component import log_uniform, uniform
from lenetlab.methods.base import Base
from lenetlab.methods.registry import method
from lenetlab.oracle.oracle import Oracle
from lenetlab.settings import FRACTION


@method(
    "adan",
    family="adaptive",
    reference="Xie et al. 2024, arXiv:2208.06677, Alg. 1",
    decay="decoupled",
    defaults={
        "lr": 6e-3, "beta1": 0.98, "beta2": 0.92, "beta3": 0.99, "eps": 1e-8, "weight_decay": 0.0,
    },
    space={"lr": log_uniform(2e-3, 2e-2), "beta1": uniform(0.8, 0.99)},
    cost="1 gradient a step; 4 vectors",
    domains={"beta3": FRACTION},
    batch_scaling="sqrt",
)  # fmt: skip
class Adan(Base):
    STATE = ("t", "m", "v", "n", "g_before")

    def start(self, w: Tensor) -> None:
        self.t = 0
        self.m, self.v, self.n, self.g_before = (torch.zeros_like(w) for _ in range(4))

    def step(self, oracle: Oracle) -> Tensor:
        loss = oracle()
        w, g, m, v, n, h = self.w, self.g, self.m, self.v, self.n, self.group
        eta, beta1, beta2, beta3 = h["lr"], h["beta1"], h["beta2"], h["beta3"]
        self.t = t = self.t + 1

        d = torch.zeros_like(g) if t == 1 else g - self.g_before
        self.g_before.copy_(g)
        m.lerp_(g, 1 - beta1)
        v.lerp_(d, 1 - beta2)
        ahead = d.mul_(beta2).add_(g)
        n.mul_(beta3).addcmul_(ahead, ahead, value=1 - beta3)

        root = n.sqrt().div_(math.sqrt(1 - beta3**t)).add_(h["eps"])
        w.addcdiv_(m, root, value=-eta / (1 - beta1**t))
        w.addcdiv_(v, root, value=-eta * beta2 / (1 - beta2**t))
        if h["weight_decay"]:
            self.part(w).div_(1 + eta * h["weight_decay"])
        return loss
