"""Small problems with the same oracle as LeNet-5: a convex quadratic and softmax regression.

Each is a `Model` whose `Engine` answers follow from it, so that whatever holds for the oracle and
the methods on LeNet-5 can be checked where a dense matrix or a known minimum is at hand.
"""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from lenetlab.oracle.engine import Layers
from lenetlab.oracle.model import Classification
from lenetlab.oracle.oracle import Oracle
from lenetlab.oracle.order import DataOrder
from lenetlab.oracle.weights import Weights
from lenetlab.problem.model import Layout, views


class Problem:
    """Engine and model over `n` examples; the first batch of tests needs no more."""

    name = "torch"
    shapes: Layout
    n: int

    def gradient(
        self, w: Tensor, batch: Tensor, out: Tensor, uniform: Tensor | None = None
    ) -> Tensor:
        leaf = w.detach().clone().requires_grad_()
        with torch.enable_grad():
            z = self.outputs(leaf, batch)
            targets = self.targets(batch) if uniform is None else self.draw(z.detach(), uniform)
            loss = self.losses(z, targets).mean()
            (g,) = torch.autograd.grad(loss, leaf)
        out.copy_(g)
        return loss.detach()

    def value(self, w: Tensor, batch: Tensor) -> Tensor:
        with torch.no_grad():
            return self.losses(self.outputs(w, batch), self.targets(batch)).mean()

    def logits(self, w: Tensor, batch: Tensor | None = None) -> Tensor:
        with torch.no_grad():
            return self.outputs(w, torch.arange(self.n) if batch is None else batch)

    def per_example_norms(self, w: Tensor, batch: Tensor) -> tuple[Tensor, Tensor]:
        g = torch.empty_like(w)
        norms = []
        for i in batch:
            self.gradient(w, i.unsqueeze(0), g)
            norms.append(g.norm())
        return self.value(w, batch), torch.stack(norms)

    def layers(self, w: Tensor, batch: Tensor, uniform: Tensor | None = None) -> Layers:
        raise NotImplementedError

    # a model

    def outputs(self, w: Tensor, batch: Tensor) -> Tensor:
        raise NotImplementedError

    def targets(self, batch: Tensor) -> Tensor:
        raise NotImplementedError

    def losses(self, z: Tensor, targets: Tensor) -> Tensor:
        raise NotImplementedError

    def draw(self, z: Tensor, uniform: Tensor) -> Tensor:
        raise NotImplementedError

    def at_start(self, dtype: torch.dtype) -> Tensor:
        raise NotImplementedError


class Quadratic(Problem):
    """½ wᵀA w − bᵀw up to a constant: ℓ_i = ½ (x_iᵀ w − y_i)², A = 1/n Σ x_i x_iᵀ.

    The weights are one matrix and one vector, so that every form of method has something to do.
    A's eigenvalues lie around 1; `noise` in y makes single gradients differ at the minimum.
    """

    def __init__(self, n: int = 120, noise: float = 0.5, seed: int = 0) -> None:
        self.shapes = {"weight": (3, 2), "bias": (3,)}
        self.n = n
        rng = torch.Generator().manual_seed(seed)
        d = 9
        scale = torch.linspace(1.5, 0.5, d, dtype=torch.float64)
        self.x = torch.randn(n, d, generator=rng, dtype=torch.float64) * scale
        w = torch.randn(d, generator=rng, dtype=torch.float64)
        self.y = self.x @ w + noise * torch.randn(n, generator=rng, dtype=torch.float64)

    @cached_property
    def a(self) -> Tensor:
        return self.x.T @ self.x / self.n

    @cached_property
    def minimum(self) -> Tensor:
        return torch.linalg.solve(self.a, self.x.T @ self.y / self.n)

    @cached_property
    def least(self) -> float:
        return float(self.value(self.minimum, torch.arange(self.n)))

    def outputs(self, w: Tensor, batch: Tensor) -> Tensor:
        return (self.x.to(w.dtype)[batch] @ w).unsqueeze(1)

    def targets(self, batch: Tensor) -> Tensor:
        return self.y[batch].unsqueeze(1)

    def losses(self, z: Tensor, targets: Tensor) -> Tensor:
        return 0.5 * (z - targets.to(z.dtype)).square().sum(1)

    def draw(self, z: Tensor, uniform: Tensor) -> Tensor:
        normal = torch.special.ndtri(uniform.to(z.dtype).clamp(1e-7, 1 - 1e-7))
        return z + normal.unsqueeze(1)

    def at_start(self, dtype: torch.dtype) -> Tensor:
        return torch.zeros(9, dtype=dtype)


