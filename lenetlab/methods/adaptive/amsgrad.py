r"""AMSGrad: Adam whose second moment may only grow, so that rates never rise.

Adam can fail to converge where rare large gradients are forgotten too soon; the maximum keeps
them.

    m ← β₁ m + (1 − β₁) g,   v ← β₂ v + (1 − β₂) g²,   v̂ ← max(v̂, v)
    w ← w − η m / (√v̂ + ε)

Source: Reddi, Kale and Kumar, On the Convergence of Adam and Beyond, ICLR 2018, Algorithm 2.
The paper has no bias correction, PyTorch applies Adam's. Weight decay is coupled.
Here: `torch.optim.Adam(amsgrad=True)`, its fused kernel.
Cost: one gradient a step; three vectors of memory.
"""

from torch import Tensor
from torch.optim import Adam

from lenetlab.component import log_uniform, uniform
from lenetlab.methods.eager import eager
from lenetlab.methods.registry import method


@method(
    "amsgrad",
    family="adaptive",
    reference="Reddi, Kale and Kumar 2018, Alg. 2",
    decay="coupled",
    defaults={
        "lr": 2e-3, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.0, "fused": True,
    },
    space={"lr": log_uniform(1e-3, 1e-2), "beta1": uniform(0.8, 0.95)},
    cost="1 gradient a step; 3 vectors",
    batch_scaling="sqrt",
)  # fmt: skip
def amsgrad(
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
        params, lr=lr, betas=(beta1, beta2), eps=eps, weight_decay=weight_decay,
        amsgrad=True, fused=fused,
    )  # fmt: skip
