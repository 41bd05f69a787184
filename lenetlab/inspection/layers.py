"""Layer by layer: how long its weights are, and by what angle a step turns them.

The scale of a layer often matters little to what a net computes; its direction does. The angle
between the weights before and after one step is the step as the layer feels it. Source: Kosson,
Messmer and Jaggi, Rotational Equilibrium, 2023, arXiv:2305.17212.
"""

from torch import Tensor

from lenetlab.problem.model import SHAPES, Layout, views


def norms(w: Tensor, shapes: Layout = SHAPES) -> dict[str, float]:
    """The Euclidean norm of every tensor in `w` (n,)."""
    return {name: float(part.double().norm()) for name, part in views(w, shapes).items()}


def angles(before: Tensor, after: Tensor, shapes: Layout = SHAPES) -> dict[str, float | None]:
    """The angle in radians by which every tensor has turned from `before` to `after`, (n,) each;
    None for one that is zero before or after."""
    pairs = zip(
        views(before.double(), shapes).items(), views(after.double(), shapes).values(), strict=True
    )
    return {name: _angle(a, b) for (name, a), b in pairs}


def _angle(a: Tensor, b: Tensor) -> float | None:
    """2 atan2(‖u − v‖, ‖u + v‖) of the unit vectors: exact for small angles too, where the
    cosine is not (Kahan 2006, How Futile are Mindless Assessments of Roundoff, section 12)."""
    if not (a.any() and b.any()):
        return None
    u, v = a / a.norm(), b / b.norm()
    return float(2 * (u - v).norm().atan2((u + v).norm()))
