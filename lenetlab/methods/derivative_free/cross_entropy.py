r"""Cross-entropy method: fit a normal distribution to its own best draws, again and again.

The elite of a population has a lower loss than the rest; the distribution that is closest to it,
in cross-entropy, has the elite's mean and variance, weight by weight. Drawing from that, and
fitting again, narrows the search down to a minimum; smoothing keeps it from narrowing too soon.

    x_i ~ N(w, diag σ²)                            i = 1 … λ
    E = the `elite` members with the least F_S(x_i), all on the same batch S
    μ = mean of E,   v = mean over E of (x − μ)²
    w ← α μ + (1 − α) w                            α is `lr`
    σ² ← β v + (1 − β) σ²

Source: Rubinstein, The Cross-Entropy Method for Combinatorial and Continuous Optimization,
Methodol. Comput. Appl. Probab. 1, 1999; de Boer et al., A Tutorial on the Cross-Entropy Method,
Ann. Oper. Res. 134, 2005, Algorithm 3.1 and its smoothing (eq. 18), there with α = β or a β that
falls. Unlike `cma_es` it takes the variance about the new mean, not the old one, which makes it
narrow even on a slope, and never wide again: σ has to begin wide enough.
Measured on held-out images, seed 0: 51.9 % after 180,000 values, 73.0 after ten times
as many, 76.7 after fifty.
Cost: λ + 1 forward passes a step, one of them at w, for the loss; about 2λ vectors.
"""

import torch
from torch import Tensor

from lenetlab.component import log_uniform
from lenetlab.errors import UserError
from lenetlab.methods.base import Base
from lenetlab.methods.registry import method
from lenetlab.methods.sampling import fill_normal, population
from lenetlab.oracle.oracle import Oracle
from lenetlab.settings import POSITIVE_COUNT, UNIT, Domain


@method(
    "cross_entropy",
    family="derivative_free",
    reference="Rubinstein 1999; de Boer et al. 2005, Alg. 3.1",
    defaults={"lr": 1.0, "beta": 0.02, "sigma": 0.03, "population": 40, "elite": 10},
    space={"sigma": log_uniform(1e-3, 0.1), "beta": log_uniform(1e-3, 1.0)},
    cost="population + 1 forward passes a step; 2 × population vectors",
    version=2,
    domains={
        "beta": UNIT,
        "sigma": Domain(1e-12),
        "population": POSITIVE_COUNT,
        "elite": POSITIVE_COUNT,
    },
    asks="more",
)
class CrossEntropy(Base):
    STATE = ("variance",)

    def start(self, w: Tensor) -> None:
        h = self.group
        if h["elite"] > h["population"]:
            raise UserError(
                f"method cross_entropy: elite={h['elite']} of a population of {h['population']}; "
                f"expected at most as many"
            )
        self.variance = torch.full_like(w, h["sigma"] ** 2)
        self.x = population(w, h["population"])

    def step(self, oracle: Oracle) -> Tensor:
        w, variance, h = self.w, self.variance, self.group
        batch = oracle.batch
        loss = oracle.value(batch)
        x = fill_normal(oracle, self.x).mul_(variance.sqrt()).add_(w)
        best = torch.argsort(oracle.value(batch, at=x), stable=True)[: h["elite"]]
        elite = x[best]
        mu = elite.mean(0)
        v = elite.sub_(mu).square_().mean(0)  # torch.var_mean takes ten times as long
        w.lerp_(mu, h["lr"])
        variance.lerp_(v, h["beta"])
        return loss
