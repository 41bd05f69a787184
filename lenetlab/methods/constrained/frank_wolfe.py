r"""Frank-Wolfe: towards the point of a ball farthest against the gradient, without projection.

Every tensor of the net is held in a ball of its own. The linear model of F has its minimum over a
ball at an extreme point s, which is cheap to find; the new weights lie on the way there, so they
never leave the ball. For matrices s turns every direction of the gradient into one of full size.

    d ← β d + (1 − β) g                                  the gradient without its noise
    s = argmin ⟨d, x⟩ over ‖x‖ ≤ r                       layer by layer; s = w where d = 0
    w ← w + γ (s − w)

    spectral    s = −r U Vᵀ,  d = U Σ Vᵀ (exact, σ_i > 0)    vectors as in l2
    l2          s = −r d / ‖d‖₂
    linf        s = −r sign d
    l1          s = −r sign(d_i) e_i,  i = argmax |d_i|

A singular value below max(m, n) ε σ₁, the rounding of an m×n matrix, is taken for zero: in the last
layer one always is, for a softmax does not see what all its outputs have in common, and steps of
full length along a rounding error would be a random walk.

With the spectral ball, w ← (1 − γ) w − γ r U Vᵀ: this *is* `muon` at rate γ r with decoupled weight
decay 1/r, but for how momentum looks ahead and how U Vᵀ is computed (a test holds the two side by
side). Whoever sets r sets a weight decay, by another name.

γ is `lr`; the classic 2/(k + 2) is `--schedule 1/t:tau=2 --set lr=1`, with an excess of O(1/k)
for convex F and all examples. The bound is the method's own affair and allowed in `plain`: no
weight decays without a gradient. Weights that start outside come to the ball as (1 − γ)ᵏ.

Source: Frank and Wolfe, An Algorithm for Quadratic Programming, 1956; Jaggi, Revisiting
Frank-Wolfe, ICML 2013, Algorithm 1 and Theorem 1; on batches the average d is needed: Mokhtari,
Hassani and Karbasi, Stochastic Conditional Gradient Methods, JMLR 2020, arXiv:1804.09554. With the
spectral ball it is Scion (Pethick et al. 2025, arXiv:2502.07529, Algorithm 2, constrained), which
scales radii by layer shape and approximates U Vᵀ by Newton-Schulz, as Muon does; with l∞, Lion
with decay 1/r (Chen et al. 2023) is of this kind.
Cost: one gradient a step; for `spectral` an eigendecomposition of the smaller Gram matrix of every
matrix, charged as a factorization; one vector.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from lenetlab.component import log_uniform, uniform
from lenetlab.errors import unknown
from lenetlab.methods.base import Base
from lenetlab.methods.registry import method
from lenetlab.oracle.linalg import LinearAlgebra
from lenetlab.oracle.oracle import Oracle
from lenetlab.settings import UNIT, Domain

Extreme = Callable[[Tensor, LinearAlgebra], Tensor]


def spectral(d: Tensor, linalg: LinearAlgebra) -> Tensor:
    if d.dim() < 2:
        return l2(d, linalg)
    rounding = max(d.shape) * torch.finfo(d.dtype).eps
    if d.dtype == torch.float32:
        return _by_gram_matrix(d, rounding, linalg)
    u, s, vt = linalg.svd(d)
    r = int((s > rounding * s[0]).sum())  # the numerical rank
    return u[:, :r] @ vt[:r]


def _by_gram_matrix(d: Tensor, rounding: float, linalg: LinearAlgebra) -> Tensor:
    """U Vᵀ = U Σ⁻¹ Uᵀ d from the smaller of d dᵀ and dᵀd, less work than an SVD: in double
    precision squares lose nothing that single precision holds."""
    x = d.double()
    if len(x) > x.shape[1]:
        return _by_gram_matrix(d.T, rounding, linalg).T
    squares, u = linalg.eigh(x @ x.T)
    u = u[:, squares > rounding**2 * squares[-1]]
    along = u.T @ x  # Σ Vᵀ
    vt = along / along.norm(dim=1, keepdim=True)
    found: Tensor = u.to(d.dtype) @ vt.to(d.dtype)
    return found


def l2(d: Tensor, linalg: LinearAlgebra) -> Tensor:
    unit: Tensor = d / d.norm()
    return unit


def linf(d: Tensor, linalg: LinearAlgebra) -> Tensor:
    return d.sign()


def l1(d: Tensor, linalg: LinearAlgebra) -> Tensor:
    x = torch.zeros_like(d)
    i = d.abs().argmax()
    x.view(-1)[i] = d.view(-1)[i].sign()
    return x


# argmax ⟨d, x⟩ over the unit ball; d is not zero
EXTREME: Mapping[str, Extreme] = {"spectral": spectral, "l2": l2, "linf": linf, "l1": l1}


@method(
    "frank_wolfe",
    family="constrained",
    form="layers",
    reference="Frank and Wolfe 1956; Jaggi 2013, Alg. 1; Mokhtari et al. 2020",
    defaults={"lr": 0.001, "ball": "spectral", "radius": 10.0, "momentum": 0.9},
    space={
        "lr": log_uniform(1e-4, 5e-3), "radius": log_uniform(5.0, 40.0),
        "momentum": uniform(0.6, 0.99),
    },
    cost="1 gradient and 5 eigendecompositions a step; 1 vector",
    within="ball",
    norms="ball",
    domains={"lr": UNIT, "radius": Domain(1e-9)},
    version=3,
    batch_scaling="sqrt",
)  # fmt: skip
class FrankWolfe(Base):
    STATE = ("d",)

    def start(self, w: Tensor) -> None:
        if self.group["ball"] not in EXTREME:
            raise unknown("ball", self.group["ball"], EXTREME)
        self.d = [torch.zeros_like(layer.w) for layer in self.layers]

    def step(self, oracle: Oracle) -> Tensor:
        loss = oracle()
        gamma, r, beta = self.group["lr"], self.group["radius"], self.group["momentum"]
        extreme = EXTREME[self.group["ball"]]
        for (w, g), d in zip(self.layers, self.d, strict=True):
            d.lerp_(g, 1 - beta)
            if d.any():
                w.lerp_(-r * extreme(d, oracle.linalg), gamma)
        return loss
