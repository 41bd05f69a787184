r"""Averaged Hyperball: matrices that only turn, and the middle of where they turned is judged.

    R = c ‖W₀‖_F,   W₀ ← c W₀                             before the first step
    M ← μ M + (1 − μ) G,   U = polar((1 − μ) G + μ M)
    V = W − η R U/‖U‖_F,   W ← R V/‖V‖_F
    X ← X + max(1 − β, 1/t) (W − X)                       R X/‖X‖_F is judged

A bias is free, moves by η along U and is averaged without the sphere.

Sources: Wen et al., Fantastic Pretraining Optimizers and Where to Find Them II: Hyperball
Optimization, 2026, arXiv:2606.16899 (MuonH; c, which is 1 there, is `norm`); the polar factor by
Newton-Schulz steps of Jordan et al., Muon, 2024, kellerjordan.github.io/posts/muon.
"""

import torch
from torch import Tensor


class AveragedHyperball(torch.optim.Optimizer):
    """Muon on spheres; the average of its weights, brought back to the spheres, is judged."""

    form = "layers"  # kernels of a convolution are the rows of a matrix
    norms = "sphere"
    batch_scaling = "sqrt"
    space = {
        "lr": (2e-3, 0.04, "log"),
        "momentum": (0.8, 0.98),
        "norm": (1.5, 5.0, "log"),
        "beta": (0.9, 0.999),
    }
    copies = ("average",)

    def __init__(self, params, lr=5e-3, momentum=0.95, norm=2.5, beta=0.99):
        for name, value in (("momentum", momentum), ("beta", beta)):
            if not 0 <= value < 1:
                raise ValueError(f"{name} is {value}; expected 0 ≤ {name} < 1")
        if not norm > 0:
            raise ValueError(f"norm is {norm}; expected norm > 0")
        super().__init__(params, {"lr": lr, "momentum": momentum, "norm": norm, "beta": beta})

    @torch.no_grad()
    def step(self, closure):
        for group in self.param_groups:
            for w in group["params"]:
                if w not in self.state:
                    held = w.dim() > 1 and bool(w.any())
                    radius = w.mul_(group["norm"]).norm() if held else None
                    self.state[w] = {"t": 0, "radius": radius, "momentum": torch.zeros_like(w),
                                     "average": w.clone()}  # fmt: skip
        loss = closure()
        for group in self.param_groups:
            eta, mu = group["lr"], group["momentum"]
            for w in group["params"]:
                state = self.state[w]
                m = state["momentum"].lerp_(w.grad, 1 - mu)
                u, radius = polar(w.grad.lerp(m, mu)), state["radius"]
                if radius is None:
                    w.sub_(u, alpha=eta)
                else:
                    w.addcmul_(u, radius / u.norm().clamp(min=1e-7), value=-eta)
                    w.mul_(radius / w.norm())
                state["t"] += 1
                state["average"].lerp_(w, max(1 - group["beta"], 1 / state["t"]))
        return loss

    def eval_weights(self, w: Tensor) -> Tensor:
        judged = []
        for state in self.state.values():
            x, radius = state["average"], state["radius"]
            judged.append((x if radius is None else x * (radius / x.norm())).flatten())
        return torch.cat(judged) if judged else w


def polar(g: Tensor) -> Tensor:
    """About the polar factor of `g`, by five quintic Newton-Schulz steps; of a vector exactly."""
    x = g / (g.norm() + 1e-7)
    if x.dim() < 2:
        return x
    wide = x if x.size(0) <= x.size(1) else x.T
    for _ in range(5):
        square = wide @ wide.T
        wide = 3.4445 * wide + (2.0315 * square @ square - 4.7750 * square) @ wide
    return wide if x.size(0) <= x.size(1) else wide.T
