r"""Iterative hard thresholding: a gradient step, then only the k largest weights stay.

The weights are held in the set of vectors with at most k nonzeros, which is not convex; the nearest
point of it keeps the k largest magnitudes. Gradients are those of all weights, so a weight that
was zeroed can come back as soon as one step carries it past the smallest that stayed.

    w ← H_k(w − η g),   k = ⌊keep · n⌋

All n weights compete, biases and filters too. Scenario `sparse` bounds other weights, those of fc1
and fc2, and is a constraint around any method. The bound is the method's own affair and allowed
in `plain`. At a small rate little comes back, and the first step's choice nearly stands.

Source: Blumensath and Davies, Iterative Hard Thresholding for Compressed Sensing, Appl. Comput.
Harmon. Anal. 27(3), 2009, arXiv:0805.0510, eq. 10, with a rate as in their normalised version
(2010); on batches: Nguyen, Needell and Woolf, Linear Convergence of Stochastic Iterative Greedy
Algorithms with Sparse Constraints, 2017, arXiv:1407.0088. With keep = 1 it is `sgd`.
Cost: one gradient a step; no memory.
"""

from torch import Tensor

from lenetlab.component import log_uniform, uniform
from lenetlab.methods.base import Base
from lenetlab.methods.constrained.projections import hard_threshold
from lenetlab.methods.registry import method
from lenetlab.oracle.oracle import Oracle
from lenetlab.settings import UNIT


@method(
    "iterative_hard_thresholding",
    family="constrained",
    reference="Blumensath and Davies 2009, arXiv:0805.0510, eq. 10",
    defaults={"lr": 0.1, "keep": 0.6},
    space={"lr": log_uniform(0.04, 0.4), "keep": uniform(0.1, 1.0)},
    cost="1 gradient a step; no vector",
    within="sparse",
    version=2,
    domains={"keep": UNIT},
    batch_size=16,
    neutral={"keep": 1.0},
    batch_scaling="sqrt",
)
class IterativeHardThresholding(Base):
    def step(self, oracle: Oracle) -> Tensor:
        loss = oracle()
        w, g = self.w, self.g
        w.copy_(self.nearest(w.sub_(g, alpha=self.group["lr"])))
        return loss

    def nearest(self, w: Tensor) -> Tensor:
        """H_k(w)."""
        return hard_threshold(w, int(self.group["keep"] * len(w)))
