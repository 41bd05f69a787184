r"""Curvature as operators: products with the Hessian, the Gauss-Newton matrix and the Fishers.

With outputs z_i(w), their Jacobians J_i = ∂z_i/∂w and F = 1/b Σ ℓ(z_i), all on one batch:

    Hessian          H = ∇²F                              may be indefinite
    Gauss-Newton     G = 1/b Σ J_iᵀ (∂²ℓ/∂z²) J_i         H without the curvature of z
    Fisher           the same, with r_i r_iᵀ for ∂²ℓ/∂z², r_i = ∂ℓ/∂z: of the true label
                     (empirical) or of one drawn from the model (Monte-Carlo; its mean is G)

An operator belongs to the point where it was made: it keeps a copy of w, and the graph that was
recorded at the copy. Batches of up to `KEPT` examples are linearised once; larger ones chunk by
chunk in every product, so that memory does not grow with the batch. The graph is that of a
gradient: a kept one has computed loss and gradient on the way, and hands them out. Nothing is ever
written to `.grad`, so no graph outlives its operator.

Sources: Pearlmutter, Fast Exact Multiplication by the Hessian, Neural Computation 6(1), 1994;
Schraudolph, Fast Curvature Matrix-Vector Products for Second-Order Gradient Descent, Neural
Computation 14(7), 2002; Kunstner, Balles and Hennig, Limitations of the Empirical Fisher
Approximation, 2019, on what the two Fishers are not.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from lenetlab.oracle.ledger import Ledger
from lenetlab.oracle.model import Model

CHUNK = 500  # examples linearised at a time
KEPT = 2000  # examples whose graph is kept; 0.04 to 0.06 MB each, measured
NORMED = 64  # examples whose gradients are in memory at a time, 0.18 MB each

Product = Callable[[Tensor], Tensor]


class Linearisation(NamedTuple):
    """Of some examples: v -> the sum of their products, and on the way to it Σ ℓ_i and Σ ∇ℓ_i."""

    product: Product
    loss: Tensor
    gradient: Tensor


class Operator(ABC):
    """A symmetric n × n matrix at one point and batch, known by its products: `operator @ v`.

    The matrix is m ∘ (C + λI) ∘ m, where C is the loss's curvature at m∘w and λ the oracle's L2.
    `v` is a vector (n,) or a matrix (n, k), which costs k products; `ValueError` for other shapes.
    """

    kind: str  # of the product, in the ledger
    name: str

    def __init__(
        self,
        model: Model,
        w: Tensor,
        batch: Tensor,
        ledger: Ledger,
        mask: Tensor | None = None,
        l2: float = 0.0,
        targets: Tensor | None = None,
        decayed: slice = slice(None),
    ) -> None:
        self._model = model
        self._w = w.detach().clone()
        self._batch = batch
        self._ledger = ledger
        self._mask = mask
        self._l2 = l2
        self._decayed = decayed
        targets = model.targets(batch) if targets is None else targets
        self._parts = list(zip(torch.split(batch, CHUNK), torch.split(targets, CHUNK), strict=True))
        kept = len(batch) <= KEPT
        self._kept = [self._charged(*part) for part in self._parts] if kept else None

    @property
    def shape(self) -> tuple[int, int]:
        """(n, n)."""
        return len(self._w), len(self._w)

    def first_order(self) -> tuple[Tensor, Tensor] | None:
        """The mean loss ℓ at the operator's point and batch, and its gradient (n,), before mask and
        L2; computed already. None for a batch that is linearised anew in every product."""
        if self._kept is None:
            return None
        b = len(self._batch)
        loss = torch.stack([part.loss for part in self._kept]).sum()
        return loss / b, torch.stack([part.gradient for part in self._kept]).sum(0).div_(b)

    def __matmul__(self, v: Tensor) -> Tensor:
        """The product with `v`, in its shape."""
        if v.shape[:1] != self._w.shape or v.dim() > 2:
            raise ValueError(
                f"{self.name} @ v: v has shape {tuple(v.shape)}, expected ({len(self._w)},) "
                f"or ({len(self._w)}, k)"
            )
        v = v.detach()
        columns = v.unsqueeze(1) if v.dim() == 1 else v
        masked = columns if self._mask is None else columns * self._mask.unsqueeze(1)
        total = torch.zeros_like(masked)
        for i, part in enumerate(self._parts):
            linear = self._kept[i] if self._kept else self._charged(*part)
            for j, column in enumerate(masked.unbind(1)):
                total[:, j] += linear.product(column)
            del linear  # its graph goes before the next one is recorded
        self._ledger.charge(self.kind, len(self._batch) * columns.shape[1])
        total.div_(len(self._batch))
        total[self._decayed].add_(masked[self._decayed], alpha=self._l2)
        if self._mask is not None:
            total.mul_(self._mask.unsqueeze(1))
        return total.view_as(v)

    def _charged(self, chunk: Tensor, targets: Tensor) -> Linearisation:
        self._ledger.charge("linearisations", len(chunk))
        with torch.enable_grad():
            return self._linearise(self._w.clone().requires_grad_(), chunk, targets)

    @abstractmethod
    def _linearise(self, w: Tensor, chunk: Tensor, targets: Tensor) -> Linearisation:
        """Of the examples in `chunk`, from a graph recorded at `w`."""


class Hessian(Operator):
    """∇²F, by differentiating the gradient's graph (Pearlmutter 1994)."""

    kind = "hessian_products"
    name = "hessian"

    def _linearise(self, w: Tensor, chunk: Tensor, targets: Tensor) -> Linearisation:
        loss = self._model.losses(self._model.outputs(w, chunk), targets).sum()
        (g,) = torch.autograd.grad(loss, w, create_graph=True)

        def product(v: Tensor) -> Tensor:
            (out,) = torch.autograd.grad(g, w, v, retain_graph=True)
            return out

        return Linearisation(product, loss.detach(), g.detach())


