r"""Gradual magnitude pruning: the smallest weights go first, most of them early, few at the end.

A weight of small magnitude contributes little, and a net that loses its small weights a few at a
time recovers in between. What has gone stays gone. The number that remains falls along a cubic:
fast while there is much to lose, slowly near the bound.

    k_t = k + (N − k) (1 − (t − t₀) / (t₁ − t₀))³        from t₀ = `begin` to t₁ = `end`
    m ← the k_t largest |m∘w|                            every `every`, then the net trains on

Source: Zhu and Gupta, To Prune, or Not to Prune, 2017, arXiv:1710.01878, eq. 1. Times are shares of
the budget. There pruned weights keep their values behind the mask and could come back; here they
are zero. With `begin` close to `end` it is one-shot pruning. The bound holds from `end` on.
Cost: nothing charged; one mask.
"""

from lenetlab.component import uniform
from lenetlab.methods.constraint import PERIOD, SHARE, constraint
from lenetlab.methods.constraints.gradual import Gradual
from lenetlab.oracle.oracle import Oracle


@constraint(
    "magnitude",
    reference="Zhu and Gupta 2017, arXiv:1710.01878, eq. 1",
    defaults={"begin": 0.1, "end": 0.7, "every": 0.01},
    space={"begin": uniform(0.0, 0.3), "end": uniform(0.4, 0.9)},
    cost="none; 1 mask",
    domains={"begin": SHARE, "end": SHARE, "every": PERIOD},
)
class Magnitude(Gradual):
    def cut(self, oracle: Oracle, share: float) -> None:
        oracle.mask = self.bound.mask(oracle.w.abs(), self.bound.keeps(share))
