r"""Adafactor: Adam's second moment of a matrix, kept as one number per row and per column.

The squared gradients of an m×n matrix are approximated by the outer product of their row and
column means, so memory is m + n instead of m n. Convolutions are flattened to matrices, biases
keep full moments. Steps are scaled by the size of the weights and clipped at root mean square d.

    R ← β R + (1 − β) rowmean(g²),   C ← β C + (1 − β) colmean(g²),   β = 1 − t^τ
    U = g / √(R C / mean R)
    α = max(ε₂, rms(w)) · min(η, 1/√t)
    w ← w − α U / max(1, rms(U)/d)

Source: Shazeer and Stern, Adafactor: Adaptive Learning Rates with Sublinear Memory Cost, ICML
2018, arXiv:1804.04235, Algorithm 4; τ = −0.8 is `beta2_decay`. Its first moment is left out, as
in PyTorch. Weight decay is decoupled. Here: `torch.optim.Adafactor`.
Cost: one gradient a step; a row and a column per matrix.
"""

from torch import Tensor
from torch.optim import Adafactor

from lenetlab.component import log_uniform
from lenetlab.methods.eager import eager
from lenetlab.methods.registry import method
from lenetlab.settings import NOT_NEGATIVE, Domain


@method(
    "adafactor",
    family="adaptive",
    reference="Shazeer and Stern 2018, arXiv:1804.04235, Alg. 4",
    form="layers",
    decay="decoupled",
    defaults={"lr": 0.08, "beta2_decay": -0.8, "eps": 1e-3, "d": 1.0, "weight_decay": 0.0},
    # The rate is a share of a layer's own size, forty times Adam's: so much weaker is the decay.
    space={"lr": log_uniform(0.01, 0.5), "weight_decay": log_uniform(5e-4, 2e-2)},
    cost="1 gradient a step; a row and a column per matrix",
    domains={"beta2_decay": Domain(-4, 0, closed=True), "d": Domain(1), "eps": NOT_NEGATIVE},
    batch_scaling="sqrt",
)
def adafactor(
    params: list[Tensor], *, lr: float, beta2_decay: float, eps: float, d: float,
    weight_decay: float,
) -> Adafactor:  # fmt: skip
    return eager(Adafactor)(
        params, lr=lr, beta2_decay=beta2_decay, eps=(None, eps), d=d, weight_decay=weight_decay
    )
