r"""RMSprop: every weight's gradient is divided by its root mean square over recent steps.

Adagrad with a memory that fades, so that rates can rise again.

    v ← α v + (1 − α) g²
    w ← w − η g / (√v + ε)

Source: Tieleman and Hinton, Lecture 6.5, Neural Networks for Machine Learning, Coursera, 2012.
Implementations differ in where ε stands; PyTorch adds it after the root. α is called `beta2`
here as in its descendants. Its momentum sums up what has been divided by the root; `adam` divides
what has been averaged, and corrects both means for their start.
Here: `torch.optim.RMSprop`. Cost: one gradient a step; one vector of memory, two with momentum.
"""

from torch import Tensor
from torch.optim import RMSprop

from lenetlab.component import log_uniform, uniform
from lenetlab.methods.eager import eager
from lenetlab.methods.registry import method


@method(
    "rmsprop",
    family="adaptive",
    reference="Tieleman and Hinton 2012, Lecture 6.5",
    decay="coupled",
    defaults={"lr": 2e-3, "beta2": 0.99, "eps": 1e-8, "momentum": 0.0, "weight_decay": 0.0},
    space={"lr": log_uniform(1e-3, 2e-2), "beta2": uniform(0.9, 0.999)},
    cost="1 gradient a step; 1 vector, 2 with momentum",
    batch_scaling="sqrt",
)
def rmsprop(
    params: list[Tensor],
    *,
    lr: float,
    beta2: float,
    eps: float,
    momentum: float,
    weight_decay: float,
) -> RMSprop:
    return eager(RMSprop)(
        params, lr=lr, alpha=beta2, eps=eps, momentum=momentum, weight_decay=weight_decay
    )
