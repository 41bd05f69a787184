r"""Schedule-Free SGD: an average of the iterates, from the first step on, for a falling rate.

z walks as SGD does, x is the mean of all z and evaluated, and gradients are taken in between, at
y: near x, so that averaging costs no speed, near enough to z to be stable. The rate stays constant
and the length of the training need not be known.

    y = (1 − β) z + β x
    z ← z − γ (∇F(y) + λ y)
    x ← (1 − c) x + c z,      c = γ² / Σ γ²        (= 1/t at a constant rate)

The trained weights w are y; x is evaluated.

Source: Defazio et al., The Road Less Scheduled, NeurIPS 2024, arXiv:2405.15682, eq. 3 to 5, with
the weights γ² of Algorithm 1, which matter while a warm-up raises the rate. The package
`schedulefree` puts the largest γ so far in their place, keeps z and y alone and recovers x from
them when `.eval()` is called; here x is kept, so looking changes no bits. Decay is coupled, at y.
With β = 0 it is `sgd` evaluated at the mean of its iterates (Polyak-Ruppert), with β = 1 the
gradient is taken at that mean (primal averaging).
Cost: one gradient a step; two vectors of memory.
"""

import torch
from torch import Tensor

from lenetlab.component import log_uniform, uniform
from lenetlab.methods.base import Base
from lenetlab.methods.registry import method
from lenetlab.oracle.oracle import Oracle
from lenetlab.settings import UNIT


@method(
    "schedule_free_sgd",
    family="momentum",
    reference="Defazio et al. 2024, arXiv:2405.15682, eq. 3-5",
    decay="coupled",
    defaults={"lr": 1.0, "beta": 0.9, "weight_decay": 0.0},
    space={"lr": log_uniform(0.3, 3.0), "beta": uniform(0.7, 0.98)},
    cost="1 gradient a step; 2 vectors",
    domains={"beta": UNIT},
    batch_scaling="sqrt",
    averages=True,
)
class ScheduleFreeSGD(Base):
    STATE = ("x", "z", "total")

    def start(self, w: Tensor) -> None:
        self.x, self.z, self.total = w.clone(), w.clone(), 0.0

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
        y, g, x, z, h = self.w, self.g, self.x, self.z, self.group
        gamma = h["lr"]

        if h["weight_decay"]:
            self.part(z).sub_(self.part(y), alpha=gamma * h["weight_decay"])
        z.sub_(g, alpha=gamma)
        self.total += gamma**2
        x.lerp_(z, gamma**2 / self.total if self.total else 0.0)
        torch.lerp(z, x, h["beta"], out=y)
        return loss
