r"""Averaged Muon: orthogonalised momentum, and the moving average of its weights is judged.

    M ← μ M + (1 − μ) G,   U = (1 − μ) G + μ M
    W ← (1 − η λ) W − η √max(1, A/B) polar(U)             W is A×B
    X ← X + max(1 − β, 1/t) (W − X)                       after step t; X is judged

Sources: Jordan et al., Muon: An optimizer for hidden layers in neural networks, 2024,
kellerjordan.github.io/posts/muon (momentum, Newton-Schulz steps, the root); Polyak and Juditsky,
Acceleration of stochastic approximation by averaging, 1992 (the mean of the iterates, which X is
for the first 1/(1 − β) steps), and an exponential average after that.
"""

import math

import torch
from torch import Tensor


class AveragedMuon(torch.optim.Optimizer):
    """Muon for every layer; a bias is a matrix of one row. The average of the weights is judged."""

    form = "layers"  # kernels of a convolution are the rows of a matrix
    decay = "decoupled"
    batch_scaling = "sqrt"
    space = {"lr": (3e-3, 0.06, "log"), "momentum": (0.8, 0.98), "beta": (0.9, 0.999)}
    copies = ("average",)

    def __init__(self, params, lr=0.008, momentum=0.95, beta=0.99, weight_decay=0.0):
        for name, value in (("momentum", momentum), ("beta", beta)):
            if not 0 <= value < 1:
                raise ValueError(f"{name} is {value}; expected 0 ≤ {name} < 1")
        defaults = {"lr": lr, "momentum": momentum, "beta": beta, "weight_decay": weight_decay}
        super().__init__(params, defaults)

    @torch.no_grad()
    def step(self, closure):
        loss = closure()
        for group in self.param_groups:
            eta, mu = group["lr"], group["momentum"]
            for w in group["params"]:
                state = self.state[w]
                if not state:
                    state |= {"t": 0, "momentum": torch.zeros_like(w), "average": w.clone()}
                m = state["momentum"].lerp_(w.grad, 1 - mu)
                w.mul_(1 - eta * group["weight_decay"])
                w.sub_(polar(w.grad.lerp(m, mu)), alpha=eta * scale(w))
                state["t"] += 1
                state["average"].lerp_(w, max(1 - group["beta"], 1 / state["t"]))
        return loss

    def eval_weights(self, w: Tensor) -> Tensor:
        averages = [state["average"].flatten() for state in self.state.values()]
        return torch.cat(averages) if averages else w


def scale(w: Tensor) -> float:
    """√max(1, A/B) of an A×B matrix, 1 of a vector."""
    return math.sqrt(max(1.0, w.size(0) / w.size(-1)))


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
