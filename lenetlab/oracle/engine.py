"""What computes: loss, gradient and class scores at a flat weight vector, for a batch.

An engine is bound to one data set in memory. It knows nothing of bills, batch plans or
methods; the oracle asks it and charges. Which engine answers is part of a run's identity,
because two engines agree to rounding and not to the bit.
"""

from typing import Protocol

import torch
from torch import Tensor

from lenetlab.errors import unknown
from lenetlab.problem.data import Split

ENGINES = ("auto", "torch")


class Engine(Protocol):
    """Answers at flat weights `w` (44426,) for examples named by `batch`, int64 indices (b,)."""

    name: str

    def gradient(self, w: Tensor, batch: Tensor, out: Tensor) -> Tensor:
        """Mean cross-entropy, 0-dim; its gradient is written to `out` (44426,)."""
        ...

    def value(self, w: Tensor, batch: Tensor) -> Tensor:
        """Mean cross-entropy, 0-dim, by a forward pass alone."""
        ...

    def logits(self, w: Tensor, batch: Tensor | None = None) -> Tensor:
        """Class scores (b, 10); of the whole data set, in its order, if `batch` is None."""
        ...


def make_engine(name: str, split: Split, device: torch.device) -> Engine:
    """The engine called `name` over `split`; `auto` takes the fastest there is for `device`."""
    from lenetlab.oracle.torch_engine import TorchEngine

    if name not in ENGINES:
        raise unknown("engine", name, ENGINES)
    return TorchEngine(split, device)
