"""At most `keep` nonzero weights in fc1 and fc2: the set, the nearest point of it, its mask.

The nearest point with k nonzeros in the Euclidean norm keeps the k largest magnitudes: H_k, hard
thresholding. Of equal magnitudes the first are kept, so that exactly k remain. Masks are vectors
over all of the net's weights, with ones wherever nothing is constrained.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lenetlab.problem.model import places


@dataclass(frozen=True)
class Group:
    """Entries of the flat vector, as slices, of which `keep` may be nonzero."""

    slices: tuple[slice, ...]
    size: int
    keep: int

    def of(self, w: Tensor) -> Tensor:
        """Its entries of `w`, a copy (size,)."""
        return torch.cat([w[part] for part in self.slices])

    def put(self, values: Tensor, w: Tensor) -> None:
        """Write its entries into `w`."""
        done = 0
        for part in self.slices:
            n = part.stop - part.start
            w[part] = values[done : done + n]
            done += n


@dataclass(frozen=True)
class Bound:
    """The constrained entries: one group over both layers, or one a layer."""

    groups: tuple[Group, ...]

    def keeps(self, share: float = 1.0) -> list[int]:
        """Nonzeros of each group when `share` ∈ [0, 1] of what must go has gone."""
        return [round(g.size - share * (g.size - g.keep)) for g in self.groups]

    def mask(self, scores: Tensor, keeps: Sequence[int] | None = None) -> Tensor:
        """Ones where the scores (n,) are largest, as many as each group keeps, and wherever
        nothing is constrained."""
        mask = torch.ones_like(scores)
        for group, k in zip(self.groups, self.keeps() if keeps is None else keeps, strict=True):
            group.put(largest(group.of(scores), k), mask)
        return mask

    def nearest(self, w: Tensor) -> Tensor:
        """The point of the set that is nearest to `w`."""
        return w * self.mask(w.abs())


def bound(keep: int, per_layer: bool = False, biases: bool = False) -> Bound:
    """`keep` nonzeros in fc1.weight and fc2.weight, jointly or in proportion to the layers' sizes;
    with `biases`, the layers' biases are constrained and counted like weights."""
    where = places()
    kinds = ("weight", "bias") if biases else ("weight",)
    layers = [tuple(where[f"{layer}.{kind}"] for kind in kinds) for layer in ("fc1", "fc2")]
    if not per_layer:
        both = tuple(part for layer in layers for part in layer)
        return Bound((Group(both, _size(both), keep),))
    sizes = [_size(layer) for layer in layers]
    first = round(keep * sizes[0] / sum(sizes))
    return Bound(
        tuple(
            Group(layer, size, k)
            for layer, size, k in zip(layers, sizes, (first, keep - first), strict=True)
        )
    )


def prunable(biases: bool = False) -> int:
    """How many entries are constrained: 40,800, with biases 41,004."""
    return sum(group.size for group in bound(0, biases=biases).groups)


def largest(x: Tensor, k: int) -> Tensor:
    """Exactly `k` ones where `x` (n,) is largest, zeros elsewhere; the first of equal entries."""
    if k == 0:
        return torch.zeros_like(x)
    at = len(x) - k
    threshold = float(np.partition(x.cpu().numpy(), at)[at])  # a third of kthvalue's time
    chosen = (x > threshold).to(x.dtype)
    equal = (x == threshold).nonzero().squeeze(1)
    chosen[equal[: k - int(chosen.count_nonzero())]] = 1
    return chosen


def soft_threshold(x: Tensor, tau: float | Tensor) -> Tensor:
    """The proximal operator of τ‖·‖₁, τ ≥ 0: sign(x) max(|x| − τ, 0)."""
    return x - x.clamp(-tau, tau)  # type: ignore[arg-type]


def cubic(progress: float, begin: float, end: float) -> float:
    """The share of what must go that has gone: 1 − (1 − q)³, q from 0 at `begin` to 1 at `end`."""
    q = min(max((progress - begin) / (end - begin), 0.0), 1.0)
    return 1 - (1 - q) ** 3


def _size(slices: Sequence[slice]) -> int:
    return sum(part.stop - part.start for part in slices)
