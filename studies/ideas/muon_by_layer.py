"""Muon whose layers decay at different speeds: an idea, tried for docs/ideas.md."""

from typing import ClassVar

import torch
from torch import Tensor

from lenetlab.methods.matrix.polar import STEPS
from lenetlab.oracle.newton_schulz import newton_schulz

LAYERS = {25: "conv1", 150: "conv2", 256: "fc1", 120: "fc2", 84: "fc3"}  # by their inputs


class MuonByLayer(torch.optim.Optimizer):
    """`muon`, each layer's decay times a factor of its own, steps of biases times `bias`."""

    form, decay = "layers", "decoupled"
    defaults: ClassVar = {
        "lr": 0.008, "momentum": 0.95, "weight_decay": 0.0, **dict.fromkeys(LAYERS.values(), 1.0),
        "bias": 1.0,
    }  # fmt: skip

    def __init__(self, params, **given):
        super().__init__(params, {**type(self).defaults, **given})

    @torch.no_grad()
    def step(self, closure):
        with torch.enable_grad():
            loss = closure()
        for group in self.param_groups:
            for p, u in zip(group["params"], self._directions(group), strict=True):
                if p.dim() > 1:
                    p.mul_(1 - group["lr"] * group["weight_decay"] * group[LAYERS[p.shape[1]]])
                p.sub_(u, alpha=group["lr"] * (group["bias"] if p.dim() == 1 else 1.0))
        return loss

    def _directions(self, group) -> list[Tensor]:
        mu, directions = group["momentum"], []
        for p in group["params"]:
            m = self.state[p].setdefault("m", torch.zeros_like(p))
            m.lerp_(p.grad, 1 - mu)
            directions.append(newton_schulz(torch.lerp(p.grad, m, mu), STEPS))
        return directions
