r"""Coordinate descent: a gradient step on some of the weights, all others held.

Where one partial derivative costs an n-th of a gradient, a step along one coordinate is almost
free, and the best rate along it larger than for all together. Backpropagation gives all partial
derivatives for the price of any, so that on a network nothing is saved: this is here to show
what is lost. The block is drawn anew in every step, or holds the largest derivatives.

    B = ⌈`block` · n⌉ coordinates: drawn at random (`rule=random`), or those with the largest
        |g_i| (`rule=greedy`, Gauss-Southwell)
    w_i ← w_i − η g_i   for i ∈ B,   g = ∇F_S(w)

Source: Wright, Coordinate Descent Algorithms, Math. Program. 151, 2015, arXiv:1502.04759,
Algorithm 3 (random), with blocks; Nutini et al., Coordinate Descent Converges Faster with the
Gauss-Southwell Rule Than Random Selection, ICML 2015, arXiv:1506.00552. The theory takes 1/L_i as
the rate of coordinate i; here one rate serves all. With `block` = 1 it is `sgd`. Without
gradients it would cost two values a coordinate: 88,852 for one sweep over the weights.
Measured on held-out images, seed 0: 78.9 % after one effective pass, 88.4 after ten;
`rule=greedy` with η = 0.2 82.9 after one.
Cost: one whole gradient a step, whatever the block; one vector.
"""

import math

import torch
from torch import Tensor

from lenetlab.component import log_uniform
from lenetlab.errors import unknown
from lenetlab.methods.base import Base
from lenetlab.methods.registry import method
from lenetlab.oracle.oracle import Oracle
from lenetlab.settings import Domain

RULES = ("random", "greedy")


@method(
    "coordinate_descent",
    family="basic",
    reference="Wright 2015, arXiv:1502.04759, Alg. 3; Nutini et al. 2015, arXiv:1506.00552",
    defaults={"lr": 1.0, "block": 0.1, "rule": "random"},
    space={"lr": log_uniform(0.3, 3.0), "block": log_uniform(0.05, 0.5)},
    version=2,
    cost="1 gradient a step; 1 vector",
    domains={"block": Domain(1e-9, 1, closed=True)},
    batch_scaling="sqrt",
)
class CoordinateDescent(Base):
    def start(self, w: Tensor) -> None:
        if self.group["rule"] not in RULES:
            raise unknown("rule of coordinate_descent", self.group["rule"], RULES)

    def step(self, oracle: Oracle) -> Tensor:
        loss = oracle()
        w, g, h = self.w, self.g, self.group
        size = math.ceil(h["block"] * len(w))
        if h["rule"] == "greedy":
            block = g.abs().topk(size).indices
        else:
            block = torch.randperm(len(w), generator=oracle.rng)[:size].to(w.device)
        w.index_add_(0, block, g[block], alpha=-h["lr"])
        return loss
