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

    def draw(self, z: Tensor, uniform: Tensor) -> Tensor:
        """Targets drawn from the distribution whose negative log-likelihood the loss is, by one
        number in [0, 1) an example (b,)."""
        ...


class Classification:
    """The loss of a `Model` whose outputs are class scores: cross-entropy."""

    def losses(self, z: Tensor, targets: Tensor) -> Tensor:
        """−log softmax(z)[target], in nats."""
        return F.cross_entropy(z, targets, reduction="none")

    def draw(self, z: Tensor, uniform: Tensor) -> Tensor:
        """From softmax(z): the first label whose cumulated probability exceeds the number."""
        below = torch.softmax(z.detach(), dim=1)[:, :-1].cumsum(1)  # the last label takes the rest
        return (below <= uniform.to(z).unsqueeze(1)).sum(1)
