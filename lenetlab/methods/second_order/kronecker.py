"""Square matrices of several sizes, those of one size in one stack (count, n, n).

A method with Kronecker factors has a matrix for every side of every layer, and LeNet-5's sides
repeat: 120 and 84 are an output of one layer and an input of the next. What is done to all of
them (factorizations, products, sorting) is one call a size; what belongs to a layer works on views.
"""

from collections.abc import Sequence

import torch
from torch import Tensor


def identities(sizes: Sequence[int], like: Tensor) -> list[Tensor]:
    """An identity for each of `sizes`, the largest stack first."""
    distinct = sorted(set(sizes), reverse=True)
    return [
        torch.eye(n, dtype=like.dtype, device=like.device).repeat(sizes.count(n), 1, 1)
        for n in distinct
    ]


def zeros(sizes: Sequence[int], like: Tensor) -> list[Tensor]:
    """A matrix of zeros for each of `sizes`."""
    return [torch.zeros_like(stack) for stack in identities(sizes, like)]


def unstack(stacks: Sequence[Tensor], sizes: Sequence[int]) -> list[Tensor]:
    """Views of the single matrices (of vectors too, if `stacks` are (count, n)), as in `sizes`."""
    rows = {stack.shape[-1]: iter(stack.unbind(0)) for stack in stacks}
    return [next(rows[n]) for n in sizes]
