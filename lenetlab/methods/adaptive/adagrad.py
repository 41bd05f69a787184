r"""Adagrad: every weight has its own rate, divided by the root of all its squared gradients.

Weights with rare or small gradients keep a large rate. The sum never forgets, so rates only
fall; on long runs they fall too far.

    s ← s + g²
    w ← w − η g / (√s + ε)

Source: Duchi, Hazan and Singer, Adaptive Subgradient Methods for Online Learning and
Stochastic Optimization, JMLR 12, 2011. Here: `torch.optim.Adagrad`, its fused kernel.
Cost: one gradient a step; one vector of memory.
"""

from torch import Tensor
from torch.optim import Adagrad

from lenetlab.component import log_uniform
from lenetlab.methods.eager import eager
from lenetlab.methods.registry import method


@method(
    "adagrad",
    family="adaptive",
    reference="Duchi, Hazan and Singer 2011",
    decay="coupled",
    defaults={"lr": 0.02, "eps": 1e-10, "weight_decay": 0.0, "fused": True},
    space={"lr": log_uniform(0.02, 0.3)},
    cost="1 gradient a step; 1 vector",
)
def adagrad(
    params: list[Tensor], *, lr: float, eps: float, weight_decay: float, fused: bool
) -> Adagrad:
    return eager(Adagrad)(params, lr=lr, eps=eps, weight_decay=weight_decay, fused=fused)
