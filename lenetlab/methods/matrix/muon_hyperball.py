r"""Muon Hyperball: every matrix keeps a multiple of its initial norm, and only turns.

Where the weights' norm is free, it grows and steps turn the weights less and less; weight decay
fights that with an equilibrium that rate and decay find together. Here the norm is a setting, and
the rate is the angle of a step.

    R = c ‖W₀‖_F,   W₀ ← c W₀                             before the first step
    M ← μ M + (1 − μ) G,   U = polar((1 − μ) G + μ M)
    V = W − η R U/‖U‖_F,   W ← R V/‖V‖_F

The method itself multiplies the initial matrices by c and normalises them ever after: scenario
`plain` allows that. Biases are free and move as in `muon`, by η; so does a matrix that begins at
zero, which has no norm to be held at.

It controls norms as weight decay does, and is ranked apart from methods that leave them free.

Source: Wen et al., Fantastic Pretraining Optimizers and Where to Find Them II: Hyperball
Optimization, 2026, arXiv:2606.16899 (MuonH); the multiple c, 1 there, is `norm`. With PyTorch's
initialisation ‖W₀‖_F ≈ √(A/3) for an A×B matrix, so a step of `muon` has length √3 η ‖W₀‖_F or so
in every layer: this is `muon` at rate c η/√3, on spheres. airbench's Muon rescales to ‖W‖_F = √A,
1.7 times the initial norm, and lets its steps leave the sphere until the next one.
Cost: one gradient a step, and five Newton-Schulz steps, 0.12 GFLOP; one vector of memory.
"""

import torch
from torch import Tensor

from lenetlab.component import log_uniform, uniform
from lenetlab.methods.base import Base
from lenetlab.methods.matrix.muon import scale
from lenetlab.methods.matrix.polar import polar
from lenetlab.methods.registry import method
from lenetlab.oracle.oracle import Oracle
from lenetlab.settings import Domain


@method(
    "muon_hyperball",
    family="matrix",
    reference="Wen et al. 2026, arXiv:2606.16899",
    form="layers",
    defaults={"lr": 5e-3, "momentum": 0.95, "norm": 2.5},
    space={"lr": log_uniform(2e-3, 0.04), "momentum": uniform(0.8, 0.98),
           "norm": log_uniform(1.5, 5.0)},
    cost="1 gradient and 0.12 GFLOP a step; 1 vector",
    within="spheres",
    norms="sphere",
    version=2,
    domains={"norm": Domain(1e-3)},
    batch_scaling="sqrt",
)  # fmt: skip
class MuonHyperball(Base):
    STATE = ("momenta", "radii")

    def start(self, w: Tensor) -> None:
        self.momenta = [torch.zeros_like(layer.w) for layer in self.layers]
        self.radii: list[Tensor | None] = []
        for w, _ in self.layers:
            held = w.dim() > 1 and bool(w.any())
            self.radii.append(w.mul_(self.group["norm"]).norm() if held else None)

    def step(self, oracle: Oracle) -> Tensor:
        loss = oracle()
        eta, mu = self.group["lr"], self.group["momentum"]
        gradients = [layer.g for layer in self.layers]
        torch._foreach_lerp_(self.momenta, gradients, 1 - mu)
        directions = polar(torch._foreach_lerp(gradients, self.momenta, mu), oracle.linalg)
        for (w, _), u, radius in zip(self.layers, directions, self.radii, strict=True):
            if radius is None:
                w.sub_(u, alpha=eta * scale(w))
            else:
                w.addcmul_(u, radius / u.norm().clamp(min=1e-7), value=-eta)
                w.mul_(radius / w.norm())
        return loss

    def nearest(self, w: Tensor) -> Tensor:
        """`w` (n,) with every matrix on its sphere: for means, which lie inside."""
        x = w.clone()
        for v, radius in zip(self.views(x), self.radii, strict=True):
            if radius is not None:
                v.mul_(radius / v.norm())
        return x
