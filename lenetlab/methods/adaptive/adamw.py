r"""AdamW: Adam with weight decay taken out of the gradient.

In Adam, decay that enters the gradient is divided by √v̂ like everything else, so weights with
large gradients hardly decay. Here every weight shrinks by the same factor.

    w ← (1 − η λ) w
    m ← β₁ m + (1 − β₁) g            m̂ = m / (1 − β₁ᵗ)
    v ← β₂ v + (1 − β₂) g²           v̂ = v / (1 − β₂ᵗ)
    w ← w − η m̂ / (√v̂ + ε)

Source: Loshchilov and Hutter, Decoupled Weight Decay Regularization, ICLR 2019,
arXiv:1711.05101, Algorithm 2 (there λ is not multiplied by η, in PyTorch it is). PyTorch's
default λ = 0.01 is 0 here: scenario `plain` allows none, and then it is `adam`.
Here: `torch.optim.AdamW`, its fused kernel. Cost: one gradient a step; two vectors of memory.
"""

from torch import Tensor
from torch.optim import AdamW

from lenetlab.component import log_uniform, uniform
from lenetlab.methods.eager import eager
from lenetlab.methods.registry import method


@method(
    "adamw",
    family="adaptive",
    reference="Loshchilov and Hutter 2019, arXiv:1711.05101, Alg. 2",
    decay="decoupled",
    defaults={
        "lr": 2e-3, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.0, "fused": True,
    },
    space={"lr": log_uniform(1e-3, 1e-2), "beta1": uniform(0.8, 0.95)},
    cost="1 gradient a step; 2 vectors",
    batch_scaling="sqrt",
)  # fmt: skip
def adamw(
    params: list[Tensor],
    *,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    fused: bool,
) -> AdamW:
    return eager(AdamW)(
        params, lr=lr, betas=(beta1, beta2), eps=eps, weight_decay=weight_decay, fused=fused
    )
