"""MARS-AdamW: AdamW on a gradient whose noise is reduced by the gradient before, reused.

    c = g + γ β₁/(1 − β₁) (g − g⁻),   divided by its norm where that exceeds 1
    m ← β₁ m + (1 − β₁) c,   v ← β₂ v + (1 − β₂) c²
    w ← (1 − η λ) w − η m̂ / (√v̂ + ε)

g⁻ is the gradient of the step before, on its own batch: MARS-approx, one gradient a step.
Written down from Yuan et al., MARS: Unleashing the Power of Variance Reduction for Training Large
Models, 2024, arXiv:2411.10438, Algorithm 2 with the approximation of section 3.
"""

import torch


class MarsAdamW(torch.optim.Optimizer):
    """AdamW with MARS's corrected gradient."""

    space = {"lr": (5e-4, 1e-2, "log"), "gamma": (0.0, 0.1)}
    decay = "decoupled"

    def __init__(
        self, params, lr=3e-3, betas=(0.95, 0.99), gamma=0.025, eps=1e-8, weight_decay=0.0
    ):
        defaults = {"lr": lr, "betas": betas, "gamma": gamma, "eps": eps,
                    "weight_decay": weight_decay}  # fmt: skip
        super().__init__(params, defaults)

    @torch.no_grad()
    def step(self, closure):
        loss = closure()
        for h in self.param_groups:
            beta1, beta2 = h["betas"]
            for p in h["params"]:
                s = self.state[p]
                if not s:
                    s["t"] = 0
                    s["m"], s["v"] = torch.zeros_like(p), torch.zeros_like(p)
                    s["before"] = p.grad.clone()
                s["t"] += 1
                c = p.grad + h["gamma"] * beta1 / (1 - beta1) * (p.grad - s["before"])
                c /= max(1.0, float(c.norm()))
                s["before"].copy_(p.grad)
                s["m"].lerp_(c, 1 - beta1)
                s["v"].mul_(beta2).addcmul_(c, c, value=1 - beta2)
                root = (s["v"] / (1 - beta2 ** s["t"])).sqrt_().add_(h["eps"])
                p.mul_(1 - h["lr"] * h["weight_decay"])
                p.addcdiv_(s["m"], root, value=-h["lr"] / (1 - beta1 ** s["t"]))
        return loss
