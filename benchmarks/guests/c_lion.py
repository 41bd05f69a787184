"""C-Lion: Lion that moves a weight only where its direction and the gradient agree.

    c = β₁ m + (1 − β₁) g,   u = sign c,   φ = 1[u ∘ g > 0]
    w ← (1 − η λ) w − η (d / (‖φ‖₀ + 1)) φ ∘ u            d entries a tensor
    m ← β₂ m + (1 − β₂) g

Written down from Liang et al., Cautious Optimizers: Improving Training with One Line of Code, 2024,
arXiv:2411.16085, Algorithm 1 around Lion.
"""

import torch


class CLion(torch.optim.Optimizer):
    """Lion with the cautious mask."""

    space = {"lr": (1e-4, 2e-3, "log"), "beta1": (0.8, 0.98)}
    decay = "decoupled"
    form = "flat"

    def __init__(self, params, lr=5e-4, beta1=0.9, beta2=0.99, weight_decay=0.0):
        defaults = {"lr": lr, "beta1": beta1, "beta2": beta2, "weight_decay": weight_decay}
        super().__init__(params, defaults)

    @torch.no_grad()
    def step(self, closure):
        loss = closure()
        for h in self.param_groups:
            for p in h["params"]:
                m = self.state[p].setdefault("m", torch.zeros_like(p))
                u = torch.lerp(p.grad, m, h["beta1"]).sign_()
                phi = (u * p.grad > 0).to(u.dtype)
                p.mul_(1 - h["lr"] * h["weight_decay"])
                p.sub_(phi * u, alpha=h["lr"] * phi.numel() / (float(phi.sum()) + 1))
                m.lerp_(p.grad, 1 - h["beta2"])
        return loss
