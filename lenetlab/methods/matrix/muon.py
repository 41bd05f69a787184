r"""Muon: momentum, orthogonalised, so that a layer moves equally far in all of its directions.

The momentum of a layer is close to a matrix of low rank: a few directions dominate it. Replacing
its singular values by 1 gives the steepest descent in the spectral norm, in which the outputs of
a layer change by a bounded amount for any input; a few Newton-Schulz steps do so approximately.

    M ← μ M + (1 − μ) G,   U = (1 − μ) G + μ M
    W ← (1 − η λ) W − η √max(1, A/B) polar(U)             W is A×B

Every layer is treated alike, by one rule and one rate; the first and the last are no exception. A
convolution's kernels are the rows of a matrix. In LeNet-5 A ≤ B everywhere, and the root is 1. A
bias is a matrix of one row, whose polar factor is u/‖u‖: a step of length η, by which each entry
moves about as far as the weights beside it.

With decay it *is* `frank_wolfe` on a spectral ball of radius 1/λ, at γ = η λ: the norms tend to 1/λ
or less. What `muon_hyperball` does by spheres is of the same kind.

Source: Jordan et al., Muon: An optimizer for hidden layers in neural networks, 2024,
kellerjordan.github.io/posts/muon, and √max(1, A/B) from the author's code; the steepest descent:
Bernstein and Newhouse, Old Optimizer, New Norm, 2024, arXiv:2409.20325, whose norm would have
√(A/B), below 1 too. Usually biases, first and last layers are left to
AdamW, at a rate of their own. `torch.optim.Muon` takes matrices alone, decays by 0.1 unless told
otherwise and iterates in bfloat16, this one in the weights' own precision. Moonshot scales steps by
0.2 √max(A, B) (arXiv:2502.16982). airbench's Muon takes convolutions alone and has no decay: it
rescales each to a norm of √A before every step, see `muon_hyperball`. NorMuon (arXiv:2510.05491)
divides rows of the factor by their root mean square over time. Where A ≤ B, as here everywhere,
rows of an exact factor of full rank have length 1 already: it could level only what Newton-Schulz
leaves. With μ = 0 and singular values that are equal it is a step along the gradient.
Cost: one gradient a step, and five Newton-Schulz steps, 0.12 GFLOP; one vector of memory.
"""

import math

import torch
from torch import Tensor

from lenetlab.component import log_uniform, uniform
from lenetlab.methods.base import Base
from lenetlab.methods.matrix.polar import polar
from lenetlab.methods.registry import method
from lenetlab.oracle.oracle import Oracle


@method(
    "muon",
    family="matrix",
    reference="Jordan et al. 2024, kellerjordan.github.io/posts/muon",
    form="layers",
    decay="decoupled",
    defaults={"lr": 0.008, "momentum": 0.95, "weight_decay": 0.0},
    space={"lr": log_uniform(3e-3, 0.06), "momentum": uniform(0.8, 0.98)},
    cost="1 gradient and 0.12 GFLOP a step; 1 vector",
    batch_scaling="sqrt",
)
class Muon(Base):
    STATE = ("momenta",)

    def start(self, w: Tensor) -> None:
        self.momenta = [torch.zeros_like(layer.w) for layer in self.layers]
        self.scales = [scale(layer.w) for layer in self.layers]

    def step(self, oracle: Oracle) -> Tensor:
        loss = oracle()
        h = self.group
        eta, mu = h["lr"], h["momentum"]
        gradients = [layer.g for layer in self.layers]
        torch._foreach_lerp_(self.momenta, gradients, 1 - mu)
        directions = polar(torch._foreach_lerp(gradients, self.momenta, mu), oracle.linalg)
        weights = [layer.w for layer in self.layers]
        if h["weight_decay"]:
            for w in weights:
                self.part(w).mul_(1 - eta * h["weight_decay"])
        for w, u, scaled in zip(weights, directions, self.scales, strict=True):
            w.sub_(u, alpha=eta * scaled)
        return loss


def scale(w: Tensor) -> float:
    """√max(1, A/B) of an A×B matrix, 1 of a vector."""
    return math.sqrt(max(1.0, w.size(0) / w.size(-1)))
