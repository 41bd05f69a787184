"""What computes: loss, gradient and class scores at a flat weight vector, for a batch.

An engine is bound to one data set in memory. It knows nothing of costs, batch plans or
methods; the oracle asks it and charges. Which engine answers is part of a run's identity,
because two engines agree to rounding and not to the bit.
"""

from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from torch import Tensor

Curvature = Literal["hessian", "ggn", "fisher"]


@dataclass(frozen=True, eq=False)
class Layers:
    """What goes into each layer and what comes back: the statistics of Kronecker factors.

    loss : mean cross-entropy of the true labels, 0-dim.
    inputs : per layer, in its natural shape: conv1 (b, 1, 28, 28), conv2 (b, 6, 12, 12),
        fc1 (b, 256), fc2 (b, 120), fc3 (b, 84).
    output_gradients : per layer, the derivative of each example's own loss (not divided by b; of
        its true or of a drawn label) by the layer's output before tanh: conv1 (b, 6, 24, 24),
        conv2 (b, 16, 8, 8), fc1 (b, 120), fc2 (b, 84), fc3 (b, 10).
    """

    loss: Tensor
    inputs: dict[str, Tensor]
    output_gradients: dict[str, Tensor]


class Engine(Protocol):
    """Answers at flat weights `w` (44426,) for examples named by `batch`, int64 indices (b,)."""

    name: str
    key: str  # of what computes, where that is not PyTorch: part of a run's identity
    threads: int

    def gradient(
        self, w: Tensor, batch: Tensor, out: Tensor, uniform: Tensor | None = None
    ) -> Tensor:
        """Mean cross-entropy, 0-dim; its gradient is written to `out` (44426,), with `uniform`
        numbers (b,) in [0, 1) that of the labels which they draw."""
        ...

    def value(self, w: Tensor, batch: Tensor) -> Tensor:
        """Mean cross-entropy, 0-dim, by a forward pass alone."""
        ...

    def logits(self, w: Tensor, batch: Tensor | None = None) -> Tensor:
        """Class scores (b, 10); of the whole data set, in its order, if `batch` is None."""
        ...

    def layers(self, w: Tensor, batch: Tensor, uniform: Tensor | None = None) -> Layers:
        """Inputs and output gradients of every layer; with `uniform` numbers (b,) in [0, 1), of
        the labels that they draw: the first whose cumulated probability exceeds the number."""
        ...

    def per_example_norms(self, w: Tensor, batch: Tensor) -> tuple[Tensor, Tensor]:
        """Mean cross-entropy, and the Euclidean norm of every example's gradient (b,)."""
        ...


@runtime_checkable
class ManyPoints(Protocol):
    """An engine that answers at many points at once; others are asked point by point."""

    def values(self, w: Tensor, batch: Tensor) -> Tensor:
        """Mean cross-entropy at every row of `w` (k, n), (k,), with the bits of `value`."""
        ...


@runtime_checkable
class Curved(Protocol):
    """An engine that answers about curvature by itself; for others PyTorch differentiates a
    `Model`. With `uniform` numbers the labels are drawn, as in `Engine.gradient`."""

    def product(
        self, kind: Curvature, w: Tensor, batch: Tensor, v: Tensor, uniform: Tensor | None = None
    ) -> Tensor:
        """The matrix of that `kind` times `v` (n,)."""
        ...

    def per_example_gradients(
        self, w: Tensor, batch: Tensor, uniform: Tensor | None = None
    ) -> Tensor:
        """Every example's gradient, a row each (b, n)."""
        ...
