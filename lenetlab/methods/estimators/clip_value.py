r"""Clipping by the value: no entry of the gradient counts for more than c.

The direction changes: what the largest entries had too much is cut off, each by itself. It bounds
a step in the maximum norm, as `clip_norm` does in the Euclidean one.

    v_i = min(max(g_i, −c), c)

Source: Mikolov, Statistical Language Models Based on Neural Networks, thesis, Brno 2012, as
Pascanu, Mikolov and Bengio (arXiv:1211.5063, section 3.2) describe it. Here: what
`torch.nn.utils.clip_grad_value_` does, before coupled weight decay of the method. With c → ∞ it is
the method inside; with c → 0 and a rate of η/c it is a step along the signs of the gradient.
Cost: one gradient a step; no memory.
"""

from torch import Tensor

from lenetlab.component import log_uniform
from lenetlab.methods.wrappers import Estimator, Oracle, wrapper
from lenetlab.settings import Domain


@wrapper(
    "clip_value",
    reference="Mikolov 2012; Pascanu, Mikolov and Bengio 2013, arXiv:1211.5063",
    defaults={"bound": 0.1},
    space={"bound": log_uniform(1e-3, 1.0)},
    cost="1 gradient a step; no memory",
    domains={"bound": Domain(1e-12)},
)
class ClipValue(Estimator):
    def __init__(self, bound: float) -> None:
        self.bound = bound

    def estimate(self, oracle: Oracle, g: Tensor) -> Tensor:
        loss, _ = oracle.gradient(oracle.batch, out=g)
        g.clamp_(-self.bound, self.bound)
        return loss
