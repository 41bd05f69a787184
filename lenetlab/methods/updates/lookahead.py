r"""Lookahead: k fast steps ahead, one slow step back to what was good about them.

The method inside explores from the slow weights φ; every k steps φ moves a fraction α of the way
to where it got, and it goes on from there. The interpolation takes out the oscillation of the
fast weights, so that a rate that alone would be too large can still converge.

    θ ← the method's step                      k times, from θ = φ
    φ ← φ + α (θ − φ),   θ ← φ                 then

The slow weights are evaluated, up to k − 1 steps old. The method's own memory is kept as it is
("maintain" in the paper, which also interpolates or resets it).

Source: Zhang, Lucas, Hinton and Ba, Lookahead Optimizer: k steps forward, 1 step back, NeurIPS
2019, arXiv:1907.08610, Algorithm 1. With α = 1 it trains as the method inside. The authors' code
and pytorch_optimizer leave the fast weights in the model, and swap the slow ones in where a user
calls for them before an evaluation; optax hands out the pair and evaluates the slow ones. Around a
method with an average of its own (`asgd`) it is refused: the fast weights would pull the average.
Cost: nothing charged; two vectors.
"""

from torch import Tensor

from lenetlab.component import uniform
from lenetlab.methods.wrappers import Update, wrapper
from lenetlab.settings import POSITIVE_COUNT, UNIT


@wrapper(
    "lookahead",
    reference="Zhang et al. 2019, arXiv:1907.08610, Alg. 1",
    defaults={"k": 5, "alpha": 0.5},
    space={"alpha": uniform(0.2, 0.9)},
    cost="none; 2 vectors",
    domains={"k": POSITIVE_COUNT, "alpha": UNIT},
)
class Lookahead(Update):
    STATE = ("phi", "t")

    def __init__(self, k: int, alpha: float) -> None:
        self.k, self.alpha = k, alpha

    def start(self, w: Tensor) -> None:
        self.phi = w.clone()
        self.t = 0

    def correct(self, before: Tensor, g: Tensor, w: Tensor) -> None:
        self.t += 1
        if self.t % self.k == 0:
            self.phi.lerp_(w, self.alpha)
            w.copy_(self.phi)

    def masked(self, w: Tensor, mask: Tensor) -> None:
        """What was remembered of other weights is forgotten."""
        self.phi.mul_(mask)

    def moved(self, by: Tensor) -> None:
        self.phi.add_(by)

    def eval_weights(self, w: Tensor) -> Tensor:
        return self.phi
