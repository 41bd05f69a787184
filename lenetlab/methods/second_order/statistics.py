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
        gradient = _gradients(a, layers.output_gradients[name])
        for kind, part in (("weight", gradient[:, :, :-1]), ("bias", gradient[:, :, -1])):
            place = places[f"{name}.{kind}"]
            first = int(place.flatten()[0])
            rows[:, first : first + place.numel()] = part.flatten(1)
    return rows


class Jacobian:
    """J (b, n) of `per_example_gradients`, known by its products alone.

    A dense layer's rows are outer products, J_i = δ_i ⊗ (a_i, 1), which are never formed: the
    product of two is (a_iᵀa_j + 1) δ_iᵀδ_j. A convolution's are few numbers, and formed.
    """

    def __init__(self, layers: Layers, shapes: Layout) -> None:
        self._shapes = shapes
        self._dense: dict[str, tuple[Tensor, Tensor]] = {}
        self._formed: dict[str, Tensor] = {}  # (b, out, in + 1)
        for name, a in layers.inputs.items():
            delta = layers.output_gradients[name]
            if delta.dim() == 2:
                self._dense[name] = a, delta
            else:
                self._formed[name] = _gradients(a, delta)

    def gram(self) -> Tensor:
        """J Jᵀ (b, b)."""
        parts = [(a @ a.T).add_(1).mul_(delta @ delta.T) for a, delta in self._dense.values()]
        for gradient in self._formed.values():
            rows = gradient.flatten(1)
            parts.append(rows @ rows.T)
        return torch.stack(parts).sum(0)

    def __matmul__(self, v: Tensor) -> Tensor:
        """J v (b,)."""
        of = views(v, self._shapes)
        parts = [
            ((delta @ of[f"{name}.weight"]) * a).sum(1) + delta @ of[f"{name}.bias"]
            for name, (a, delta) in self._dense.items()
        ]
        for name, gradient in self._formed.items():
            weight = of[f"{name}.weight"].flatten(1)
            both = torch.cat([weight, of[f"{name}.bias"].unsqueeze(1)], 1)
            parts.append(gradient.flatten(1) @ both.flatten())
        return torch.stack(parts).sum(0)

    def transposed(self, u: Tensor) -> Tensor:
        """Jᵀ u (n,)."""
        out = u.new_empty(sum(torch.Size(shape).numel() for shape in self._shapes.values()))
        of = views(out, self._shapes)
        for name, (a, delta) in self._dense.items():
            weighted = (delta * u.unsqueeze(1)).T
            of[f"{name}.weight"].copy_(weighted @ a)
            of[f"{name}.bias"].copy_(weighted.sum(1))
        for name, gradient in self._formed.items():
            total = torch.tensordot(u, gradient, 1)
            of[f"{name}.weight"].copy_(total[:, :-1].view_as(of[f"{name}.weight"]))
            of[f"{name}.bias"].copy_(total[:, -1])
        return out


class Rows:
    """J (b, n) as it is, where its rows are no outer products: under a mask."""

    def __init__(self, rows: Tensor) -> None:
        self._rows = rows

    def gram(self) -> Tensor:
        """J Jᵀ (b, b)."""
        return self._rows @ self._rows.T

    def __matmul__(self, v: Tensor) -> Tensor:
        """J v (b,)."""
        return self._rows @ v

    def transposed(self, u: Tensor) -> Tensor:
        """Jᵀ u (n,)."""
        return self._rows.T @ u


def _gradients(a: Tensor, delta: Tensor) -> Tensor:
    """Of a layer's weights, as a matrix, and in the last column its bias (b, out, in + 1)."""
    if delta.dim() == 2:
        return delta.unsqueeze(2) * torch.cat([a, torch.ones_like(a[:, :1])], 1).unsqueeze(1)
    # By hand: `F.unfold` takes twice as long for images as small as these.
    seen = a.unfold(2, delta.shape[2], 1).unfold(3, delta.shape[3], 1)  # (b, in, 5, 5, y, x)
    seen, delta = seen.reshape(len(a), -1, delta[0, 0].numel()), delta.flatten(2)
    return torch.cat([(seen @ delta.mT).mT, delta.sum(2, keepdim=True)], 2)
