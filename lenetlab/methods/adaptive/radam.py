r"""RAdam: Adam that waits until its second moment can be trusted.

Early on the second moment rests on a few gradients and its variance is huge. While the length
ρ_t of its memory is at most 5 the step is plain momentum; after that it is scaled by r_t, which
grows to 1: a warm-up that needs no setting.

    ρ_∞ = 2/(1 − β₂) − 1,   ρ_t = ρ_∞ − 2 t β₂ᵗ / (1 − β₂ᵗ)
    r_t = √( (ρ_t − 4)(ρ_t − 2) ρ_∞ / ((ρ_∞ − 4)(ρ_∞ − 2) ρ_t) )
    w ← w − η m̂ r_t / (√v̂ + ε)   if ρ_t > 5,   else   w ← w − η m̂

Source: Liu et al., On the Variance of the Adaptive Learning Rate and Beyond, ICLR 2020,
arXiv:1908.03265, Algorithm 2 (which switches at ρ_t > 4). Weight decay is coupled.
Here: `torch.optim.RAdam`. Cost: one gradient a step; two vectors of memory.
"""

from torch import Tensor
from torch.optim import RAdam

from lenetlab.component import log_uniform, uniform
from lenetlab.methods.eager import eager
from lenetlab.methods.registry import method


@method(
    "radam",
    family="adaptive",
    reference="Liu et al. 2020, arXiv:1908.03265, Alg. 2",
    decay="coupled",
    defaults={"lr": 6e-3, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.0},
    space={"lr": log_uniform(2e-3, 2e-2), "beta1": uniform(0.8, 0.95)},
    version=3,
    cost="1 gradient a step; 2 vectors",
    batch_scaling="sqrt",
)
def radam(
    params: list[Tensor], *, lr: float, beta1: float, beta2: float, eps: float, weight_decay: float
) -> RAdam:
    return eager(RAdam)(params, lr=lr, betas=(beta1, beta2), eps=eps, weight_decay=weight_decay)
