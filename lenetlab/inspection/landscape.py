"""The loss on a line and on a plane of weights.

Between two ends of trainings the loss may rise: the height of the barrier is how far it rises above
the straight line between the two losses. Sources: Goodfellow, Vinyals and Saxe, Qualitatively
Characterizing Neural Network Optimization Problems, 2015, arXiv:1412.6544; Frankle, Dziugaite, Roy
and Carbin, Linear Mode Connectivity and the Lottery Ticket Hypothesis, 2020, arXiv:1912.05671.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lenetlab.inspection.directions import Plane
from lenetlab.inspection.probe import Probe


@dataclass(frozen=True)
class Line:
    """Losses at w(t), one for each `t`."""

    t: list[float]
    loss: list[float]

    @property
    def barrier(self) -> float:
        """How far the loss rises between t = 0 and t = 1 above the straight line between them."""
        inner = [(t, loss) for t, loss in zip(self.t, self.loss, strict=True) if 0 <= t <= 1]
        (_, first), (_, last) = inner[0], inner[-1]
        return max(loss - ((1 - t) * first + t * last) for t, loss in inner)


def spaced(low: float, high: float, count: int) -> list[float]:
    """`count` numbers from `low` to `high`, both among them exactly."""
    return [low + (high - low) * i / (count - 1) for i in range(count - 1)] + [high]


def line(probe: Probe, start: Tensor, direction: Tensor, t: Sequence[float]) -> Line:
    """The loss at start + t·direction, for each `t`."""
    points = torch.stack([(start.double() + s * direction.double()).to(start) for s in t])
    return Line(list(t), probe.losses(points))


def grid(
    probe: Probe, plane: Plane, x: Sequence[float], y: Sequence[float], like: Tensor
) -> list[list[float]]:
    """The loss at every point of a grid in `plane`: a row for each `y`, in it a value for each
    `x`; computed in the dtype of `like`."""
    return [probe.losses(torch.stack([plane.at(a, b).to(like) for a in x])) for b in y]
