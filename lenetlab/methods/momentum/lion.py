r"""Lion: every weight moves by the same amount, in the direction of a remembered sign.

The gradient's magnitude is thrown away once it has been averaged, so the rate alone sets how far
weights go, and it is several times smaller than Adam's. The direction trusts the newest gradient
more than the memory does. Found by a search over programs, not derived.

    c = β₁ m + (1 − β₁) g            direction
    w ← (1 − η λ) w − η sign c       step, with decoupled decay λ
    m ← β₂ m + (1 − β₂) g            momentum, slower than the direction

Source: Chen et al., Symbolic Discovery of Optimization Algorithms, NeurIPS 2023, arXiv:2302.06675,
Algorithm 2. With β₁ = 0 it is sign descent, whatever β₂; with β₁ = β₂ signSGD with momentum
(Signum). Implementations agree; the authors recommend a λ three to ten times AdamW's.
Cost: one gradient a step; one vector of memory.
"""

import torch
from torch import Tensor

from lenetlab.component import log_uniform, uniform
from lenetlab.methods.base import Base
from lenetlab.methods.registry import method
from lenetlab.oracle.oracle import Oracle


@method(
    "lion",
    family="momentum",
    reference="Chen et al. 2023, arXiv:2302.06675, Alg. 2",
    decay="decoupled",
    defaults={"lr": 5e-4, "beta1": 0.9, "beta2": 0.99, "weight_decay": 0.0},
    space={"lr": log_uniform(1e-4, 2e-3), "beta1": uniform(0.8, 0.98)},
    cost="1 gradient a step; 1 vector",
    batch_scaling="sqrt",
)
class Lion(Base):
    STATE = ("m",)

    def start(self, w: Tensor) -> None:
        self.m = torch.zeros_like(w)

    def step(self, oracle: Oracle) -> Tensor:
        loss = oracle()
        w, g, m, h = self.w, self.g, self.m, self.group
        eta = h["lr"]

        c = torch.lerp(g, m, h["beta1"])
        if h["weight_decay"]:
            self.part(w).mul_(1 - eta * h["weight_decay"])
        w.sub_(c.sign_(), alpha=eta)
        m.lerp_(g, 1 - h["beta2"])
        return loss
