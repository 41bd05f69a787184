r"""Adam: a running mean of gradients, divided by the root of a running mean of their squares.

Momentum sets the direction, the second moment a rate for every weight; both are corrected for
having started at zero.

    m ← β₁ m + (1 − β₁) g            m̂ = m / (1 − β₁ᵗ)
    v ← β₂ v + (1 − β₂) g²           v̂ = v / (1 − β₂ᵗ)
    w ← w − η m̂ / (√v̂ + ε)

Source: Kingma and Ba, Adam: A Method for Stochastic Optimization, ICLR 2015, arXiv:1412.6980,
Algorithm 1. Weight decay is coupled: it enters g. With β₁ = 0 it is `rmsprop` with bias
correction. Here: `torch.optim.Adam`, its fused kernel.
Cost: one gradient a step; two vectors of memory.
"""

from torch import Tensor
from torch.optim import Adam

from lenetlab.component import log_uniform, uniform
from lenetlab.methods.eager import eager
from lenetlab.methods.registry import method


@method(
    "adam",
    family="adaptive",
    reference="Kingma and Ba 2015, arXiv:1412.6980, Alg. 1",
    decay="coupled",
    defaults={
        "lr": 2e-3, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.0, "fused": True,
    },
    space={"lr": log_uniform(1e-3, 1e-2), "beta1": uniform(0.8, 0.95)},
    cost="1 gradient a step; 2 vectors",
    batch_scaling="sqrt",
)  # fmt: skip
def adam(
    params: list[Tensor],
    *,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    fused: bool,
) -> Adam:
    return eager(Adam)(
        params, lr=lr, betas=(beta1, beta2), eps=eps, weight_decay=weight_decay, fused=fused
    )
