r"""Clipping by the norm: no step is longer than the method would make of a gradient of length c.

A rare batch with a gradient much longer than usual throws the weights far off. Where the gradient
is longer than c it is shortened to c; its direction stays.

    v = g min(1, c / ‖g‖₂)

Source: Pascanu, Mikolov and Bengio, On the difficulty of training recurrent neural networks, ICML
2013, arXiv:1211.5063, Algorithm 1. The norm is over all weights, and c / (‖g‖ + 10⁻⁶) is what
`torch.nn.utils.clip_grad_norm_` multiplies by, as here. It acts before coupled weight decay of the
method, as between `backward()` and `step()`. With c → ∞ it is the method inside; with a small c and
`sgd` it is a step of length ηc. Cost: one gradient a step; no memory.
"""

from torch import Tensor

from lenetlab.component import log_uniform
from lenetlab.methods.wrappers import Estimator, Oracle, wrapper
from lenetlab.settings import Domain

TINY = 1e-6  # PyTorch's


@wrapper(
    "clip_norm",
    reference="Pascanu, Mikolov and Bengio 2013, arXiv:1211.5063, Alg. 1",
    defaults={"bound": 1.0},
    space={"bound": log_uniform(0.1, 10.0)},
    cost="1 gradient a step; no memory",
    domains={"bound": Domain(1e-12)},
)
class ClipNorm(Estimator):
    def __init__(self, bound: float) -> None:
        self.bound = bound

    def estimate(self, oracle: Oracle, g: Tensor) -> Tensor:
        loss, _ = oracle.gradient(oracle.batch, out=g)
        g.mul_((self.bound / (g.norm() + TINY)).clamp(max=1.0))
        return loss
