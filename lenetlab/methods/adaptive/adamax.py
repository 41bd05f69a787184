r"""Adamax: Adam with the largest recent gradient in place of the root mean square.

The limit p → ∞ of Adam with the p-norm of past gradients; steps are bounded by the rate.

    m ← β₁ m + (1 − β₁) g
    u ← max(β₂ u, |g| + ε)
    w ← w − η / (1 − β₁ᵗ) · m / u

Source: Kingma and Ba, Adam: A Method for Stochastic Optimization, ICLR 2015, arXiv:1412.6980,
Algorithm 2 (without ε). Here: `torch.optim.Adamax`.
Cost: one gradient a step; two vectors of memory.
"""

from torch import Tensor
from torch.optim import Adamax

from lenetlab.component import log_uniform, uniform
from lenetlab.methods.eager import eager
from lenetlab.methods.registry import method


@method(
    "adamax",
    family="adaptive",
    reference="Kingma and Ba 2015, arXiv:1412.6980, Alg. 2",
    decay="coupled",
    defaults={"lr": 8e-3, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.0},
    space={"lr": log_uniform(2e-3, 3e-2), "beta1": uniform(0.8, 0.95)},
    cost="1 gradient a step; 2 vectors",
    batch_scaling="sqrt",
)
def adamax(
    params: list[Tensor], *, lr: float, beta1: float, beta2: float, eps: float, weight_decay: float
) -> Adamax:
    return eager(Adamax)(params, lr=lr, betas=(beta1, beta2), eps=eps, weight_decay=weight_decay)
