r"""ADMM: the weights are drawn to their own nearest sparse point until the two agree.

Minimise F(w) + g(z) subject to w = z, where g forbids more than k nonzeros. The method lowers F; a
quadratic term draws w to z − u, z is projected anew, and the dual u adds up the disagreement, so
the pull on a weight that resists grows. At `cut` the largest weights become the mask: where w and z
agree, they are the support of z.

    w ← w + (1 − e^{−κΔp}) (z − u − w)        after a step that took the share Δp of the budget
    z ← H_k(w + u),   u ← u + w − z           every `every`
    m ← the k largest |w|                     at `cut`

The first line is the proximal operator of ρ/2 ‖w − z + u‖² with ηρ = e^{κΔp} − 1; κ = `pull` means
the same to methods of any rate.

Source: Zhang et al., A Systematic DNN Weight Pruning Framework using Alternating Direction Method
of Multipliers, ECCV 2018, arXiv:1804.03294; Boyd et al., Distributed Optimization and Statistical
Learning via ADMM, 2011, section 9.1 (cardinality constraint, scaled form). The cut projects w, as
there, and not w + u: at a small κ the dual goes on growing beside weights that do not follow. With
κ = 0 it is one-shot magnitude pruning. Cost: nothing charged; two vectors and one mask.
"""

import math

import torch

from lenetlab.component import log_uniform, uniform
from lenetlab.methods.constraint import PERIOD, SHARE, Constraint, constraint
from lenetlab.methods.sparsity import Bound
from lenetlab.methods.wrappers import Composed
from lenetlab.oracle.oracle import Oracle
from lenetlab.settings import NOT_NEGATIVE


@constraint(
    "admm",
    reference="Zhang et al. 2018, arXiv:1804.03294; Boyd et al. 2011, sec. 9.1",
    defaults={"pull": 3.0, "every": 0.05, "cut": 0.6},
    space={"pull": log_uniform(0.5, 50.0), "cut": uniform(0.3, 0.9)},
    cost="none; 2 vectors, 1 mask",
    version=2,
    leaves=("ball", "sparse", "spheres"),
    domains={"pull": NOT_NEGATIVE, "every": PERIOD, "cut": SHARE},
)
class ADMM(Constraint):
    STATE = ("z", "u", "before", "due")

    def __init__(self, bound: Bound, pull: float, every: float, cut: float) -> None:
        super().__init__(bound)
        self.pull, self.every, self.cut = pull, every, cut

    def start(self, oracle: Oracle, optimizer: Composed) -> None:
        self.u = torch.zeros_like(oracle.w)
        self.z = self.bound.nearest(oracle.w)
        self.before = 0.0  # of the budget, at the step before
        self.due = self.every

    def act(self, oracle: Oracle, optimizer: Composed, progress: float) -> None:
        if oracle.mask is not None:
            return
        w = oracle.w.clone()
        drawn = 1 - math.exp(-self.pull * (progress - self.before))
        for group in self.bound.groups:
            group.put(torch.lerp(group.of(w), group.of(self.z - self.u), drawn), w)
        self.move(oracle, optimizer, w)
        self.before = progress
        if progress >= self.due - 1e-9:
            self.due = progress + self.every
            self.z = self.bound.nearest(w + self.u)
            self.u.add_(w).sub_(self.z)
        if progress >= self.cut:
            oracle.mask = self.bound.mask(w.abs())
