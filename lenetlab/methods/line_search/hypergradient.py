r"""Hypergradient descent: the rate itself is trained, by the derivative of the loss by the rate.

If two gradients in a row point the same way the step was too short, if they oppose each other it
was too long: their inner product is the derivative of the loss by the last rate, up to its sign.

    η ← η + β gᵀg⁻,   w ← w − η g

Source: Baydin et al., Online Learning Rate Adaptation with Hypergradient Descent, ICLR 2018,
arXiv:1703.04782, Algorithm 4 (SGD-HD). `lr` is the first rate; what a schedule takes from `lr` or
adds to it later, it takes from η or adds to it. η is kept from turning negative. With β = 0 it is
`sgd`.
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
    version=2,
    cost="1 gradient a step; 1 vector",
    domains={"beta": NOT_NEGATIVE},
    scaled_by_rate=False,
    batch_scaling="sqrt",
)
class Hypergradient(Base):
    STATE = ("g_before", "learned")

    def start(self, w: Tensor) -> None:
        self.g_before = torch.zeros_like(w)
        self.learned = 0.0  # η less the rate that a schedule gives

    def step(self, oracle: Oracle) -> Tensor:
        loss = oracle()
        w, g, h = self.w, self.g, self.group
        self.learned = max(self.learned + h["beta"] * float(g.dot(self.g_before)), -h["lr"])
        w.sub_(g, alpha=h["lr"] + self.learned)
        self.g_before.copy_(g)
        return loss
