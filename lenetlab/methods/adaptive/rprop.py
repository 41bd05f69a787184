r"""Rprop: every weight has a step size of its own, steered by the sign of its gradient alone.

The step grows by η⁺ while the sign stays and shrinks by η⁻ when it flips, which means a
minimum was jumped over. Signs of noisy gradients flip for no reason, so its batch is the whole
training set; `lr` is the first step size.

    Δ ← η⁺ Δ   if g g⁻ > 0,   Δ ← η⁻ Δ and g ← 0   if g g⁻ < 0      (Δ kept in [Δmin, Δmax])
    w ← w − Δ sign g

Source: Riedmiller and Braun, A direct adaptive method for faster backpropagation learning: The
RPROP algorithm, ICNN 1993 (as iRprop−, Igel and Hüsken 2000: no step back after a flip).
Here: `torch.optim.Rprop`. Cost: one pass a step; two vectors of memory.
"""

from torch import Tensor
from torch.optim import Rprop

from lenetlab.component import log_uniform
from lenetlab.methods.eager import eager
from lenetlab.methods.registry import method
from lenetlab.settings import Domain


@method(
    "rprop",
    family="adaptive",
    reference="Riedmiller and Braun 1993; Igel and Hüsken 2000 (iRprop−)",
    defaults={"lr": 1e-3, "shrink": 0.5, "grow": 1.2, "smallest": 1e-6, "largest": 0.1},
    space={"lr": log_uniform(1e-4, 1e-2), "largest": log_uniform(0.01, 1.0)},
    cost="1 pass a step; 2 vectors",
    domains={"shrink": Domain(1e-3, 1), "grow": Domain(1.001, 10), "smallest": Domain(0),
             "largest": Domain(0)},
    batch_size=60_000,
    scaled_by_rate=False,
)  # fmt: skip
def rprop(
    params: list[Tensor],
    *,
    lr: float,
    shrink: float,
    grow: float,
    smallest: float,
    largest: float,
) -> Rprop:
    return eager(Rprop)(params, lr=lr, etas=(shrink, grow), step_sizes=(smallest, largest))
