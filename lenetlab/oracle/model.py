"""What second-order answers differentiate: a model's outputs and their loss, example by example.

An engine answers fixed questions fast; a `Model` can be differentiated by PyTorch. The torch
engine is both. Any problem whose loss is a mean of ℓ_i(w) = loss(z_i(w), target_i) can be one.
"""

from typing import Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from torch import Tensor


@runtime_checkable
class Model(Protocol):
    """Differentiable in `w` (n,), for examples named by `batch`, int64 indices (b,)."""

    def outputs(self, w: Tensor, batch: Tensor) -> Tensor:
        """z (b, c): what the loss is a function of."""
        ...

    def targets(self, batch: Tensor) -> Tensor:
        """What the outputs are compared with (b, …)."""
        ...

    def losses(self, z: Tensor, targets: Tensor) -> Tensor:
        """ℓ (b,), a convex function of `z` (b, c)."""
        ...

    def draw(self, z: Tensor, rng: torch.Generator) -> Tensor:
        """Targets drawn from the distribution whose negative log-likelihood the loss is."""
        ...


class Classification:
    """The loss of a `Model` whose outputs are class scores: cross-entropy."""

    def losses(self, z: Tensor, targets: Tensor) -> Tensor:
        """−log softmax(z)[target], in nats."""
        return F.cross_entropy(z, targets, reduction="none")

    def draw(self, z: Tensor, rng: torch.Generator) -> Tensor:
        """A label for every example, from softmax(z)."""
        p = torch.softmax(z.detach().cpu(), dim=1)
        return torch.multinomial(p, 1, generator=rng).squeeze(1).to(z.device)
