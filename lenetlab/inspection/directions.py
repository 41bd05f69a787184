"""Directions and planes in the space of weights: random ones, and those of trajectories.

Random directions are filter-normalised: every filter, or row of a dense layer, has the norm of the
weights' own, so that nets of large and of small weights can be compared; biases stay. Source: Li,
Xu, Taylor, Studer and Goldstein, Visualizing the Loss Landscape of Neural Nets, 2018,
arXiv:1712.09913, sections 4 and 7 (the plane of a trajectory).
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from lenetlab.errors import UserError
from lenetlab.problem.model import SHAPES, Layout, views


def filter_normalised(w: Tensor, rng: torch.Generator, shapes: Layout = SHAPES) -> Tensor:
    """A random direction (n,), its filters as long as those of `w`; zero where biases are."""
    d = torch.randn(w.shape, generator=rng, dtype=w.dtype)
    for of_d, of_w in zip(views(d, shapes).values(), views(w, shapes).values(), strict=True):
        if of_d.dim() == 1:
            of_d.zero_()
            continue
        rows, lengths = of_d.flatten(1), of_w.flatten(1).norm(dim=1, keepdim=True)
        rows.mul_(lengths / rows.norm(dim=1, keepdim=True))
    return d


@dataclass(frozen=True, eq=False)
class Plane:
    """Points origin + x·across + y·up; `across` and `up` (n,) are orthonormal, in float64."""

    origin: Tensor
    across: Tensor
    up: Tensor

    def at(self, x: float, y: float) -> Tensor:
        """The point with the coordinates (x, y), in float64."""
        return self.origin + x * self.across + y * self.up

    def coordinates(self, points: Tensor) -> Tensor:
        """The coordinates (k, 2) of the nearest points in the plane to the rows of `points`."""
        return (points.double() - self.origin) @ torch.stack([self.across, self.up], 1)

    def distances(self, points: Tensor) -> Tensor:
        """How far each row of `points` (k, n) is from the plane, (k,)."""
        x = self.coordinates(points)
        nearest = self.origin + x @ torch.stack([self.across, self.up])
        away: Tensor = (points.double() - nearest).norm(dim=1)
        return away


def plane_through(a: Tensor, b: Tensor, c: Tensor) -> Plane:
    """The plane with the three points in it; `a` is its origin, `b` on the axis to the right.
    Raises: `UserError` where they lie on one line."""
    origin, first, second = a.double(), (b - a).double(), (c - a).double()
    across = first / first.norm()
    rest = second - across.dot(second) * across
    if not rest.norm() > 1e-6 * second.norm():
        raise UserError("the weights lie on one line, so no plane is theirs; take other runs")
    return Plane(origin, across, rest / rest.norm())


def principal_plane(points: Tensor) -> tuple[Plane, float]:
    """The plane nearest to the rows of `points` (k, n), and the share of their variance in it: the
    two first principal components around the mean. Raises: `UserError` as `plane_through`."""
    mean = points.double().mean(0)
    _, s, directions = torch.linalg.svd(points.double() - mean, full_matrices=False)
    if len(s) < 2 or not s[1] > 1e-6 * s[0]:
        raise UserError("the weights lie on one line, so no plane is theirs; take longer runs")
    share = float(s[:2].square().sum() / s.square().sum())
    return Plane(mean, directions[0], directions[1]), share
