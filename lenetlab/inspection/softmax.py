r"""Softmax regression on small images: a problem of which theory knows all constants.

    F(W) = 1/n Σ −log softmax(W xᵢ)[yᵢ] + λ/2 ‖W‖²

The xᵢ are images of 7 × 7 means of 4 × 4 pixels and a constant, scaled to ‖xᵢ‖ = 1, in float64. The
Hessian of one −log softmax in its scores lies between 0 and ½ (Böhning 1992), so F is strongly
convex with c = λ, its gradient has the Lipschitz constant L = λ + ½ λ_max(XᵀX/n), that of a single
example λ + ½; its Hessian has one of at most 1/√2: the third derivative of −log softmax along u, u
and v is a third central moment, and no larger than |v − v̄| Var u ≤ √2‖v‖ · ½‖u‖².

Source of the bound: Böhning, Multinomial Logistic Regression Algorithm, Annals of the Institute of
Statistical Mathematics 44(1), 1992.
"""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from scipy.optimize import minimize
from torch import Tensor

from lenetlab.errors import UserError
from lenetlab.oracle.engine import Layers
from lenetlab.oracle.model import Classification
from lenetlab.oracle.oracle import Oracle
from lenetlab.oracle.order import DataOrder
from lenetlab.oracle.weights import Weights
from lenetlab.problem.data import Split
from lenetlab.problem.model import Layout

CLASSES, POOL = 10, 4
EXAMPLES, L2 = 2000, 0.02
TOLERANCE = 1e-12  # of the gradient's norm at the minimum
NEWTON_STEPS = 8


class SoftmaxRegression(Classification):
    """Engine and model: the oracle asks it what it asks of LeNet-5's. x (n, d), labels (n,)."""

    name, key, threads = "torch", "", 1

    def __init__(self, x: Tensor, labels: Tensor) -> None:
        self.x, self.labels = x, labels
        self.shapes: Layout = {"weight": (CLASSES, x.shape[1])}

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def start(self) -> Tensor:
        """W = 0 (10 d,): all classes are equally likely."""
        return torch.zeros(CLASSES * self.x.shape[1], dtype=self.x.dtype)

    def gradient(
        self, w: Tensor, batch: Tensor, out: Tensor, uniform: Tensor | None = None
    ) -> Tensor:
        """Mean loss; its gradient goes to `out`."""
        x, labels = self.x[batch], self.labels[batch]
        scores = x @ w.view(CLASSES, -1).T
        residuals = torch.softmax(scores, 1)
        wanted = labels if uniform is None else self.draw(scores, uniform)
        residuals[torch.arange(len(batch)), wanted] -= 1
        torch.mm(residuals.T, x, out=out.view(CLASSES, -1)).div_(len(batch))
        return F.cross_entropy(scores, labels)

    def value(self, w: Tensor, batch: Tensor) -> Tensor:
        """Mean loss."""
        return F.cross_entropy(self.outputs(w, batch), self.labels[batch])

    def logits(self, w: Tensor, batch: Tensor | None = None) -> Tensor:
        """Class scores (b, 10)."""
        return self.outputs(w, torch.arange(len(self)) if batch is None else batch)

    def outputs(self, w: Tensor, batch: Tensor) -> Tensor:
        """Class scores (b, 10), differentiable in `w`."""
        return self.x[batch] @ w.view(CLASSES, -1).T

    def targets(self, batch: Tensor) -> Tensor:
        """Labels (b,)."""
        return self.labels[batch]

    def layers(self, w: Tensor, batch: Tensor, uniform: Tensor | None = None) -> Layers:
        """Inputs and output gradients of the one layer."""
        scores, labels = self.outputs(w, batch), self.labels[batch]
        wanted = labels if uniform is None else self.draw(scores, uniform)
        deltas = torch.softmax(scores, 1) - F.one_hot(wanted, CLASSES)
        loss = F.cross_entropy(scores, labels)
        return Layers(loss, {"weight": self.x[batch]}, {"weight": deltas})

    def per_example_norms(self, w: Tensor, batch: Tensor) -> tuple[Tensor, Tensor]:
        """Mean loss, and ‖∇ℓᵢ‖ (b,): the gradient of one example is an outer product."""
        layers = self.layers(w, batch)
        deltas, x = layers.output_gradients["weight"], layers.inputs["weight"]
        return layers.loss, deltas.norm(dim=1) * x.norm(dim=1)


