r"""Armijo: gradient descent whose step is halved until it has paid off.

No rate has to be known: a step is tried, and made smaller until the decrease of F is at least a
fraction c of what the slope promised. On all data every step decreases F. On a batch the test is
about the batch, which a long step can please while it harms F; a fresh sample judges the step
by examples that did not choose the direction.

    α ∈ {η, τη, τ²η, …}, the first with  F_T(w − α g) ≤ F_T(w) − c α ‖g‖²
    w ← w − α g,   g = ∇F_S(w),   T = S (`sample=batch`) or independent of it (`sample=fresh`)

Source: Armijo, Minimization of functions having Lipschitz continuous first partial derivatives,
Pacific J. Math. 16, 1966; Nocedal and Wright, Numerical Optimization, 2006, Algorithm 3.1;
Kochenderfer and Wheeler, Algorithms for Optimization, 2019, Algorithm 4.2. If the first step is
always accepted it is `sgd`. `sls` begins where the last search ended.
Cost: one gradient a step, a forward pass a trial and one more for a fresh sample; no memory.
"""

from torch import Tensor

from lenetlab.component import log_uniform
from lenetlab.errors import unknown
from lenetlab.methods.base import Base
from lenetlab.methods.line_search.search import SAMPLES, backtrack
from lenetlab.methods.registry import method
from lenetlab.oracle.oracle import Oracle
from lenetlab.settings import Domain


@method(
    "armijo",
    family="line_search",
    reference="Armijo 1966; Nocedal and Wright 2006, Alg. 3.1",
    defaults={"lr": 0.5, "c": 0.1, "tau": 0.5, "sample": "batch"},
    space={"lr": log_uniform(0.1, 10.0), "c": log_uniform(1e-4, 0.5)},
    cost="1 gradient a step, 0.4 a trial; no memory",
    domains={"c": Domain(0, 1), "tau": Domain(0.01, 0.99)},
    asks="more",
    version=2,
)
class Armijo(Base):
    def start(self, w: Tensor) -> None:
        if self.group["sample"] not in SAMPLES:
            raise unknown("sample of armijo", self.group["sample"], SAMPLES)

    def step(self, oracle: Oracle) -> Tensor:
        loss = oracle()
        w, g, h = self.w, self.g, self.group
        batch = oracle.batch
        if h["sample"] == "fresh":
            batch = oracle.sample(len(batch))
        f = float(oracle.value(batch)) if h["sample"] == "fresh" else float(loss)

        def phi(alpha: float) -> float:
            return float(oracle.value(batch, at=w - alpha * g))

        alpha = backtrack(phi, f, -float(g.dot(g)), h["lr"], h["c"], h["tau"])
        w.sub_(g, alpha=alpha)
        return loss
