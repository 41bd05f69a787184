r"""Adadelta: rates from the ratio of two running averages, of past steps and of gradients.

The numerator gives a step the units of the weights, so that no rate needs to be chosen; in
practice one still is.

    v ← ρ v + (1 − ρ) g²
    Δ = g √(u + ε) / √(v + ε)
    u ← ρ u + (1 − ρ) Δ²
    w ← w − η Δ

Source: Zeiler, ADADELTA: An Adaptive Learning Rate Method, 2012, arXiv:1212.5701, Algorithm 1
(η = 1 there). Here: `torch.optim.Adadelta`.
Cost: one gradient a step; two vectors of memory.
"""

from torch import Tensor
from torch.optim import Adadelta

from lenetlab.component import log_uniform, uniform
from lenetlab.methods.eager import eager
from lenetlab.methods.registry import method


@method(
    "adadelta",
    family="adaptive",
    reference="Zeiler 2012, arXiv:1212.5701, Alg. 1",
    decay="coupled",
    defaults={"lr": 2.0, "rho": 0.9, "eps": 1e-6, "weight_decay": 0.0},
    space={"lr": log_uniform(0.3, 10.0), "rho": uniform(0.8, 0.99)},
    cost="1 gradient a step; 2 vectors",
)
def adadelta(
    params: list[Tensor], *, lr: float, rho: float, eps: float, weight_decay: float
) -> Adadelta:
    return eager(Adadelta)(params, lr=lr, rho=rho, eps=eps, weight_decay=weight_decay)
