r"""Polyak-Ruppert: the mean of all iterates since a fraction of the budget, after long steps.

With steps longer than 1/t the iterates explore, and their mean converges at the best possible
rate, whatever the conditioning: SGD's variance becomes that of Newton's method.

    w̄ ← w̄ + (w − w̄) / t,   t counted from the start

Source: Polyak and Juditsky, Acceleration of Stochastic Approximation by Averaging, SIAM J.
Control Optim. 30(4), 1992; Ruppert 1988; the late start ("suffix averaging"): Rakhlin, Shamir
and Sridharan, 2012, arXiv:1109.5647. Around sgd it is `asgd`, which has a start in steps.
Cost: nothing charged; one vector.
"""

from torch import Tensor

from lenetlab.component import uniform
from lenetlab.methods.wrappers import Average, wrapper
from lenetlab.settings import FRACTION


@wrapper(
    "polyak_ruppert",
    reference="Polyak and Juditsky 1992; Ruppert 1988",
    defaults={"start": 0.5},
    space={"start": uniform(0.0, 0.9)},
    cost="none; 1 vector",
    domains={"start": FRACTION},
)
class PolyakRuppert(Average):
    STATE = ("mean", "t")

    def __init__(self, start: float) -> None:
        self.after = start

    def start(self, w: Tensor) -> None:
        self.mean = w.clone()
        self.t = 0

    def observe(self, w: Tensor, progress: float) -> None:
        if progress < self.after:
            self.mean.copy_(w)
            return
        self.t += 1
        self.mean.lerp_(w, 1 / self.t)

    def eval_weights(self) -> Tensor:
        return self.mean
