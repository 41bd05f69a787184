r"""Curvature as operators: products with the Hessian, the Gauss-Newton matrix and the Fishers.

With outputs z_i(w), their Jacobians J_i = ∂z_i/∂w and F = 1/b Σ ℓ(z_i), all on one batch:

    Hessian          H = ∇²F                              may be indefinite
    Gauss-Newton     G = 1/b Σ J_iᵀ (∂²ℓ/∂z²) J_i         H without the curvature of z
    Fisher           the same, with r_i r_iᵀ for ∂²ℓ/∂z², r_i = ∂ℓ/∂z: of the true label
                     (empirical) or of one drawn from the model (Monte-Carlo; its mean is G)

An operator belongs to the point where it was made and keeps a copy of w. An engine that is `Curved`
computes the products; elsewhere PyTorch differentiates a `Model`, and the graph recorded at the
copy is kept for batches of up to `KEPT` examples and recorded anew, chunk by chunk, for larger
ones, so that memory does not grow with the batch. Nothing is ever written to `.grad`, so no graph
outlives its operator. What a product is charged does not depend on who computes it.

Sources: Pearlmutter, Fast Exact Multiplication by the Hessian, Neural Computation 6(1), 1994;
Schraudolph, Fast Curvature Matrix-Vector Products for Second-Order Gradient Descent, Neural
Computation 14(7), 2002; Kunstner, Balles and Hennig, Limitations of the Empirical Fisher
Approximation, 2019, on what the two Fishers are not.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor

from lenetlab.oracle.engine import Curvature, Curved
from lenetlab.oracle.ledger import Ledger
from lenetlab.oracle.model import Model

CHUNK = 500  # examples linearised at a time
KEPT = 2000  # examples whose graph is kept; 0.04 to 0.06 MB each, measured
ROWS_AT_ONCE = 64  # examples whose gradients are in memory at a time, 0.18 MB each

Product = Callable[[Tensor], Tensor]


class Operator(ABC):
    """A symmetric n × n matrix at one point and batch, known by its products: `operator @ v`.

    The matrix is m ∘ (C + λI) ∘ m, where C is the loss's curvature at m∘w and λ the oracle's L2.
    `v` is a vector (n,) or a matrix (n, k), which costs k products; `ValueError` for other shapes.
    """

    kind: str  # of the product, in the ledger
    name: Curvature

    def __init__(
        self,
        source: Curved | Model,
        w: Tensor,
        batch: Tensor,
        ledger: Ledger,
        mask: Tensor | None = None,
        l2: float = 0.0,
        uniform: Tensor | None = None,
        decayed: slice = slice(None),
    ) -> None:
        self._w = w.detach().clone()
        self._batch = batch
        self._product = (
            self._by_engine(source, uniform)
            if isinstance(source, Curved)
            else self._by_pytorch(source, uniform)
        )
        self._ledger = ledger
        self._mask = mask
        self._l2 = l2
        self._decayed = decayed

    @property
    def shape(self) -> tuple[int, int]:
        """(n, n)."""
        return len(self._w), len(self._w)

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
        total = self._product(masked)
        self._ledger.charge(self.kind, len(self._batch) * columns.shape[1])
        if self._l2:
            total[self._decayed].add_(masked[self._decayed], alpha=self._l2)
        if self._mask is not None:
            total.mul_(self._mask.unsqueeze(1))
        return total.view_as(v)

    def _by_engine(self, engine: Curved, uniform: Tensor | None) -> Product:
        """Columns (n, k) -> their products, computed from the start each time."""

        def product(columns: Tensor) -> Tensor:
            each = columns.to(self._w.dtype).T.contiguous()
            found = [engine.product(self.name, self._w, self._batch, v, uniform) for v in each]
            total = found[0].unsqueeze(1) if len(found) == 1 else torch.stack(found, 1)
            return total.to(columns.dtype)

        return product

    def _by_pytorch(self, model: Model, uniform: Tensor | None) -> Product:
        """Columns (n, k) -> their products, from a graph that is kept where it is small."""
        batch = self._batch
        targets = model.targets(batch) if uniform is None else drawn(model, self._w, batch, uniform)
        parts = list(zip(torch.split(batch, CHUNK), torch.split(targets, CHUNK), strict=True))

        def linearised(chunk: Tensor, targets: Tensor) -> Product:
            with torch.enable_grad():
                return self._linearise(model, self._w.clone().requires_grad_(), chunk, targets)

        kept = [linearised(*part) for part in parts] if len(batch) <= KEPT else None

        def product(columns: Tensor) -> Tensor:
            total = torch.zeros_like(columns)
            for i, part in enumerate(parts):
                one = kept[i] if kept else linearised(*part)
                for j, column in enumerate(columns.unbind(1)):
                    total[:, j] += one(column)
                del one  # its graph goes before the next one is recorded
            return total.div_(len(batch))

        return product

    @abstractmethod
    def _linearise(self, model: Model, w: Tensor, chunk: Tensor, targets: Tensor) -> Product:
        """v -> the sum over `chunk` of each example's product, from a graph recorded at `w`."""


