r"""NAdam: Adam with Nesterov's look ahead in its first moment.

The step uses the momentum as it will be at the next step, with a momentum that warms up:

    μ_t = β₁ (1 − ½ · 0.96^{t ψ})
    m ← β₁ m + (1 − β₁) g,   v ← β₂ v + (1 − β₂) g²
    m̂ = μ_{t+1} m / (1 − ∏_{i≤t+1} μ_i) + (1 − μ_t) g / (1 − ∏_{i≤t} μ_i)
    w ← w − η m̂ / (√(v / (1 − β₂ᵗ)) + ε)

Source: Dozat, Incorporating Nesterov Momentum into Adam, ICLR Workshop 2016, with its ψ = 0.004
as `momentum_decay`. Weight decay is coupled. Here: `torch.optim.NAdam`.
Cost: one gradient a step; two vectors of memory.
"""

from torch import Tensor
from torch.optim import NAdam

from lenetlab.component import log_uniform, uniform
from lenetlab.methods.eager import eager
from lenetlab.methods.registry import method
from lenetlab.settings import NOT_NEGATIVE


@method(
    "nadam",
    family="adaptive",
    reference="Dozat 2016",
    decay="coupled",
    defaults={
        "lr": 4e-3, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "momentum_decay": 4e-3,
        "weight_decay": 0.0,
    },
    space={"lr": log_uniform(1e-3, 1.2e-2), "beta1": uniform(0.8, 0.95)},
    cost="1 gradient a step; 2 vectors",
    domains={"momentum_decay": NOT_NEGATIVE},
    batch_scaling="sqrt",
)  # fmt: skip
def nadam(
    params: list[Tensor],
    *,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    momentum_decay: float,
    weight_decay: float,
) -> NAdam:
    return eager(NAdam)(
        params, lr=lr, betas=(beta1, beta2), eps=eps, momentum_decay=momentum_decay,
        weight_decay=weight_decay,
    )  # fmt: skip
