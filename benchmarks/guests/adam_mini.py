"""Adam-mini: Adam with one second moment for all weights that lead into a unit.

    m ← β₁ m + (1 − β₁) g
    v_b ← β₂ v_b + (1 − β₂) mean(g_b²)                    a number a block b
    w ← (1 − η λ) w − η m̂ / (√v̂_b + ε)

A block is a row of a layer's matrix, a filter of a convolution, or a whole bias.
Written down from Zhang et al., Adam-mini: Use Fewer Learning Rates To Gain More, 2024,
arXiv:2406.16793, Algorithm 1, with the partition by output units.
"""

import torch


class AdamMini(torch.optim.Optimizer):
    """Adam with a rate a unit."""

    space = {"lr": (5e-4, 1e-2, "log"), "beta1": (0.8, 0.95)}
    decay = "decoupled"
    form = "layers"  # convolutions as matrices: a row is a filter

    def __init__(self, params, lr=2e-3, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.0):
        defaults = {"lr": lr, "beta1": beta1, "beta2": beta2, "eps": eps,
                    "weight_decay": weight_decay}  # fmt: skip
        super().__init__(params, defaults)

    @torch.no_grad()
    def step(self, closure):
        loss = closure()
        for h in self.param_groups:
            for p in h["params"]:
                s = self.state[p]
                if not s:
                    s["t"], s["m"] = 0, torch.zeros_like(p)
                    s["v"] = torch.zeros_like(p.mean(-1, keepdim=True))
                s["t"] += 1
                s["m"].lerp_(p.grad, 1 - h["beta1"])
                s["v"].lerp_(p.grad.square().mean(-1, keepdim=True), 1 - h["beta2"])
                root = (s["v"] / (1 - h["beta2"] ** s["t"])).sqrt_().add_(h["eps"])
                p.mul_(1 - h["lr"] * h["weight_decay"])
                p.addcdiv_(s["m"], root, value=-h["lr"] / (1 - h["beta1"] ** s["t"]))
        return loss