class Softmax(Classification, Problem):
    """Softmax regression: 4 features, 3 classes that overlap, so that a minimum exists."""

    def __init__(self, n: int = 120, seed: int = 0) -> None:
        self.shapes = {"fc.weight": (3, 4), "fc.bias": (3,)}
        self.n = n
        rng = torch.Generator().manual_seed(seed)
        self.x = torch.randn(n, 4, generator=rng, dtype=torch.float64)
        truth = torch.randn(3, 4, generator=rng, dtype=torch.float64)
        p = torch.softmax(self.x @ truth.T, 1)
        self.y = torch.multinomial(p, 1, generator=rng).squeeze(1)

    def outputs(self, w: Tensor, batch: Tensor) -> Tensor:
        p = views(w, self.shapes)
        return self.x.to(w.dtype)[batch] @ p["fc.weight"].T + p["fc.bias"]

    def targets(self, batch: Tensor) -> Tensor:
        return self.y[batch]

    def layers(self, w: Tensor, batch: Tensor, uniform: Tensor | None = None) -> Layers:
        p, labels = torch.softmax(self.outputs(w, batch), 1), self.y[batch]
        if uniform is not None:
            labels = (p.cumsum(1)[:, :-1] <= uniform.unsqueeze(1)).sum(1)
        delta = p - torch.eye(3, dtype=w.dtype)[labels]
        return Layers(self.value(w, batch), {"fc": self.x.to(w.dtype)[batch]}, {"fc": delta})

    @cached_property
    def least(self) -> float:
        """The minimum, by Newton's method with the pseudo-inverse (one direction is flat)."""
        w = self.at_start(torch.float64)

        def loss(w: Tensor) -> Tensor:
            everything = torch.arange(self.n)
            return self.losses(self.outputs(w, everything), self.targets(everything)).mean()

        for _ in range(20):
            h, g = torch.func.jacrev(torch.func.grad(loss))(w), torch.func.grad(loss)(w)
            w = w - torch.linalg.pinv(h) @ g
        return float(loss(w))

    def at_start(self, dtype: torch.dtype) -> Tensor:
        return torch.zeros(15, dtype=dtype)


class LinearNet(Problem):
    """Two linear layers and squared loss: the blocks of its Fisher are Kronecker products."""

    def __init__(self, n: int = 60, seed: int = 0) -> None:
        self.shapes = {"two.weight": (4, 3), "one.weight": (3, 5), "one.bias": (3,),
                       "two.bias": (4,)}  # fmt: skip
        self.n = n
        self.rng = torch.Generator().manual_seed(seed)
        self.x = torch.randn(n, 5, generator=self.rng, dtype=torch.float64)
        self.y = torch.randn(n, 4, generator=self.rng, dtype=torch.float64)

    def outputs(self, w: Tensor, batch: Tensor) -> Tensor:
        p = views(w, self.shapes)
        return self._hidden(w, batch) @ p["two.weight"].T + p["two.bias"]

    def targets(self, batch: Tensor) -> Tensor:
        return self.y[batch]

    def losses(self, z: Tensor, targets: Tensor) -> Tensor:
        return 0.5 * (z - targets.to(z.dtype)).square().sum(1)

    def layers(self, w: Tensor, batch: Tensor, uniform: Tensor | None = None) -> Layers:
        """In place of residuals drawn from a unit normal, some that have exactly its second moment
        in every batch whose size is a multiple of 4."""
        r = self.outputs(w, batch) - self.y[batch]
        if uniform is not None:
            r = 2 * torch.eye(4, dtype=w.dtype)[torch.arange(len(batch)) % 4]
        inputs = {"one": self.x[batch], "two": self._hidden(w, batch)}
        deltas = {"one": r @ views(w, self.shapes)["two.weight"], "two": r}
        return Layers(self.value(w, batch), inputs, deltas)

    def at_start(self, dtype: torch.dtype) -> Tensor:
        return torch.randn(34, generator=self.rng, dtype=torch.float64).to(dtype)

    def _hidden(self, w: Tensor, batch: Tensor) -> Tensor:
        p = views(w, self.shapes)
        return self.x.to(w.dtype)[batch] @ p["one.weight"].T + p["one.bias"]


@dataclass
class Setting:
    """A problem with weights and an oracle over it, as a training has them."""

    problem: Problem
    weights: Weights
    oracle: Oracle


def setting(
    problem: Problem,
    batch_size: int = 0,
    *,
    dtype: torch.dtype = torch.float64,
    l2: float = 0.0,
    seed: int = 0,
) -> Setting:
    """`problem` at its start; a batch size of 0 is the full batch."""
    weights = Weights(problem.at_start(dtype), problem.shapes)
    order = DataOrder(torch.Generator().manual_seed(seed), problem.n)
    rng = torch.Generator().manual_seed(seed + 1)
    size = batch_size or problem.n
    return Setting(problem, weights, Oracle(problem, weights, order, lambda: size, rng, l2))
