r"""Mini-batch gradient descent: a step against the gradient of the loss on a few examples.

The gradient of a random batch S is an unbiased estimate of the full one, and a step costs |S|
instead of n gradients. At a constant rate the iterates settle in a neighbourhood of a minimum
whose size grows with η/|S|; a rate that decays to zero closes in on it.

    g = 1/|S| Σ_{i∈S} ∇ℓ_i(w)
    w ← w − η g

For an L-smooth F, strongly convex (c) in the first two lines, and a variance of g of at most M,
of batches drawn with replacement (here a sweep takes every example once):

    η ≤ 1/L constant         E F(w_k) − F* ≤ ηLM/(2c) + (1 − ηc)^{k−1} (F(w_1) − F*)
    η_k = β/(γ + k), β > 1/c      E F(w_k) − F* = O(1/k)
    any F, η constant        E mean_{j≤k} ‖∇F(w_j)‖² ≤ ηLM + 2 (F(w_1) − F*) / (ηk)

Source: Robbins and Monro, A Stochastic Approximation Method, Ann. Math. Statist. 22, 1951;
Bottou, Curtis and Nocedal, Optimization Methods for Large-Scale Machine Learning, SIAM Review
60, 2018, Algorithm 4.1, and Theorems 4.6 to 4.8 for an unbiased g (their μ = M_G = 1). With
η = 0.001 it is the starter script. Here: `torch.optim.SGD`.
Cost: one gradient a step; no memory.
"""

from torch import Tensor
from torch.optim import SGD

from lenetlab.component import log_uniform
from lenetlab.methods.eager import eager
from lenetlab.methods.registry import method


@method(
    "sgd",
    family="basic",
    reference="Robbins and Monro 1951; Bottou, Curtis and Nocedal 2018, Alg. 4.1",
    decay="coupled",
    defaults={"lr": 0.4, "weight_decay": 0.0},
    space={"lr": log_uniform(0.1, 0.6)},
    cost="1 gradient a step; no memory",
    batch_scaling="sqrt",
)
def sgd(params: list[Tensor], *, lr: float, weight_decay: float) -> SGD:
    return eager(SGD)(params, lr=lr, weight_decay=weight_decay)
