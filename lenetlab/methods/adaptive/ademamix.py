r"""AdEMAMix: Adam with a second, far longer memory of gradients beside the first.

One running mean cannot both follow the present gradient and remember thousands of old ones. Here
a fast and a slow one are added, the slow one with weight α and without correction of its start.
While it fills, α and its memory are raised together over time, or early steps go astray.

    m₁ ← β₁ m₁ + (1 − β₁) g                  m̂₁ = m₁ / (1 − β₁ᵗ)
    m₂ ← β₃(t) m₂ + (1 − β₃(t)) g
    v ← β₂ v + (1 − β₂) g²                   v̂ = v / (1 − β₂ᵗ)
    w ← (1 − η λ) w − η (m̂₁ + α(p) m₂) / (√v̂ + ε)

    α(p) = α min(p/T, 1),   β₃(p) = min( exp( ln β₁ ln β₃ / ((1 − p/T) ln β₃ + (p/T) ln β₁) ), β₃ )

with p the share of the budget that is spent, so that the half-life of m₂ grows linearly from that
of m₁ until p = T; with T = 0 both are constant.

Source: Pagliardini, Ablin and Grangier, The AdEMAMix Optimizer: Better, Faster, Older, ICLR 2025,
arXiv:2409.03137, Algorithm 1 and its schedulers; T is T_α,β₃, there counted in steps, and all of
them, hundreds of thousands with β₃ = 0.9999: here T = 1. With α = 0 it is `adamw`.
Cost: one gradient a step; three vectors of memory.
"""

import math

import torch
from torch import Tensor

from lenetlab.component import log_uniform, uniform
from lenetlab.methods.base import Base
from lenetlab.methods.registry import method
from lenetlab.oracle.oracle import Oracle
from lenetlab.settings import NOT_NEGATIVE, UNIT, Domain


@method(
    "ademamix",
    family="adaptive",
    reference="Pagliardini, Ablin and Grangier 2025, arXiv:2409.03137, Alg. 1",
    decay="decoupled",
    defaults={
        "lr": 1e-3, "beta1": 0.9, "beta2": 0.999, "beta3": 0.999, "alpha": 5.0, "T": 1.0,
        "eps": 1e-8, "weight_decay": 0.0,
    },
    space={"lr": log_uniform(1e-4, 1e-2), "alpha": uniform(0.0, 10.0),
           "beta3": uniform(0.99, 0.9999)},
    version=2,
    cost="1 gradient a step; 3 vectors",
    domains={"beta1": Domain(1e-6, 1), "beta3": Domain(1e-6, 1), "alpha": NOT_NEGATIVE, "T": UNIT},
    batch_scaling="sqrt",
)  # fmt: skip
class AdEMAMix(Base):
    STATE = ("t", "m1", "m2", "v")

    def start(self, w: Tensor) -> None:
        self.t = 0
        self.m1, self.m2, self.v = (torch.zeros_like(w) for _ in range(3))

    def step(self, oracle: Oracle) -> Tensor:
        loss = oracle()
        w, g, m1, m2, v, h = self.w, self.g, self.m1, self.m2, self.v, self.group
        eta, beta1, beta2 = h["lr"], h["beta1"], h["beta2"]
        self.t = t = self.t + 1
        grown = min(oracle.progress / h["T"], 1.0) if h["T"] else 1.0

        m1.lerp_(g, 1 - beta1)
        m2.lerp_(g, 1 - slow(beta1, h["beta3"], grown))
        v.mul_(beta2).addcmul_(g, g, value=1 - beta2)

        root = v.sqrt().div_(math.sqrt(1 - beta2**t)).add_(h["eps"])
        direction = (m1 / (1 - beta1**t)).add_(m2, alpha=h["alpha"] * grown)
        if h["weight_decay"]:
            self.part(w).mul_(1 - eta * h["weight_decay"])
        w.addcdiv_(direction, root, value=-eta)
        return loss


def slow(beta1: float, beta3: float, grown: float) -> float:
    """β₃(p) at p/T = `grown`: 1/ln β goes linearly from 1/ln β₁ to 1/ln β₃."""
    return min(math.exp(1 / ((1 - grown) / math.log(beta1) + grown / math.log(beta3))), beta3)
