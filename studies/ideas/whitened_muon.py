"""Muon where gradients are alike in all directions: an idea, tried for docs/ideas.md.

A layer's momentum is multiplied by powers of Shampoo's two statistics before its polar factor is
taken, and the factor by the same powers after it: the steepest descent in the spectral norm of
those coordinates. With alpha = 0 it is `muon`, at alpha = 1/4 the coordinates are Shampoo's.
"""

from typing import ClassVar

import torch
from torch import Tensor

from lenetlab.methods.matrix.polar import STEPS
from lenetlab.oracle.newton_schulz import newton_schulz


class WhitenedMuon(torch.optim.Optimizer):
    """`muon` between L^-α and R^-α, L and R averages of G Gᵀ and Gᵀ G; steps as long as there."""

    form, decay = "layers", "decoupled"
    defaults: ClassVar = {
        "lr": 0.008, "momentum": 0.95, "weight_decay": 0.0, "alpha": 0.125, "beta2": 0.95,
        "every": 10, "damping": 1e-3, "sides": 3,
    }  # fmt: skip

    def __init__(self, params, **given):
        super().__init__(params, {**type(self).defaults, **given})

    @torch.no_grad()
    def step(self, closure):
        with torch.enable_grad():
            loss = closure()
        for group in self.param_groups:
            for p in group["params"]:
                u = self._direction(p, group)
                if p.dim() > 1:
                    p.mul_(1 - group["lr"] * group["weight_decay"])
                p.sub_(u, alpha=group["lr"])
        return loss

    def _direction(self, p: Tensor, group) -> Tensor:
        mu, state, g = group["momentum"], self.state[p], p.grad
        m = state.setdefault("m", torch.zeros_like(p))
        m.lerp_(g, 1 - mu)
        u = torch.lerp(g, m, mu)
        if p.dim() == 1:
            return newton_schulz(u, STEPS)
        t = state["t"] = state.get("t", 0) + 1
        for side, product in (("left", g @ g.T), ("right", g.T @ g)):
            s = state.setdefault(side, torch.zeros_like(product))
            s.lerp_(product, max(1 - group["beta2"], 1 / t))
            if (t - 1) % group["every"] == 0 or t < group["every"]:
                state[side + " power"] = power(s, group["alpha"], group["damping"])
        left = state["left power"] if group["sides"] & 1 else None
        right = state["right power"] if group["sides"] & 2 else None
        d = newton_schulz(between(left, u, right), STEPS)
        d = between(left, d, right)
        return d.mul_(p.shape[0] ** 0.5 / d.norm())


def between(left: Tensor | None, x: Tensor, right: Tensor | None) -> Tensor:
    """left x right, without those that are None."""
    x = x if left is None else left @ x
    return x if right is None else x @ right


def power(s: Tensor, alpha: float, damping: float) -> Tensor:
    """(s/λ̄ + damping I)^-α, λ̄ the mean eigenvalue."""
    values, vectors = torch.linalg.eigh(s)
    values = (values / values.mean().clamp(min=1e-30)).clamp(min=0).add_(damping).pow_(-alpha)
    return (vectors * values) @ vectors.T
