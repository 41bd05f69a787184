r"""Stochastic Polyak step: as far as the batch's loss, divided by its slope, says.

If the loss were linear along the gradient, a step of f/‖g‖² would bring it to zero. Divided by c
and bounded it is a rate for every batch, without any search, that is long where there is much to
gain and short near an interpolating minimum.

    γ = min( (F_S(w) − ℓ*) / (c ‖g‖²),  γ_b ),   w ← w − γ g,   g = ∇F_S(w)
    γ_b ← min(τ^(b/n) γ, η)                         the step may grow only slowly

Source: Loizou et al., Stochastic Polyak Step-size for SGD, AISTATS 2021, arXiv:2002.10542, eq. 5
(SPS_max) with the smoothing of appendix C and ℓ* = 0, a lower bound of cross-entropy. The authors
take c = 0.2 for networks, 1/2 for convex problems. With c → 0 it is `sgd`. Under a schedule η is
what it says, and γ_b is carried over as a share of η.
Cost: one gradient a step; no memory.
"""

from torch import Tensor

from lenetlab.component import log_uniform
from lenetlab.methods.base import Base
from lenetlab.methods.registry import method
from lenetlab.oracle.oracle import Oracle
from lenetlab.settings import POSITIVE_COUNT, Domain


@method(
    "sps",
    family="line_search",
    reference="Loizou et al. 2021, arXiv:2002.10542, eq. 5",
    defaults={"lr": 0.5, "c": 0.5, "tau": 2.0, "least": 0.0},
    space={"lr": log_uniform(0.15, 2.5), "c": log_uniform(0.15, 1.5)},
    cost="1 gradient a step; no memory",
    domains={"c": Domain(1e-6), "tau": POSITIVE_COUNT},
    batch_scaling="linear",
)
class SPS(Base):
    STATE = ("share",)

    def start(self, w: Tensor) -> None:
        self.share = 1.0  # γ_b / η: a warm-up from zero must not be where γ_b stays

    def step(self, oracle: Oracle) -> Tensor:
        loss = oracle()
        w, g, h = self.w, self.g, self.group
        square = float(g.dot(g))
        polyak = max(float(loss) - h["least"], 0.0) / max(h["c"] * square, 1e-30)
        gamma = min(polyak, self.share * h["lr"])
        w.sub_(g, alpha=gamma)
        if h["lr"] > 0:
            grown = h["tau"] ** (oracle.batch_size / len(oracle.full)) * gamma / h["lr"]
            self.share = min(max(grown, 1e-6), 1.0)  # from zero no factor would lead back
        return loss
