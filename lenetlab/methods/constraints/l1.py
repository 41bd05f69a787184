r"""L1, then an exact cut: weights that the loss does not hold are drawn to zero, and stay there.

The penalty λ‖w‖₁ has a corner at zero, and its proximal operator puts small weights exactly on it.
It follows every step of the method, so the method never sees the penalty. At `cut` the k largest
weights that are left become the support, the penalty ends and the net trains on without its bias.

    w ← sign(w) max(|w| − κ Δp, 0)           after a step that took the share Δp of the budget
    m ← the k largest |w|                    at `cut`

κ = `pull` is how far a weight that nothing holds moves until the end of the budget: λ = κ Δp / η
with the rate η, so that one κ means the same to SGD, to Adam and to a method without a rate.

Source: the proximal operator: Parikh and Boyd, Proximal Algorithms, 2014, section 6.5.2; with a
step of the method for the gradient step: Daubechies, Defrise and De Mol 2004. For adaptive methods
it is the operator in the plain norm, not in the method's own (Yun et al., ProxGen, 2020,
arXiv:2007.07484). With κ = 0 it is one-shot magnitude pruning.
Cost: nothing charged; one mask.
"""

from lenetlab.component import log_uniform, uniform
from lenetlab.methods.constraint import SHARE, Constraint, constraint
from lenetlab.methods.sparsity import Bound, soft_threshold
from lenetlab.methods.wrappers import Composed
from lenetlab.oracle.oracle import Oracle
from lenetlab.settings import NOT_NEGATIVE


@constraint(
    "l1",
    reference="Parikh and Boyd 2014, sec. 6.5.2; Daubechies et al. 2004",
    defaults={"pull": 0.3, "cut": 0.6},
    space={"pull": log_uniform(0.01, 1.0), "cut": uniform(0.3, 0.9)},
    cost="none; 1 mask",
    version=2,
    leaves=("spheres",),
    domains={"pull": NOT_NEGATIVE, "cut": SHARE},
)
class L1(Constraint):
    STATE = ("before",)

    def __init__(self, bound: Bound, pull: float, cut: float) -> None:
        super().__init__(bound)
        self.pull, self.cut = pull, cut

    def start(self, oracle: Oracle, optimizer: Composed) -> None:
        self.before = 0.0  # of the budget, at the step before

    def act(self, oracle: Oracle, optimizer: Composed, progress: float) -> None:
        if oracle.mask is not None:
            return
        w = oracle.w.clone()
        for group in self.bound.groups:
            group.put(soft_threshold(group.of(w), self.pull * (progress - self.before)), w)
        self.move(oracle, optimizer, w)
        self.before = progress
        if progress >= self.cut:
            oracle.mask = self.bound.mask(w.abs())
