r"""Stochastic line search: Armijo's test on the batch, beginning near the last accepted step.

A net that can fit every example has no noise at its minimum, and there a line search on batches
converges as fast as on all data. To save trials, a search begins a little above the step that
the one before accepted.

    α ← α γ^(b/n), at most η;   α ← β α  until  F_S(w − α g) ≤ F_S(w) − c α ‖g‖²
    w ← w − α g,   g = ∇F_S(w)

Source: Vaswani et al., Painless Stochastic Gradient, NeurIPS 2019, arXiv:1905.09997, Algorithm 1
with the reset of Algorithm 2, option 2. The authors' code uses c = 0.1, β = 0.9, γ = 2, η = 10 and
skips a batch whose gradient is below 10⁻⁸. With γ = ∞ it is `armijo` on the batch. Under a schedule
η is what it says, and α is carried over as a share of η.
Cost: one gradient a step, a forward pass a trial; no memory.
"""

from torch import Tensor

from lenetlab.component import log_uniform
from lenetlab.methods.base import Base
from lenetlab.methods.line_search.search import backtrack
from lenetlab.methods.registry import method
from lenetlab.oracle.oracle import Oracle
from lenetlab.settings import POSITIVE_COUNT, Domain


@method(
    "sls",
    family="line_search",
    reference="Vaswani et al. 2019, arXiv:1905.09997, Alg. 1 and 2",
    defaults={"lr": 1.0, "c": 0.1, "beta": 0.9, "gamma": 2.0},
    space={"lr": log_uniform(0.1, 10.0), "c": log_uniform(0.05, 0.5)},
    cost="1 gradient a step, 0.4 a trial; no memory",
    domains={"c": Domain(0, 1), "beta": Domain(0.01, 0.99), "gamma": POSITIVE_COUNT},
    asks="more",
    version=2,
)
class SLS(Base):
    STATE = ("share",)

    def start(self, w: Tensor) -> None:
        self.share = 1.0  # α / η: a warm-up from zero must not be where α stays

    def step(self, oracle: Oracle) -> Tensor:
        loss = oracle()
        w, g, h = self.w, self.g, self.group
        batch = oracle.batch

        def phi(alpha: float) -> float:
            return float(oracle.value(batch, at=w - alpha * g))

        grown = h["gamma"] ** (len(batch) / len(oracle.full))
        self.share = min(self.share * grown, 1.0)
        first = self.share * h["lr"]
        alpha = backtrack(phi, float(loss), -float(g.dot(g)), first, h["c"], h["beta"])
        w.sub_(g, alpha=alpha)
        if alpha > 0:  # a search that failed is no reason to stand still for ever
            self.share = alpha / h["lr"]
        return loss
