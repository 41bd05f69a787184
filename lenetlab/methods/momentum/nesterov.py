r"""Nesterov's accelerated gradient: inertia, with the gradient seen from where it will carry.

The velocity is corrected by a gradient at the point ahead rather than the present one, which
damps the oscillations of the heavy ball. PyTorch stores the point ahead as the weights, in the
form of Sutskever et al. (2013), so that one gradient a step suffices:

    v ← μ v + g
    w ← w − η (g + μ v)

Source: Nesterov, A method of solving a convex programming problem with convergence rate
O(1/k²), Soviet Math. Dokl. 27, 1983; Sutskever, Martens, Dahl and Hinton, On the importance of
initialization and momentum in deep learning, ICML 2013. With μ = 0 it is `sgd`.
Here: `torch.optim.SGD(nesterov=True)`. Cost: one gradient a step; one vector of memory.
"""

from torch import Tensor
from torch.optim import SGD

from lenetlab.component import log_uniform, uniform
from lenetlab.methods.eager import eager
from lenetlab.methods.registry import method
from lenetlab.settings import Domain


@method(
    "nesterov",
    family="momentum",
    reference="Nesterov 1983; Sutskever et al. 2013",
    decay="coupled",
    defaults={"lr": 0.04, "momentum": 0.9, "weight_decay": 0.0},
    space={"lr": log_uniform(0.008, 0.15), "momentum": uniform(0.8, 0.97)},
    cost="1 gradient a step; 1 vector",
    domains={"momentum": Domain(1e-12, 1)},  # PyTorch refuses nesterov without momentum
    batch_scaling="sqrt",
)
def nesterov(params: list[Tensor], *, lr: float, momentum: float, weight_decay: float) -> SGD:
    return eager(SGD)(params, lr=lr, momentum=momentum, weight_decay=weight_decay, nesterov=True)
