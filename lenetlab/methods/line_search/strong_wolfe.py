r"""Strong Wolfe: gradient descent with a step that is neither too long nor too short.

Armijo's test refuses long steps; a second test on the slope refuses short ones: at the end of
the step the slope along it must have become flat. A bracket around such a point is found by
doubling, and narrowed by the minima of cubics ("zoom").

    φ(α) = F_T(w − α g)
    φ(α) ≤ φ(0) + c₁ α φ'(0)   and   |φ'(α)| ≤ c₂ |φ'(0)|

The search is about the batch, or about a fresh sample of the same size (`sample=fresh`).

Source: Wolfe, Convergence conditions for ascent methods, SIAM Review 11, 1969; Nocedal and Wright,
Numerical Optimization, 2006, Algorithms 3.5 and 3.6; Kochenderfer and Wheeler, Algorithms for
Optimization, 2019, Algorithm 4.3. On a quadratic with c₂ → 0 it is steepest descent with the exact
step. Cost: one gradient a step and one a trial, one more for a fresh sample; no memory.
"""

from torch import Tensor

from lenetlab.component import log_uniform, uniform
from lenetlab.errors import unknown
from lenetlab.methods.base import Base
from lenetlab.methods.line_search.search import SAMPLES, strong_wolfe
from lenetlab.methods.registry import method
from lenetlab.oracle.oracle import Oracle
from lenetlab.settings import Domain


@method(
    "strong_wolfe",
    family="line_search",
    reference="Wolfe 1969; Nocedal and Wright 2006, Alg. 3.5 and 3.6",
    defaults={"lr": 1.0, "c1": 1e-4, "c2": 0.9, "sample": "batch"},
    space={"lr": log_uniform(0.1, 10.0), "c2": uniform(0.1, 0.9)},
    cost="2 or more gradients a step; no memory",
    domains={"c1": Domain(0, 1), "c2": Domain(0, 1)},
    batch_size=128,
    asks="more",
    version=2,
)
class StrongWolfe(Base):
    def start(self, w: Tensor) -> None:
        if self.group["sample"] not in SAMPLES:
            raise unknown("sample of strong_wolfe", self.group["sample"], SAMPLES)

    def step(self, oracle: Oracle) -> Tensor:
        loss = oracle()
        w, p, h = self.w, -self.g, self.group
        batch = oracle.batch
        f, slope = float(loss), float(self.g.dot(p))
        if h["sample"] == "fresh":
            batch = oracle.sample(len(batch))
            value, gradient = oracle.gradient(batch)
            f, slope = float(value), float(gradient.dot(p))
            if slope >= 0:  # the fresh sample sees no descent in this direction
                return loss

        def phi(alpha: float) -> tuple[float, float]:
            value, gradient = oracle.gradient(batch, at=w + alpha * p)
            return float(value), float(gradient.dot(p))

        w.add_(p, alpha=strong_wolfe(phi, f, slope, h["lr"], h["c1"], h["c2"]))
        return loss
