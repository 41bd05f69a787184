r"""Iterative hard thresholding: train all weights, cut to the largest, train those, and again.

Every `period` has two phases. In the first all weights are trained, those that were cut beginning
at zero, so that a wrong cut can be taken back; then the weights are projected on the set of vectors
with k nonzeros, and the support alone is trained. From 1 − `settle` on the support stays.

    w ← H_k(w),   m ← support of w         after the dense share `dense` of every period
    m ← 1                                  at the end of the period

Source: Jin, Yuan, Feng and Yan, Training Skinny Deep Neural Networks with Iterative Hard
Thresholding Methods, 2016, arXiv:1607.05423; the phases as in Peste et al., AC/DC, NeurIPS 2021,
arXiv:2106.12379, without its reset of the momentum. With `period` = 0 the projection follows every
step, w ← H_k(w − η g): Blumensath and Davies, Iterative Hard Thresholding for Compressed Sensing,
2009, eq. 10. H_k is the nearest point in the Euclidean norm. What is judged is projected in
every phase, so the bound always holds.
Cost: nothing charged; one mask.
"""

from torch import Tensor

from lenetlab.component import uniform
from lenetlab.methods.constraint import SHARE, Constraint, constraint
from lenetlab.methods.sparsity import Bound
from lenetlab.methods.wrappers import Composed
from lenetlab.oracle.oracle import Oracle
from lenetlab.settings import Domain


@constraint(
    "iht",
    reference="Jin et al. 2016, arXiv:1607.05423; Peste et al. 2021, arXiv:2106.12379",
    defaults={"period": 0.1, "dense": 0.5, "settle": 0.4},
    space={"dense": uniform(0.2, 0.8), "settle": uniform(0.1, 0.6)},
    cost="none; 1 mask",
    version=2,
    domains={"period": Domain(0, 0.5, closed=True), "dense": Domain(0, 0.95), "settle": SHARE},
)
class IHT(Constraint):
    def __init__(self, bound: Bound, period: float, dense: float, settle: float) -> None:
        super().__init__(bound)
        self.period, self.dense, self.last = period, dense, 1 - settle

    def act(self, oracle: Oracle, optimizer: Composed, progress: float) -> None:
        if not self.compressed(progress):
            oracle.mask = None
            if self.period == 0:
                self.move(oracle, optimizer, self.bound.nearest(oracle.w))
        elif oracle.mask is None:
            oracle.mask = self.bound.mask(oracle.w.abs())

    def compressed(self, progress: float) -> bool:
        """Whether the support alone is trained."""
        if progress >= self.last or self.period == 0:
            return progress >= self.last
        return (progress / self.period) % 1 >= self.dense

    def eval_weights(self, w: Tensor, mask: Tensor | None) -> Tensor:
        return self.bound.nearest(w) if mask is None else w * mask
