r"""CMA-ES, separable: a population whose mean, widths and overall step follow the better half.

The better half of a population is averaged, the best with the most weight. The path that the
means have taken says whether the steps are too short (they line up) or too long (they turn
back), and every weight's variance moves towards that of the successful steps. The full method
learns a covariance C as well; 44,426² numbers of it are 16 GB and their decomposition 10¹⁴
operations, so that here C is its diagonal.

    z_i ~ N(0, I),   y_i = √C ∘ z_i                i = 1 … λ
    F_i = F_S(w + σ y_i)                           all on the same batch S
    y_w = Σ w_i y_{i:λ}                            over the μ best
    w ← w + σ y_w
    p_σ ← (1 − c_σ) p_σ + √(c_σ (2 − c_σ) μ_eff) y_w / √C
    p_c ← (1 − c_c) p_c + h_σ √(c_c (2 − c_c) μ_eff) y_w
    C ← (1 + c_1 δ − c_1 − c_μ) C + c_1 p_c² + c_μ Σ w_i y_{i:λ}²
    σ ← σ exp((c_σ / d_σ) (‖p_σ‖ / E‖N(0, I)‖ − 1))

h_σ is 0 while p_σ is unusually long, else 1, and δ = (1 − h_σ) c_c (2 − c_c).

Source: Ros and Hansen, A Simple Modification in CMA-ES Achieving Linear Time and Space
Complexity, PPSN 2008, for the diagonal, c_σ, c_c and the factor (n + 2)/3 of c_μ; Hansen, The CMA
Evolution Strategy: A Tutorial, 2016, arXiv:1604.00772, for the rest, with the weights of the
better half alone. Step by step it is `cmaes.SepCMA`, not used itself because its saved state
leaves its generator out. In the paper the factor multiplies c_1 as well, a tenth more here.
Why it trains slowly: c_σ, c_c and c_μ are of the order 1/n or a few times that, so that widths
are learned in some thousand generations; until then it is a cloud of one width that follows its
better half. The average of the few best of 36 draws has most of its length in directions that
have nothing to do with the slope, and these come back as loss.
Measured on held-out images, seed 0: 55.4 % after 180,000 values, 72.0 after five times
as many, 71.6 after ten, 66.6 after fifty.
Cost: λ + 1 forward passes a step, one of them at w, for the loss; about 2λ vectors.
"""

import math

import torch
from torch import Tensor

from lenetlab.component import log_uniform
from lenetlab.methods.base import Base
from lenetlab.methods.registry import method
from lenetlab.methods.sampling import fill_normal, population
from lenetlab.oracle.oracle import Oracle
from lenetlab.settings import Domain


@method(
    "cma_es",
    family="derivative_free",
    reference="Ros and Hansen 2008; Hansen 2016, arXiv:1604.00772",
    defaults={"sigma": 0.03, "population": 36},
    space={"sigma": log_uniform(1e-3, 0.1)},
    cost="population + 1 forward passes a step; 2 × population vectors",
    domains={"sigma": Domain(1e-12), "population": Domain(2)},
    asks="more",
)
class CMAES(Base):
    STATE = ("sigma", "c", "p_sigma", "p_c", "generation")

    def start(self, w: Tensor) -> None:
        n, mu = len(w), self.group["population"] // 2
        logs = [math.log(mu + 1) - math.log(i + 1) for i in range(mu)]
        raw = torch.tensor(logs, dtype=torch.float64)
        self.weights = (raw / raw.sum()).to(w)
        self.mu_eff = mu_eff = float(raw.sum() ** 2 / raw.square().sum())

        self.c_sigma = (mu_eff + 2) / (n + mu_eff + 3)
        self.d_sigma = 1 + 2 * max(0.0, math.sqrt((mu_eff - 1) / (n + 1)) - 1) + self.c_sigma
        self.c_c = 4 / (n + 4)
        self.c_1 = 2 / ((n + 1.3) ** 2 + mu_eff)
        full = 2 / mu_eff / (n + math.sqrt(2)) ** 2
        full += (1 - 1 / mu_eff) * min(1.0, (2 * mu_eff - 1) / ((n + 2) ** 2 + mu_eff))
        self.c_mu = (n + 2) / 3 * full
        self.chi_n = math.sqrt(n) * (1 - 1 / (4 * n) + 1 / (21 * n**2))

        self.y, self.points = (population(w, self.group["population"]) for _ in range(2))
        self.sigma = float(self.group["sigma"])
        self.c = torch.ones_like(w)
        self.p_sigma, self.p_c = torch.zeros_like(w), torch.zeros_like(w)
        self.generation = 0

    def step(self, oracle: Oracle) -> Tensor:
        w, c, p_sigma, p_c = self.w, self.c, self.p_sigma, self.p_c
        c_sigma, c_c, c_1, c_mu = self.c_sigma, self.c_c, self.c_1, self.c_mu
        batch = oracle.batch
        loss = oracle.value(batch)
        root = c.sqrt()
        y = fill_normal(oracle, self.y).mul_(root)
        points = torch.mul(y, self.sigma, out=self.points).add_(w)
        order = torch.argsort(oracle.value(batch, at=points), stable=True)
        y = y[order[: len(self.weights)]]
        y_w = self.weights @ y
        w.add_(y_w, alpha=self.sigma)

        self.generation += 1
        p_sigma.mul_(1 - c_sigma)
        p_sigma.add_(y_w / root, alpha=math.sqrt(c_sigma * (2 - c_sigma) * self.mu_eff))
        length = float(p_sigma.norm())
        # what an undisturbed path of this many generations would have, less at the beginning
        usual = math.sqrt(1 - (1 - c_sigma) ** (2 * (self.generation + 1)))
        h_sigma = float(length / usual < (1.4 + 2 / (len(w) + 1)) * self.chi_n)
        delta = (1 - h_sigma) * c_c * (2 - c_c)

        p_c.mul_(1 - c_c).add_(y_w, alpha=h_sigma * math.sqrt(c_c * (2 - c_c) * self.mu_eff))
        c.mul_(1 + c_1 * delta - c_1 - c_mu).add_(p_c.square(), alpha=c_1)
        c.add_(self.weights @ y.square_(), alpha=c_mu)
        self.sigma *= math.exp(c_sigma / self.d_sigma * (length / self.chi_n - 1))
        return loss
