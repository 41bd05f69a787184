"""An oracle to look at weights with: its own ledger, its own generator, fixed examples.

The questions are about the mean cross-entropy of training images as they are: no mask, no L2 term,
no augmentation, so that runs of all scenarios are asked the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lenetlab.oracle.engine import Engine
from lenetlab.oracle.model import Model
from lenetlab.oracle.oracle import Batch, Oracle
from lenetlab.oracle.order import DataOrder
from lenetlab.oracle.weights import Weights
from lenetlab.problem.model import SHAPES, SIZE, Layout

SEED = 0  # of random directions and vectors, the same for all runs


@dataclass(frozen=True)
class Probe:
    """Asks about any weights, on the first examples of the training set.

    batch : examples for values and curvature. sample : more of them, for the noise of gradients.
    """

    oracle: Oracle
    engine: Engine
    labels: Tensor
    batch: Batch
    sample: Batch

    @property
    def shapes(self) -> Layout:
        """Names and shapes of the tensors in a weight vector."""
        return self.oracle.shapes

    def generator(self) -> torch.Generator:
        """A fresh source of the same random numbers."""
        return torch.Generator().manual_seed(SEED)

    def losses(self, points: Tensor, rows: int = 64) -> list[float]:
        """The mean loss on `batch` at every row of `points` (k, n); `rows` of them at a time."""
        parts = [self.oracle.value(self.batch, at=part) for part in torch.split(points, rows)]
        return [float(loss) for loss in torch.cat(parts)]

    def accuracy(self, w: Tensor) -> float:
        """Percent of `batch` that `w` (n,) classifies correctly."""
        scores = self.engine.logits(w, self.batch.indices)
        right = scores.argmax(dim=1).cpu() == self.labels[self.batch.indices]
        return 100.0 * float(right.double().mean())


def probe(
    engine: Engine,
    labels: Tensor,
    examples: int,
    sampled: int,
    model: Model | None = None,
    like: Tensor | None = None,
    shapes: Layout = SHAPES,
) -> Probe:
    """A probe over the examples of `engine`, whose labels are `labels` (n,): the first `examples`
    and the first `sampled`, or all if there are fewer. `like` is a weight vector of the problem's
    size and dtype."""
    weights = Weights(torch.zeros(SIZE) if like is None else like, shapes)
    n = len(labels)
    order = DataOrder(torch.Generator().manual_seed(SEED), n)
    rng = torch.Generator().manual_seed(SEED)
    oracle = Oracle(engine, weights, order, lambda: n, rng, model=model)
    first = [Batch(oracle.full.indices[:count]) for count in (examples, sampled)]
    return Probe(oracle, engine, labels, *first)


def stacked(points: Sequence[Tensor]) -> Tensor:
    """Weight vectors as the rows of a matrix, on the CPU."""
    return torch.stack([point.detach().cpu() for point in points])
