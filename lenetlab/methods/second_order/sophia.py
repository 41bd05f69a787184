r"""Sophia: momentum over curvature, weight by weight, and no weight moves farther than η.

Where the estimated diagonal h of the curvature is trustworthy and positive, a weight makes a damped
Newton step. Where it is small, negative or out of date, that step would be huge; it is clipped, and
what remains is a step of sign descent. So h may be estimated seldom and roughly.

    m ← β₁ m + (1 − β₁) g
    h ← β₂ h + (1 − β₂) ĥ                 every `every` steps
    w ← (1 − η λ) w − η clip(m / max(γ h, ε), 1)

    gnb:         ĥ = b ĝ∘ĝ,  ĝ the gradient on the same batch of b, its labels drawn from the model
    hutchinson:  ĥ = u ∘ ∇²F(w) u,  u ~ N(0, I)

`gnb` (Gauss-Newton-Bartlett) estimates the diagonal of the Gauss-Newton matrix: never negative, and
no second derivatives. γ says what share of the weights is clipped.

Source: Liu et al., Sophia: A Scalable Stochastic Second-order Optimizer for Language Model
Pre-training, ICLR 2024, arXiv:2305.14342, Algorithms 1 to 3 (the first version of the paper writes
clip(m / max(h, ε), ρ), which is the same with η ρ and γ = 1/ρ). h is not corrected for starting
at zero, so the first steps are sign descent. The authors' code leaves b out of ĥ and multiplies it
at the step; others call ρ what is γ here. For language models γ is 0.01 to 0.05; on LeNet-5 γ = 1,
where fewer weights are clipped, was better. With η = γ → ∞ nothing is clipped and it is Newton's
method with a diagonal Hessian.
Cost: one gradient a step; an estimate costs another one (gnb) or a Hessian product; two vectors.
"""

import torch
from torch import Tensor

from lenetlab.component import log_uniform, uniform
from lenetlab.errors import unknown
from lenetlab.methods.base import Base
from lenetlab.methods.registry import method
from lenetlab.methods.sampling import normal
from lenetlab.oracle.oracle import Oracle
from lenetlab.settings import POSITIVE_COUNT, Domain

ESTIMATORS = ("gnb", "hutchinson")


@method(
    "sophia",
    family="second_order",
    reference="Liu et al. 2024, arXiv:2305.14342, Alg. 1 to 3",
    decay="decoupled",
    defaults={
        "lr": 1e-3, "beta1": 0.9, "beta2": 0.99, "gamma": 1.0, "eps": 1e-12, "every": 10,
        "estimator": "gnb", "weight_decay": 0.0,
    },
    space={
        "lr": log_uniform(3e-4, 1e-2), "beta1": uniform(0.85, 0.98),
        "gamma": log_uniform(0.01, 10.0),
    },
    version=2,
    cost="1 gradient a step, every 10th one more (gnb) or 2.4; 2 vectors",
    domains={"gamma": Domain(1e-9), "every": POSITIVE_COUNT},
    asks="more",
    batch_scaling="sqrt",
)  # fmt: skip
class Sophia(Base):
    STATE = ("m", "h", "t")

    def start(self, w: Tensor) -> None:
        if self.group["estimator"] not in ESTIMATORS:
            raise unknown("estimator of sophia", self.group["estimator"], ESTIMATORS)
        self.m, self.h = torch.zeros_like(w), torch.zeros_like(w)
        self.t = 0

    def step(self, oracle: Oracle) -> Tensor:
        loss = oracle()
        w, m, h, group = self.w, self.m, self.h, self.group
        m.lerp_(self.g, 1 - group["beta1"])
        if self.t % group["every"] == 0:
            h.lerp_(self._estimate(oracle), 1 - group["beta2"])
        self.t += 1
        step = (group["gamma"] * h).clamp_min_(group["eps"])
        torch.div(m, step, out=step).clamp_(-1, 1)
        self.part(w).mul_(1 - group["lr"] * group["weight_decay"])
        w.sub_(step, alpha=group["lr"])
        return loss

    def _estimate(self, oracle: Oracle) -> Tensor:
        """ĥ on the present batch."""
        batch = oracle.batch
        if self.group["estimator"] == "gnb":
            return oracle.sampled_gradient(batch).square_().mul_(len(batch))
        u = normal(oracle)
        return u.mul_(oracle.hessian(batch) @ u)