class GaussNewton(Operator):
    """1/b Σ J_iᵀ C_i J_i, the middle C_i (c, c) being the loss's Hessian in its outputs.

    J v is the derivative of Jᵀ u, linear in u, by u: two backward passes give the forward one. It
    does not matter at which u; at u = ∂ℓ/∂z Jᵀ u is the gradient.
    """

    kind = "gauss_newton_products"
    name = "ggn"

    def _linearise(self, w: Tensor, chunk: Tensor, targets: Tensor) -> Linearisation:
        z = self._model.outputs(w, chunk)
        point = z.detach().requires_grad_()
        loss = self._model.losses(point, targets).sum()
        (r,) = torch.autograd.grad(loss, point, create_graph=True)
        middle = self._middle(point, r)
        u = r.detach().clone().requires_grad_()
        (jt_u,) = torch.autograd.grad(z, w, u, create_graph=True)

        def product(v: Tensor) -> Tensor:
            (jv,) = torch.autograd.grad(jt_u, u, v, retain_graph=True)
            (out,) = torch.autograd.grad(z, w, middle(jv), retain_graph=True)
            return out

        return Linearisation(product, loss.detach(), jt_u.detach())

    def _middle(self, z: Tensor, r: Tensor) -> Product:
        """C_i applied to every row of (b, c); `r` is ∂ℓ/∂z, differentiable in `z`."""
        return lambda x: torch.autograd.grad(r, z, x, retain_graph=True)[0]


class Fisher(GaussNewton):
    """1/b Σ g_i g_iᵀ, the g_i of the targets it is given: the true ones, or `drawn`."""

    name = "fisher"

    def _middle(self, z: Tensor, r: Tensor) -> Product:
        r = r.detach()
        return lambda x: r * (r * x).sum(1, keepdim=True)


def drawn(model: Model, w: Tensor, batch: Tensor, ledger: Ledger, rng: torch.Generator) -> Tensor:
    """Targets for `batch` drawn from the model at `w`: a forward pass, and charged as one."""
    ledger.charge("forwards", len(batch))
    with torch.no_grad():
        chunks = torch.split(batch, CHUNK)
        return torch.cat([model.draw(model.outputs(w, chunk), rng) for chunk in chunks])


def gradient(model: Model, w: Tensor, batch: Tensor, targets: Tensor) -> Tensor:
    """The gradient (n,) of the mean loss over `batch`, with other `targets` than its own."""
    total = torch.zeros_like(w)
    for chunk, part in zip(torch.split(batch, CHUNK), torch.split(targets, CHUNK), strict=True):
        with torch.enable_grad():
            leaf = w.detach().clone().requires_grad_()
            loss = model.losses(model.outputs(leaf, chunk), part).sum()
            total += torch.autograd.grad(loss, leaf)[0]
    return total.div_(len(batch))


def per_example_gradients(
    model: Model, w: Tensor, batch: Tensor, targets: Tensor | None = None
) -> Tensor:
    """∇ℓ_i(w), one row an example (b, n); `NORMED` of them at a time are computed at once."""
    targets = model.targets(batch) if targets is None else targets

    def loss(w: Tensor, i: Tensor, target: Tensor) -> Tensor:
        z = model.outputs(w, i.unsqueeze(0))
        return model.losses(z, target.unsqueeze(0)).squeeze(0)

    w = w.detach()
    each = torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0, 0))
    parts = zip(torch.split(batch, NORMED), torch.split(targets, NORMED), strict=True)
    return torch.cat([each(w, *part) for part in parts])
