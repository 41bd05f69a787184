"""Norms of single examples' gradients ∇F_i = m ∘ (∇ℓ_i + λw), without the gradients themselves.

A dense layer's gradient is δ aᵀ of its inputs a and output gradients δ, so that its entries can be
squared and added up without being formed (Goodfellow 2015, arXiv:1510.01799); with a mask m of
zeros and ones and s = λw, which is zero where m is,

    ‖m ∘ (δ aᵀ) + s‖² = (δ∘δ)ᵀ m (a∘a) + 2 δᵀ s a + ‖s‖²

A convolution's filters are few: their gradients are formed.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from lenetlab.oracle.engine import Layers
from lenetlab.problem.model import Layout, views


def per_example_norms(layers: Layers, shapes: Layout, mask: Tensor, s: Tensor) -> Tensor:
    """‖m ∘ ∇ℓ_i + s‖ of every example (b,), of the loss that the output gradients are of; `mask`
    and `s` are vectors (n,)."""
    masks, shifts = views(mask, shapes), views(s, shapes)
    squares: list[Tensor] = []
    for name, a in layers.inputs.items():
        delta = layers.output_gradients[name]
        m, shift = masks[f"{name}.weight"].flatten(1), shifts[f"{name}.weight"].flatten(1)
        if delta.dim() == 2:
            formed = ((delta.square() @ m) * a.square()).sum(1)
            squares.append(formed + 2 * ((delta @ shift) * a).sum(1) + shift.square().sum())
        else:
            gradient = delta.flatten(2) @ F.unfold(a, masks[f"{name}.weight"].shape[2:]).mT
            squares.append((gradient * m + shift).square().sum((1, 2)))
            delta = delta.sum((2, 3))
        bias = delta * masks[f"{name}.bias"] + shifts[f"{name}.bias"]
        squares.append(bias.square().sum(1))
    return torch.stack(squares).sum(0).clamp_(min=0).sqrt()