class Hessian(Operator):
    """∇²F, by differentiating the gradient's graph (Pearlmutter 1994)."""

    kind = "hessian_products"
    name: Curvature = "hessian"

    def _linearise(self, model: Model, w: Tensor, chunk: Tensor, targets: Tensor) -> Product:
        loss = model.losses(model.outputs(w, chunk), targets).sum()
        (g,) = torch.autograd.grad(loss, w, create_graph=True)
        return lambda v: torch.autograd.grad(g, w, v, retain_graph=True)[0]


class GaussNewton(Operator):
    """1/b Σ J_iᵀ C_i J_i, the middle C_i (c, c) being the loss's Hessian in its outputs.

    J v is the derivative of Jᵀ u, linear in u, by u: two backward passes give the forward one.
    """

    kind = "gauss_newton_products"
    name: Curvature = "ggn"

    def _linearise(self, model: Model, w: Tensor, chunk: Tensor, targets: Tensor) -> Product:
        z = model.outputs(w, chunk)
        middle = self._middle(model, z.detach(), targets)
        u = torch.zeros_like(z, requires_grad=True)
        (jt_u,) = torch.autograd.grad(z, w, u, create_graph=True)

        def product(v: Tensor) -> Tensor:
            (jv,) = torch.autograd.grad(jt_u, u, v, retain_graph=True)
            (out,) = torch.autograd.grad(z, w, middle(jv), retain_graph=True)
            return out

        return product

    def _middle(self, model: Model, z: Tensor, targets: Tensor) -> Product:
        """C_i applied to every row of (b, c)."""
        z = z.requires_grad_()
        losses = model.losses(z, targets)
        (r,) = torch.autograd.grad(losses.sum(), z, create_graph=True)
        return lambda x: torch.autograd.grad(r, z, x, retain_graph=True)[0]


class Fisher(GaussNewton):
    """1/b Σ g_i g_iᵀ, the g_i of the targets it is given: the true ones, or `drawn`."""

    name: Curvature = "fisher"

    def _middle(self, model: Model, z: Tensor, targets: Tensor) -> Product:
        z = z.requires_grad_()
        (r,) = torch.autograd.grad(model.losses(z, targets).sum(), z)
        return lambda x: r * (r * x).sum(1, keepdim=True)


def drawn(model: Model, w: Tensor, batch: Tensor, uniform: Tensor) -> Tensor:
    """Targets for `batch`, drawn from the model at `w` by the numbers `uniform` (b,)."""
    parts = zip(torch.split(batch, CHUNK), torch.split(uniform, CHUNK), strict=True)
    with torch.no_grad():
        return torch.cat([model.draw(model.outputs(w, chunk), part) for chunk, part in parts])


def per_example_gradients(
    source: Curved | Model, w: Tensor, batch: Tensor, uniform: Tensor | None = None
) -> Tensor:
    """∇ℓ_i(w), one row an example (b, n); PyTorch computes `ROWS_AT_ONCE` of them at once."""
    if isinstance(source, Curved):
        return source.per_example_gradients(w, batch, uniform)
    model = source
    targets = model.targets(batch) if uniform is None else drawn(model, w, batch, uniform)

    def loss(w: Tensor, i: Tensor, target: Tensor) -> Tensor:
        z = model.outputs(w, i.unsqueeze(0))
        return model.losses(z, target.unsqueeze(0)).squeeze(0)

    w = w.detach()
    each = torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0, 0))
    parts = zip(torch.split(batch, ROWS_AT_ONCE), torch.split(targets, ROWS_AT_ONCE), strict=True)
    return torch.cat([each(w, *part) for part in parts])
