"""The reference engine: PyTorch's own operations, in the starter script's order.

For batches up to `CHUNK` it performs exactly the script's operations, so its bits are the
script's; larger batches are streamed in chunks and memory stays flat up to the full batch.
"""

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from lenetlab.oracle.engine import Layers
from lenetlab.oracle.model import Classification
from lenetlab.problem.data import Split
from lenetlab.problem.evaluation import SCRIPT_BATCH
from lenetlab.problem.model import LAYERS, SHAPES, logits, pre_activations, views

CHUNK = 1000  # images in flight; larger chunks fall out of the cache and are slower


class TorchEngine(Classification):
    """LeNet-5 through autograd, on any device, in the precision of the weights it is given."""

    name = "torch"
    key = ""

    def __init__(self, split: Split, device: torch.device) -> None:
        self.threads = torch.get_num_threads()
        self._split = split.to(device)

    def gradient(
        self, w: Tensor, batch: Tensor, out: Tensor, uniform: Tensor | None = None
    ) -> Tensor:
        """Mean cross-entropy over `batch`; its gradient, or that of drawn labels, goes to `out`."""
        if len(batch) <= CHUNK:
            return self._gradient(w, batch, "mean", out, uniform)
        total = torch.zeros((), dtype=torch.float64)
        part = torch.empty_like(out)
        out.zero_()
        for chunk, drawing in self._chunks(batch, uniform):
            total += self._gradient(w, chunk, "sum", part, drawing).cpu()
            out += part
        out /= len(batch)
        return (total / len(batch)).to(w.device, w.dtype)

    def value(self, w: Tensor, batch: Tensor) -> Tensor:
        """Mean cross-entropy over `batch`."""
        named = views(w)
        if len(batch) <= CHUNK:
            return self._loss(named, batch, "mean")
        total = torch.zeros((), dtype=torch.float64)
        for chunk in torch.split(batch, CHUNK):
            total += self._loss(named, chunk, "sum").cpu()
        return (total / len(batch)).to(w.device, w.dtype)

    def logits(self, w: Tensor, batch: Tensor | None = None) -> Tensor:
        """Class scores, in batches of the script's size: faster here than larger ones."""
        named = views(w)
        if batch is None:
            batch = torch.arange(len(self._split), device=w.device)
        with torch.no_grad():
            scores = [logits(named, self._images(b, w)) for b in torch.split(batch, SCRIPT_BATCH)]
        return torch.cat(scores)

    def layers(self, w: Tensor, batch: Tensor, uniform: Tensor | None = None) -> Layers:
        """Inputs and output gradients of every layer, in chunks; 27 kB an example in float32."""
        parts = [self._layers(w, *part) for part in self._chunks(batch, uniform)]
        loss = sum(part.loss * len(part.inputs["fc1"]) for part in parts) / len(batch)
        return Layers(
            torch.as_tensor(loss),
            {name: torch.cat([part.inputs[name] for part in parts]) for name in LAYERS},
            {name: torch.cat([part.output_gradients[name] for part in parts]) for name in LAYERS},
        )

    def per_example_norms(self, w: Tensor, batch: Tensor) -> tuple[Tensor, Tensor]:
        """From the layers' statistics, without the gradients themselves (Goodfellow 2015,
        arXiv:1510.01799): a linear layer's is ‖a‖²‖δ‖², with its bias (‖a‖² + 1)‖δ‖²."""
        total = torch.zeros((), dtype=w.dtype, device=w.device)
        norms = []
        for chunk in torch.split(batch, CHUNK):
            part = self._layers(w, chunk)
            total += part.loss * len(chunk)
            squares = torch.zeros(len(chunk), dtype=w.dtype, device=w.device)
            for name in LAYERS:
                a, delta = part.inputs[name], part.output_gradients[name]
                if a.dim() == 2:
                    squares += (a.square().sum(1) + 1) * delta.square().sum(1)
                else:
                    delta = delta.flatten(2)
                    gradient = delta @ F.unfold(a, kernel_size=5).mT
                    squares += gradient.square().sum((1, 2)) + delta.sum(2).square().sum(1)
            norms.append(squares.sqrt())
        return total / len(batch), torch.cat(norms)

    def outputs(self, w: Tensor, batch: Tensor) -> Tensor:
        """Class scores (b, 10), differentiable in `w`."""
        return logits(views(w), self._images(batch, w))

    def targets(self, batch: Tensor) -> Tensor:
        """Labels (b,)."""
        return self._labels(batch)

    def _chunks(
        self, batch: Tensor, uniform: Tensor | None
    ) -> Iterator[tuple[Tensor, Tensor | None]]:
        chunks = torch.split(batch, CHUNK)
        drawing = [None] * len(chunks) if uniform is None else torch.split(uniform, CHUNK)
        return zip(chunks, drawing, strict=True)

    def _layers(self, w: Tensor, batch: Tensor, uniform: Tensor | None = None) -> Layers:
        with torch.enable_grad():
            # weights that need a gradient make autograd record the graph
            named = {name: view.detach().requires_grad_() for name, view in views(w).items()}
            inputs, outputs = pre_activations(named, self._images(batch, w))
            z, labels = outputs["fc3"], self._labels(batch)
            loss = true = F.cross_entropy(z, labels, reduction="sum")
            if uniform is not None:
                loss = F.cross_entropy(z, self.draw(z, uniform), reduction="sum")
            deltas = torch.autograd.grad(loss, list(outputs.values()))
        return Layers(
            true.detach() / len(batch),
            {name: x.detach() for name, x in inputs.items()},
            dict(zip(outputs, deltas, strict=True)),
        )

    def _gradient(
        self, w: Tensor, batch: Tensor, reduction: str, out: Tensor, uniform: Tensor | None
    ) -> Tensor:
        with torch.enable_grad():
            leaves = {name: view.detach().requires_grad_() for name, view in views(w).items()}
            z, labels = logits(leaves, self._images(batch, w)), self._labels(batch)
            loss = true = F.cross_entropy(z, labels, reduction=reduction)
            if uniform is not None:
                loss = F.cross_entropy(z, self.draw(z, uniform), reduction=reduction)
            gradients = torch.autograd.grad(loss, list(leaves.values()))
        targets = views(out)
        torch._foreach_copy_([targets[name] for name in SHAPES], list(gradients))
        return true.detach()

    def _loss(self, named: dict[str, Tensor], batch: Tensor, reduction: str) -> Tensor:
        with torch.no_grad():
            scores = logits(named, self._images(batch, named["fc1.weight"]))
            return F.cross_entropy(scores, self._labels(batch), reduction=reduction)

    def _images(self, batch: Tensor, like: Tensor) -> Tensor:
        """Pixels (b, 1, 28, 28) in [0, 1], by the operations of `ToTensor`."""
        pixels = self._split.images[batch.to(like.device)]
        return pixels.unsqueeze(1).to(like.dtype).div_(255)

    def _labels(self, batch: Tensor) -> Tensor:
        return self._split.labels[batch.to(self._split.labels.device)]
