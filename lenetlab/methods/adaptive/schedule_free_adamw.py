r"""Schedule-Free AdamW: the averaging of Schedule-Free around steps that Adam scales.

z takes steps of RMSprop, x is their weighted mean and evaluated, gradients are taken between them
at y; the interpolation takes the place of Adam's first moment.

    y = (1 − β₁) z + β₁ x,                        g = ∇F(y)
    v ← β₂ v + (1 − β₂) g²,                       v̂ = v / (1 − β₂ᵗ)
    z ← z − γ g / (√v̂ + ε) − γ λ y
    x ← (1 − c) x + c z,      c = γ² / Σ γ²

The trained weights w are y; x is evaluated.

Source: Defazio et al., The Road Less Scheduled, NeurIPS 2024, arXiv:2405.15682, Algorithm 1. There
the bias correction √(1 − β₂ᵗ) belongs to γ and so to the weights of the mean as well; the authors'
package `schedulefree` has since moved it to v̂, which is followed here. On the package see also
`schedule_free_sgd`. The authors warm up over some percent of the training (`--warmup`).
With β₁ = 0 it is `rmsprop`, bias corrected, with decoupled decay and averaged.
Cost: one gradient a step; three vectors of memory.
"""

import math

import torch
from torch import Tensor

from lenetlab.component import log_uniform, uniform
from lenetlab.methods.base import Base
from lenetlab.methods.registry import method
from lenetlab.oracle.oracle import Oracle
from lenetlab.settings import UNIT


@method(
    "schedule_free_adamw",
    family="adaptive",
    reference="Defazio et al. 2024, arXiv:2405.15682, Alg. 1",
    decay="decoupled",
    defaults={"lr": 7e-3, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.0},
    space={"lr": log_uniform(2e-3, 2e-2), "beta1": uniform(0.8, 0.99)},
    cost="1 gradient a step; 3 vectors",
    domains={"beta1": UNIT},
    batch_scaling="sqrt",
    averages=True,
)
class ScheduleFreeAdamW(Base):
    STATE = ("x", "z", "v", "t", "total")

    def start(self, w: Tensor) -> None:
        self.x, self.z, self.v = w.clone(), w.clone(), torch.zeros_like(w)
        self.t, self.total = 0, 0.0

    def eval_weights(self, w: Tensor) -> Tensor:
        """The mean x."""
        return self.x

    def masked(self, w: Tensor, mask: Tensor) -> None:
        """y is made anew from x and z in every step."""
        self.x.mul_(mask)
        self.z.mul_(mask)

    def moved(self, by: Tensor) -> None:
        """As far as y, which lies between them."""
        self.x.add_(by)
        self.z.add_(by)

    def step(self, oracle: Oracle) -> Tensor:
        loss = oracle()
        y, g, x, z, v, h = self.w, self.g, self.x, self.z, self.v, self.group
        gamma, beta2 = h["lr"], h["beta2"]
        self.t += 1

        v.mul_(beta2).addcmul_(g, g, value=1 - beta2)
        root = v.sqrt().div_(math.sqrt(1 - beta2**self.t)).add_(h["eps"])
        if h["weight_decay"]:
            self.part(z).sub_(self.part(y), alpha=gamma * h["weight_decay"])
        z.addcdiv_(g, root, value=-gamma)
        self.total += gamma**2
        x.lerp_(z, gamma**2 / self.total if self.total else 0.0)
        torch.lerp(z, x, h["beta1"], out=y)
        return loss
