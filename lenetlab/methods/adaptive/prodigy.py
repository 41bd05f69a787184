r"""Prodigy: Adam that finds its own rate, an estimate of how far the minimum is.

Adam's rate should be proportional to the distance D = ‖w₀ − w*‖ that is to be travelled. For a
convex function every gradient seen so far gives a lower bound of D, and d is the largest bound yet;
it starts tiny, grows within some dozens of steps and never falls. η = 1 is to be left alone, or
to be moved by a schedule.

    m ← β₁ m + (1 − β₁) d g,      v ← β₂ v + (1 − β₂) d² g²
    r ← √β₂ r + η d² gᵀ(w₀ − w),  s ← √β₂ s + η d² g
    w ← (1 − η d λ) w − η d m / (√v + d⁺ ε),      d⁺ = max(d, c r / ‖s‖₁)

Source: Mishchenko and Defazio, Prodigy: An Expeditiously Adaptive Parameter-Free Learner, ICML
2024, arXiv:2306.06101, Algorithm 4. The factor 1 − √β₂ of r and s cancels in their ratio and is
left out; as in the authors' code both are kept in units of d₀, and d⁺ stands in the denominator.
There is no bias correction. The c of their code, `d_coef`, is 1 there and in the paper. While d
stays what it is, this is `adam` without bias correction at rate η d.
Cost: one gradient a step; four vectors of memory.
"""

import math

import torch
from torch import Tensor

from lenetlab.component import log_uniform
from lenetlab.methods.base import Base
from lenetlab.methods.registry import method
from lenetlab.oracle.oracle import Oracle
from lenetlab.settings import Domain


@method(
    "prodigy",
    family="adaptive",
    reference="Mishchenko and Defazio 2024, arXiv:2306.06101, Alg. 4",
    decay="decoupled",
    defaults={
        "lr": 1.0, "beta1": 0.9, "beta2": 0.999, "d0": 1e-6, "d_coef": 0.2, "eps": 1e-8,
        "weight_decay": 0.0,
    },
    space={"d_coef": log_uniform(0.03, 3.0)},
    cost="1 gradient a step; 4 vectors",
    domains={"d0": Domain(1e-12), "d_coef": Domain(1e-6)},
)  # fmt: skip
class Prodigy(Base):
    STATE = ("w0", "m", "v", "s", "r", "d")

    def start(self, w: Tensor) -> None:
        self.w0 = w.clone()
        self.m, self.v, self.s = (torch.zeros_like(w) for _ in range(3))
        self.r, self.d = 0.0, float(self.group["d0"])

    def step(self, oracle: Oracle) -> Tensor:
        loss = oracle()
        w, g, m, v, s, h = self.w, self.g, self.m, self.v, self.s, self.group
        beta1, beta2 = h["beta1"], h["beta2"]
        d, eta = self.d, h["lr"] * self.d
        scale = d / h["d0"]  # r and s are kept in units of d0, or d² would underflow

        m.mul_(beta1).add_(g, alpha=d * (1 - beta1))
        v.mul_(beta2).addcmul_(g, g, value=d * d * (1 - beta2))
        self.r = math.sqrt(beta2) * self.r + scale * eta * float(g.dot(self.w0 - w))
        s.mul_(math.sqrt(beta2)).add_(g, alpha=scale * eta)
        norm = float(s.abs().sum())
        if norm > 0:
            self.d = max(d, h["d_coef"] * self.r / norm)

        if h["weight_decay"]:
            self.part(w).mul_(1 - eta * h["weight_decay"])
        w.addcdiv_(m, v.sqrt().add_(self.d * h["eps"]), value=-eta)
        return loss
