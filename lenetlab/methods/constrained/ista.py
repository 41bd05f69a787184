r"""ISTA: a gradient step on the smooth part, then soft thresholding for λ‖w‖₁.

What is minimised is F + λ‖w‖₁. The penalty has no gradient at zero, but its proximal operator is
known: it moves every weight by ηλ towards zero and stops there, so that weights become exactly
zero and the net becomes sparse while it is trained.

    w ← prox(w − η g),   prox(u) = sign(u) (|u| − η λ)₊

λ is the hyperparameter `l1`, 0 by default, and then this is `sgd`. Scenario `plain` lets a method
control norms by itself, and so a search may choose λ there, too; the loss that is reported is the
cross-entropy without the penalty, always. At small rates zeros come late: after one pass of 50,000
images (batch 16, η = 0.1, seed 0) λ = 10⁻⁴ had made 0.1 % of the weights zero, λ = 3·10⁻⁴ 4 %. All
weights are penalised alike, biases too; it keeps norms small, as weight decay does by a share of w,
and this by a fixed amount. For a mini-batch, g is its gradient: proximal SGD.

Source: Daubechies, Defrise and De Mol, An Iterative Thresholding Algorithm for Linear Inverse
Problems, 2004, arXiv:math/0307152; Beck and Teboulle, A Fast Iterative Shrinkage-Thresholding
Algorithm, SIAM J. Imaging Sci. 2(1), 2009, eq. 1.4 and Theorem 3.1 (constant η ≤ 1/L); on batches:
Duchi and Singer, FOBOS, JMLR 10, 2009. Subgradient methods add λ sign(w) to g instead: their
weights come near zero and never stay there.
Cost: one gradient a step; no memory.
"""

from torch import Tensor

from lenetlab.component import log_uniform, uniform
from lenetlab.methods.base import Base
from lenetlab.methods.registry import method
from lenetlab.methods.sparsity import soft_threshold
from lenetlab.oracle.oracle import Oracle
from lenetlab.settings import NOT_NEGATIVE


@method(
    "ista",
    family="constrained",
    reference="Daubechies et al. 2004; Beck and Teboulle 2009, eq. 1.4",
    defaults={"lr": 0.1, "l1": 0.0},
    space={"lr": log_uniform(0.04, 0.4), "l1": uniform(0.0, 1e-4)},
    cost="1 gradient a step; no vector",
    domains={"l1": NOT_NEGATIVE},
    norms="decay",
    batch_size=16,
    batch_scaling="sqrt",
)
class ISTA(Base):
    def step(self, oracle: Oracle) -> Tensor:
        loss = oracle()
        w, g = self.w, self.g
        eta, lam = self.group["lr"], self.group["l1"]
        w.copy_(soft_threshold(w.sub_(g, alpha=eta), eta * lam))
        return loss
