r"""PSGD with Kronecker factors: a preconditioner that is fitted, never inverted or decomposed.

P = QᵀQ is the minimiser of a criterion in which gradients and noise pull in opposite directions,
and that is where the preconditioned gradient is white: P = E[g gᵀ]^(−1/2). For a layer Q is a
Kronecker product of two triangular matrices. They form a Lie group, in which a multiplicative step
I − μ ∇ leads from one member to another, so Q stays invertible with nothing but products and
triangular solves.

    minimise  E[gᵀ P g + vᵀ P⁻¹ v],  v ~ N(0, I)

    M ← β M + (1 − β) G,   M̂ corrected for starting at zero
    A = Q_L M̂ Q_Rᵀ,        B = Q_L⁻ᵀ V Q_R⁻¹                      every `every` steps
    Q_L ← Q_L − μ/‖A Aᵀ + B Bᵀ‖ triu(A Aᵀ − B Bᵀ) Q_L
    Q_R ← Q_R − μ/‖AᵀA + BᵀB‖ triu(AᵀA − BᵀB) Q_R
    D = P_L M̂ P_R,         W ← (1 − η λ) W − η D min(1, 1.1 / rms D)

Spectral norms are a lower bound from two products with the longest column. A bias has a diagonal Q.
Convolutions are matrices, filters × inputs of a patch; both sides of every matrix have a full
triangular factor, the 256 inputs of fc1 too.

Source: Li, Preconditioned Stochastic Gradient Descent, 2015, arXiv:1512.04202, on the criterion and
Kronecker factors; Li, Preconditioner on Matrix Lie Group for SGD, 2018, arXiv:1809.10232, on the
groups; Pooladzandi and Li, 2024, arXiv:2402.04553, on the normalised step; the whitening of the
momentum, diagonal biases and the bound 1.1 on the length are those of the implementation Kron
(Walters). Kron lowers the chance of an update from 1 to 0.03 in the course of some 4,000 steps;
here it is every `every`-th step, and seldom updates cost accuracy early. The factors' norms,
equalised now and then by Kron at random, are equalised every 100 updates, which changes Q_L and Q_R
but not P. Newer versions of Li's code have symmetric Q. Without updates (μ = 0) it is gradient
descent with momentum.
Cost: one gradient a step and two products a layer; every `every` steps some twelve products and two
triangular solves; one vector and the squares of all sides, 4.0 vectors, and P again 3.0.
"""

from typing import Any

import torch
from torch import Tensor

from lenetlab.component import log_uniform, uniform
from lenetlab.methods.base import Base
from lenetlab.methods.registry import method
from lenetlab.oracle.oracle import Oracle
from lenetlab.settings import POSITIVE_COUNT, UNIT

BALANCED = 100  # updates between two equalisations
LONGEST = 1.1  # root mean square of a layer's direction


@method(
    "psgd_kron",
    family="second_order",
    reference="Li 2015, arXiv:1512.04202; Li 2018, arXiv:1809.10232",
    form="layers",
    decay="decoupled",
    defaults={"lr": 1e-3, "beta1": 0.9, "mu": 0.1, "every": 2, "weight_decay": 0.0},
    space={"lr": log_uniform(2e-4, 5e-3), "beta1": uniform(0.8, 0.97)},
    cost="1 gradient and 2 matrix products a layer a step, 12 more every 2; 7 vectors",
    domains={"mu": UNIT, "every": POSITIVE_COUNT},
    batch_scaling="sqrt",
)
class PSGDKron(Base):
    STATE = ("factors", "m", "t", "updates")

    def start(self, w: Tensor) -> None:
        n = sum(layer.w.numel() for layer in self.layers)
        self.factors = [_identities(layer.w) for layer in self.layers]
        self.m = w.new_zeros(n)
        self.t = self.updates = 0
        self.mean, self.d = torch.empty_like(self.m), torch.empty_like(self.m)
        self.mean_views, self.d_views = self.views(self.mean), self.views(self.d)
        self.spare = [torch.empty_like(x) for x in self.d_views]
        self.roots = w.new_tensor([layer.w.numel() for layer in self.layers]).sqrt_()
        self._square()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        super().load_state_dict(state)
        self._square()

    def step(self, oracle: Oracle) -> Tensor:
        loss = oracle()
        w, h = oracle.w, self.group
        self.m.lerp_(oracle.g, 1 - h["beta1"])
        self.t += 1
        torch.div(self.m, 1 - h["beta1"] ** self.t, out=self.mean)
        if (self.t - 1) % h["every"] == 0:
            self._fit(oracle.rng, h["mu"])
        self._precondition()
        self.part(w).mul_(1 - h["lr"] * h["weight_decay"])
        w.sub_(self.d, alpha=h["lr"])
        return loss

    def _precondition(self) -> None:
        """D of all layers, no longer than they may be."""
        views = zip(self.squares, self.mean_views, self.spare, self.d_views, strict=True)
        for p, m, y, x in views:
            if m.dim() == 1:
                torch.mul(p[0], m, out=x)
            else:
                torch.mm(p[0], m, out=y)
                torch.mm(y, p[1], out=x)
        rms = torch.stack(torch._foreach_norm(self.d_views)).div_(self.roots)
        torch._foreach_mul_(self.d_views, list(LONGEST / rms.clamp_min_(LONGEST)))

    def _square(self) -> None:
        """P of every factor."""
        self.squares = [
            [q.square() if q.dim() == 1 else q.T @ q for q in sides] for sides in self.factors
        ]

    def _fit(self, rng: torch.Generator, mu: float) -> None:
        """One step of every Q towards white gradients."""
        for m, sides in zip(self.mean_views, self.factors, strict=True):
            v = torch.randn(m.shape, generator=rng, dtype=m.dtype, device=rng.device).to(m.device)
            (_fit_diagonal if m.dim() == 1 else _fit_triangular)(sides, m, v, mu)
        self.updates += 1
        if self.updates % BALANCED == 0:
            for left, right in (sides for sides in self.factors if len(sides) == 2):
                ratio = (right.abs().max() / left.abs().max()).sqrt()
                left.mul_(ratio)
                right.div_(ratio)
        self._square()


def _identities(w: Tensor) -> list[Tensor]:
    """Q of a layer, one matrix a side; of a bias the diagonal alone."""
    if w.dim() == 1:
        return [torch.ones_like(w)]
    return [torch.eye(n, dtype=w.dtype, device=w.device) for n in w.shape]


def _fit_diagonal(sides: list[Tensor], g: Tensor, v: Tensor, mu: float) -> None:
    (q,) = sides
    a, b = (q * g).square(), (v / q).square()
    q.sub_(mu / (a + b).max() * (a - b) * q)


def _fit_triangular(sides: list[Tensor], g: Tensor, v: Tensor, mu: float) -> None:
    left, right = sides
    a = left @ g @ right.T
    b = torch.linalg.solve_triangular(left.T, v, upper=False)
    b = torch.linalg.solve_triangular(right, b, upper=True, left=False)
    for q, aa, bb in ((left, a @ a.T, b @ b.T), (right, a.T @ a, b.T @ b)):
        step = (aa - bb).triu_().mul_(mu / norm_bound(aa + bb))
        q.sub_(step @ q)


def norm_bound(x: Tensor) -> Tensor:
    """A lower bound of the spectral norm of a symmetric matrix, close where one value dominates."""
    longest = x[x.square().sum(1).argmax()]
    y = x @ longest
    bound: Tensor = torch.linalg.vector_norm(x @ (y / y.norm()))
    return bound
