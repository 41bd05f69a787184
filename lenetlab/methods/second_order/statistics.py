"""What a layer's inputs `a` and output gradients `delta` make up, example by example.

Both are in their natural shapes (see `lenetlab.oracle.engine.Layers`); a dense layer is a
convolution with one place.
"""

import torch
from torch import Tensor

from lenetlab.oracle.engine import Layers
from lenetlab.problem.model import Layout, views


def patches(a: Tensor, delta: Tensor) -> Tensor:
    """ā (in + 1, b, places): what each output of each example has seen, and a 1 for the bias."""
    if delta.dim() == 2:
        seen = a.T.unsqueeze(2)
    else:
        height, width = (i - o + 1 for i, o in zip(a.shape[2:], delta.shape[2:], strict=True))
        windows = a.unfold(2, height, 1).unfold(3, width, 1)  # (b, in, y, x, height, width)
        seen = windows.permute(1, 4, 5, 0, 2, 3).flatten(4).flatten(0, 2)
    return torch.cat([seen, torch.ones_like(seen[:1])])


def per_example_gradients(layers: Layers, shapes: Layout) -> Tensor:
    """J (b, n), a row an example, of the loss that the output gradients are of."""
    b = len(next(iter(layers.inputs.values())))
    n = sum(torch.Size(shape).numel() for shape in shapes.values())
    rows = layers.loss.new_empty(b, n, dtype=next(iter(layers.inputs.values())).dtype)
    places = views(torch.arange(n), shapes)
    for name, a in layers.inputs.items():
        delta = layers.output_gradients[name]
        gradient = delta.flatten(2) if delta.dim() > 2 else delta.unsqueeze(2)
        gradient = gradient @ patches(a, delta).permute(1, 2, 0)  # (b, out, in + 1)
        for kind, part in (("weight", gradient[:, :, :-1]), ("bias", gradient[:, :, -1])):
            place = places[f"{name}.{kind}"]
            first = int(place.flatten()[0])
            rows[:, first : first + place.numel()] = part.flatten(1)
    return rows
