r"""Shampoo: a layer's gradient, divided on both sides by roots of its own covariances.

Full-matrix AdaGrad divides the gradient by the root of the sum of its outer products; for a layer
that matrix is far too large. Shampoo bounds it by a Kronecker product of two small ones, a
covariance over the layer's rows and one over its columns. Their roots change slowly and cost an
eigendecomposition, so they are refreshed seldom.

    L ← β₂ L + (1 − β₂) G Gᵀ          R ← β₂ R + (1 − β₂) Gᵀ G        sums, if β₂ = 1
    M ← β₁ M + (1 − β₁) G
    D = (L̂ + εI)^(−1/4) M (R̂ + εI)^(−1/4)      roots as of the last multiple of `every`
    W ← (1 − η λ) W − η s D

L̂ is L corrected for starting at zero. A bias is a tensor with one side: its L is the full matrix,
its exponent −1/2. With `graft` only the direction of D is used, layer by layer, and its length is
that of a diagonal method's step: s = ‖M / (√Â + ε)‖ / ‖D‖, A ← β₂ A + (1 − β₂) G∘G; otherwise
s = 1. Until the first refresh the roots are the identity, so it is gradient descent with momentum,
with `graft` at the length of RMSProp's steps. Convolutions are matrices, filters × inputs of a
patch, and both sides of every matrix have a root, the 256 inputs of fc1 too.

Source: Gupta, Koren and Singer, Shampoo: Preconditioned Stochastic Tensor Optimization, ICML 2018,
arXiv:1802.09568, Algorithms 1 and 2 (β₂ = 1, every = 1, no graft); Anil et al., Scalable Second
Order Optimization for Deep Learning, 2020, arXiv:2002.09018, for decayed sums, seldom refreshes
and grafting. There ε is a share of the largest eigenvalue and the momentum is taken of D; many
implementations do so, or raise to −1/2 for matrices (a setting of Anil et al.); a convolution there
has a root for each of its four sides, or for some merged. λ, decoupled, is of neither paper.
Cost: one gradient a step and four products a layer; every `every` steps an eigendecomposition of
every side (256, 150, 3 × 120, 3 × 84 and small ones); two vectors and twice the squares of all
sides, 8.9 vectors in all.
"""

import torch
from torch import Tensor

from lenetlab.component import log_uniform, uniform
from lenetlab.methods.base import Base
from lenetlab.methods.registry import method
from lenetlab.methods.second_order import kronecker
from lenetlab.oracle.linalg import LinearAlgebra
from lenetlab.oracle.oracle import Oracle
from lenetlab.settings import POSITIVE_COUNT, UNIT


@method(
    "shampoo",
    family="second_order",
    reference="Gupta, Koren and Singer 2018, arXiv:1802.09568, Alg. 1; Anil et al. 2020",
    form="layers",
    decay="decoupled",
    defaults={
        "lr": 3e-3, "beta1": 0.9, "beta2": 0.95, "eps": 1e-8, "every": 20, "graft": True,
        "weight_decay": 0.0,
    },
    space={"lr": log_uniform(5e-4, 2e-2), "beta1": uniform(0.8, 0.97)},
    cost="1 gradient and 4 matrix products a layer a step, eigh of every side every 20; 9 vectors",
    domains={"every": POSITIVE_COUNT, "beta2": UNIT},
    batch_scaling="sqrt",
)  # fmt: skip
class Shampoo(Base):
    STATE = ("covariances", "roots", "m", "a", "t")

    def start(self, w: Tensor) -> None:
        n = sum(layer.w.numel() for layer in self.layers)
        self.sizes = [k for layer in self.layers for k in layer.w.shape]
        orders = [layer.w.dim() for layer in self.layers for _ in layer.w.shape]
        self.covariances = kronecker.zeros(self.sizes, w)
        self.roots = kronecker.identities(self.sizes, w)
        self.exponents = [
            w.new_tensor([[-0.5 / k] for size, k in zip(self.sizes, orders, strict=True)
                          if size == c.shape[-1]])
            for c in self.covariances
        ]  # fmt: skip
        self.m, self.a = w.new_zeros(n), w.new_zeros(n)
        self.t = 0
        self.d, self.scratch = torch.empty_like(self.m), torch.empty_like(self.m)
        self.d_views, self.spare = self.views(self.d), self.views(self.scratch)

    def step(self, oracle: Oracle) -> Tensor:
        loss = oracle()
        if not loss.isfinite():  # no factorization survives it, and the loop ends here
            return loss
        w, g, h = oracle.w, oracle.g, self.group
        beta2 = h["beta2"]
        new = 1 - beta2 if beta2 < 1 else 1.0
        self.t += 1
        self._observe(beta2, new)
        if self.t % h["every"] == 0:
            self._refresh(oracle.linalg, h["eps"], self._collected(beta2))
        self.m.lerp_(g, 1 - h["beta1"])
        self._precondition()
        if h["graft"]:
            self.a.mul_(beta2).addcmul_(g, g, value=new)
            self._graft(h["eps"], self._collected(beta2))
        self.part(w).mul_(1 - h["lr"] * h["weight_decay"])
        w.sub_(self.d, alpha=h["lr"])
        return loss

    def _collected(self, beta2: float) -> float:
        """The weights of all terms in a running mean; a sum stays as it is."""
        return 1 - beta2**self.t if beta2 < 1 else 1.0

    def _observe(self, old: float, new: float) -> None:
        """L and R of every layer take in its gradient."""
        sides = iter(kronecker.unstack(self.covariances, self.sizes))
        for _, x in self.layers:
            if x.dim() == 1:
                next(sides).addr_(x, x, beta=old, alpha=new)
            else:
                next(sides).addmm_(x, x.T, beta=old, alpha=new)
                next(sides).addmm_(x.T, x, beta=old, alpha=new)

    def _refresh(self, linalg: LinearAlgebra, eps: float, collected: float) -> None:
        for c, root, exponent in zip(self.covariances, self.roots, self.exponents, strict=True):
            values, vectors = linalg.eigh(c)
            powers = values.div_(collected).clamp_min_(0).add_(eps).pow_(exponent)
            torch.matmul(vectors * powers.unsqueeze(-2), vectors.mT, out=root)

    def _precondition(self) -> None:
        """D of all layers, from M."""
        sides = iter(kronecker.unstack(self.roots, self.sizes))
        for m, d, y in zip(self.views(self.m), self.d_views, self.spare, strict=True):
            if m.dim() == 1:
                torch.mv(next(sides), m, out=d)
            else:
                torch.mm(next(sides), m, out=y)
                torch.mm(y, next(sides), out=d)

    def _graft(self, eps: float, collected: float) -> None:
        """Give D of every layer the length of the diagonal method's step."""
        diagonal = torch.sqrt(self.a, out=self.scratch).div_(collected**0.5).add_(eps)
        torch.div(self.m, diagonal, out=diagonal)
        lengths = torch._foreach_norm(self.spare)
        own = torch._foreach_norm(self.d_views)
        torch._foreach_clamp_min_(own, torch.finfo(self.d.dtype).tiny)
        torch._foreach_mul_(self.d_views, torch._foreach_div(lengths, own))
