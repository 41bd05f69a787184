"""The trained weights: one flat vector, one flat gradient, and the views methods update."""

import math
from typing import Literal

import torch
from torch import Tensor

from lenetlab.problem.model import SHAPES, Layout, views


class Weights:
    """The vector `w` (44,426), its gradient `g`, and leaves for optimizers that alias both.

    `shapes` names the tensors in it: LeNet-5's ten, or another problem's.

    `params(form)` gives what a method's constructor receives:

    flat : one parameter, the whole vector (elementwise methods: one kernel instead of ten);
    slices : two parameters, the matrices and the biases (flat methods that spare biases);
    named : the ten tensors with their own shapes (classes from outside);
    layers : the ten tensors with convolutions flattened to matrices (methods for matrices).
    """

    def __init__(self, w: Tensor, shapes: Layout = SHAPES) -> None:
        self.shapes = shapes
        self.w = w.detach().clone()
        self.g = torch.zeros_like(self.w)
        self._leaves: list[tuple[Tensor, Tensor]] = []  # parameter, its slice of g

    @property
    def matrices(self) -> int:
        """How many entries belong to matrices and filters: they come first, biases follow."""
        return sum(math.prod(shape) for shape in self.shapes.values() if len(shape) > 1)

    def params(self, form: Literal["flat", "slices", "named", "layers"]) -> list[Tensor]:
        """Parameters that share memory with `w`, their `.grad` with `g`."""
        if form == "flat":
            pairs = [(self.w, self.g)]
        elif form == "slices":
            cut = [self.matrices, len(self.w) - self.matrices]
            pairs = list(zip(torch.split(self.w, cut), torch.split(self.g, cut), strict=True))
        else:
            w, g = views(self.w, self.shapes), views(self.g, self.shapes)
            pairs = [(w[name], g[name]) for name in self.shapes]
            if form == "layers":
                pairs = [(_matrix(a), _matrix(b)) for a, b in pairs]
        self._leaves = [(a.detach().requires_grad_(), b) for a, b in pairs]
        self.attach()
        return [parameter for parameter, _ in self._leaves]

    def renew(self) -> None:
        """Another `g`, of NaN: what was handed out as `.grad` stays as it is with whoever kept
        it."""
        self.g = torch.full_like(self.g, torch.nan)
        self._leaves = [
            (leaf, self.g.as_strided(part.size(), part.stride(), part.storage_offset()))
            for leaf, part in self._leaves
        ]
        self.attach()

    def attach(self) -> None:
        """Make every `.grad` a view of `g` again: `zero_grad()` sets them to None."""
        for parameter, gradient in self._leaves:
            parameter.grad = gradient


def _matrix(tensor: Tensor) -> Tensor:
    return tensor.flatten(1) if tensor.dim() > 2 else tensor
