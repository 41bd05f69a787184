r"""Hypergradient descent: the rate itself is trained, by the derivative of the loss by the rate.

If two gradients in a row point the same way the step was too short, if they oppose each other it
was too long: their inner product is the derivative of the loss by the last rate, up to its sign.

    η ← η + β f⁻ gᵀg⁻,   w ← w − f η g

Source: Baydin et al., Online Learning Rate Adaptation with Hypergradient Descent, ICLR 2018,
arXiv:1703.04782, Algorithm 4 (SGD-HD), which has no schedule: there f = 1. `lr` is the first η, and
f what a schedule multiplies it by, in this step and (f⁻) in the one before. η is kept from turning
negative. With β = 0 it is `sgd`.
Cost: one gradient a step; one vector.
"""

import torch
from torch import Tensor

from lenetlab.component import log_uniform
from lenetlab.methods.base import Base
from lenetlab.methods.registry import method
from lenetlab.oracle.oracle import Oracle
from lenetlab.settings import NOT_NEGATIVE


@method(
    "hypergradient",
    family="line_search",
    reference="Baydin et al. 2018, arXiv:1703.04782, Alg. 4",
    defaults={"lr": 0.4, "beta": 1e-3},
    space={"lr": log_uniform(0.1, 0.6), "beta": log_uniform(1e-6, 3e-3)},
    version=3,
    cost="1 gradient a step; 1 vector",
    domains={"beta": NOT_NEGATIVE},
    batch_scaling="sqrt",
)
class Hypergradient(Base):
    STATE = ("eta", "first", "g_before", "f_before")

    def start(self, w: Tensor) -> None:
        self.eta = self.first = float(self.group["lr"])
        self.g_before = torch.zeros_like(w)
        self.f_before = 1.0

    def step(self, oracle: Oracle) -> Tensor:
        loss = oracle()
        w, g, h = self.w, self.g, self.group
        slope = self.f_before * float(g.dot(self.g_before))
        self.eta = max(self.eta + h["beta"] * slope, 0.0)
        self.f_before = h["lr"] / self.first if self.first else 1.0
        # with β = 0 the quotient is one, and the rate exactly that of the schedule
        alpha = h["lr"] * (self.eta / self.first) if self.first else self.eta
        w.sub_(g, alpha=alpha)
        self.g_before.copy_(g)
        return loss