class Independent(DataOrder):
    """Examples drawn with replacement, as theory has it; of all `n` at once, all."""

    def __init__(self, n: int, seed: int) -> None:
        super().__init__(torch.Generator().manual_seed(seed), n)
        self._drawn = 0

    def take(self, size: int) -> Tensor:
        """Indices (size,) of the next examples."""
        self._drawn += size
        if size == self.n:
            return torch.arange(size)
        return torch.randint(0, self.n, (size,), generator=self._stream)

    @property
    def epochs(self) -> float:
        """Examples drawn, in sizes of the data."""
        return self._drawn / self.n


@dataclass(frozen=True, eq=False)
class Known:
    """A problem with all that theory asks of it.

    l2 : λ. c : of strong convexity. smooth : L of F. smooth_each : of every example's loss.
    smooth_hessian : the Lipschitz constant of the Hessian. minimum (n,), least : where F is least,
        and F there.
    """

    problem: SoftmaxRegression
    l2: float
    c: float
    smooth: float
    smooth_each: float
    smooth_hessian: float
    minimum: Tensor
    least: float

    def pose(self, batch_size: int, seed: int = 0) -> tuple[Weights, Oracle]:
        """Weights at the start, and the oracle for them, its batches drawn by `seed`."""
        return _pose(self.problem, self.l2, batch_size, seed)

    def excess(self, w: Tensor) -> float:
        """F(w) − F(minimum); 0 where rounding hides it."""
        _, oracle = self.pose(1)
        return max(float(oracle.value(oracle.full, at=w)) - self.least, 0.0)

    def variance(self, w: Tensor) -> float:
        """tr Σ of single examples' gradients at `w`, over all of them."""
        everything = torch.arange(len(self.problem))
        _, norms = self.problem.per_example_norms(w, everything)
        mean = torch.empty_like(w)
        self.problem.gradient(w, everything, mean)
        return float(norms.square().mean() - mean.square().sum())


def softmax_regression(train: Split, examples: int = EXAMPLES) -> Known:
    """The problem on the first `examples` of `train`, solved: by L-BFGS, then Newton's method to a
    gradient of at most `TOLERANCE`, so that F − F* ≤ ‖∇F‖²/2c is known to 1e-23."""
    images = train.images[:examples].double().div(255).unsqueeze(1)
    pooled = F.avg_pool2d(images, POOL).flatten(1)
    x = torch.cat([pooled, torch.ones(len(pooled), 1, dtype=pooled.dtype)], 1)
    x = x / x.norm(dim=1, keepdim=True)
    problem = SoftmaxRegression(x, train.labels[:examples])
    largest = float(torch.linalg.eigvalsh(x.T @ x / len(x))[-1])
    minimum = _solved(problem, L2)
    _, oracle = _pose(problem, L2, 1, 0)
    least = float(oracle.value(oracle.full, at=minimum))
    return Known(problem, L2, L2, L2 + largest / 2, L2 + 0.5, 0.5**0.5, minimum, least)


def _pose(
    problem: SoftmaxRegression, l2: float, batch_size: int, seed: int
) -> tuple[Weights, Oracle]:
    weights = Weights(problem.start, problem.shapes)
    order = Independent(len(problem), seed)
    rng = torch.Generator().manual_seed(seed + 1)
    return weights, Oracle(problem, weights, order, lambda: batch_size, rng, l2)


def _solved(problem: SoftmaxRegression, l2: float) -> Tensor:
    _, oracle = _pose(problem, l2, 1, 0)

    def loss_and_gradient(
        w: "np.ndarray[tuple[int], np.dtype[np.float64]]",
    ) -> tuple[float, object]:
        loss, g = oracle.gradient(oracle.full, at=torch.from_numpy(w.copy()))
        return float(loss), g.numpy()

    begin = minimize(loss_and_gradient, problem.start.numpy(), jac=True, method="L-BFGS-B")
    w = torch.from_numpy(begin.x.copy())
    for _ in range(NEWTON_STEPS):
        _, g = oracle.gradient(oracle.full, at=w)
        if g.norm() <= TOLERANCE:
            return w
        hessian = oracle.hessian(oracle.full, at=w) @ torch.eye(len(w), dtype=w.dtype)
        w = w - torch.linalg.solve(hessian, g)
    raise UserError(f"softmax regression is not solved: its gradient is {float(g.norm()):.1e}")
