r"""SWA: the equal mean of weights that lie `every` steps apart, over the last part of training.

The iterates of a constant rate circle a flat region; their mean lies in its middle, where the
test loss is lower than at its rim. Before the fraction `start` of the budget evaluated are the
last iterate.

    every c steps after the start:   a ← (n a + w) / (n + 1),   n ← n + 1

Source: Izmailov et al., Averaging Weights Leads to Wider Optima and Better Generalization, UAI
2018, arXiv:1803.05407, Algorithm 1. The paper averages once an epoch; with c = 1 it is
`polyak_ruppert` with a late start. LeNet-5 has no batch normalisation, whose statistics the paper
computes anew. Cost: nothing charged; one vector.
"""

from torch import Tensor

from lenetlab.component import uniform
from lenetlab.methods.wrappers import Average, wrapper
from lenetlab.settings import FRACTION, POSITIVE_COUNT


@wrapper(
    "swa",
    reference="Izmailov et al. 2018, arXiv:1803.05407, Alg. 1",
    defaults={"start": 0.75, "every": 50},
    space={"start": uniform(0.5, 0.9)},
    cost="none; 1 vector",
    domains={"start": FRACTION, "every": POSITIVE_COUNT},
)
class SWA(Average):
    STATE = ("a", "n", "t")

    def __init__(self, start: float, every: int) -> None:
        self.after, self.every = start, every

    def start(self, w: Tensor) -> None:
        self.a = w.clone()
        self.n = 0  # models in the mean
        self.t = 0  # steps since the start

    def observe(self, w: Tensor, progress: float) -> None:
        if progress < self.after:
            self.a.copy_(w)
            return
        if self.t % self.every == 0:
            self.a.lerp_(w, 1 / (self.n + 1))
            self.n += 1
        elif self.n == 0:
            self.a.copy_(w)
        self.t += 1

    def eval_weights(self) -> Tensor:
        return self.a
