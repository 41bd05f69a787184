r"""Heavy ball: gradient descent with inertia, so that steps in a lasting direction add up.

Along directions of small curvature successive gradients agree and the velocity grows by up to
1/(1−μ); across a narrow valley they alternate and cancel.

    v ← μ v + g
    w ← w − η v

Source: Polyak, Some methods of speeding up the convergence of iteration methods, USSR Comput.
Math. Math. Phys. 4(5), 1964. PyTorch multiplies the whole velocity by the present rate, Polyak
only the new gradient: the two differ when the rate changes. With μ = 0 it is `sgd`.
Here: `torch.optim.SGD`. Cost: one gradient a step; one vector of memory.
"""

from torch import Tensor
from torch.optim import SGD

from lenetlab.component import log_uniform, uniform
from lenetlab.methods.eager import eager
from lenetlab.methods.registry import method


@method(
    "heavy_ball",
    family="momentum",
    reference="Polyak 1964",
    decay="coupled",
    defaults={"lr": 0.04, "momentum": 0.9, "weight_decay": 0.0},
    space={"lr": log_uniform(0.008, 0.15), "momentum": uniform(0.8, 0.97)},
    cost="1 gradient a step; 1 vector",
    batch_scaling="sqrt",
)
def heavy_ball(params: list[Tensor], *, lr: float, momentum: float, weight_decay: float) -> SGD:
    return eager(SGD)(params, lr=lr, momentum=momentum, weight_decay=weight_decay)
