r"""SOAP: Adam, run in the slowly turning eigenbasis of Shampoo's two covariances.

Shampoo divides a layer's gradient by the roots of its covariances over rows and columns; in their
eigenbases that is a division by numbers, as Adam's is. So the gradient G of a layer is rotated
into these bases, Adam does its work there in every step, and only the bases, which change slowly,
are refreshed seldom: by one step of the power method and a QR factorization, not from scratch.

    G' = Q_Lᵀ G Q_R                                   rotated gradient
    M' ← β₁ M' + (1 − β₁) G'                          V ← β₂ V + (1 − β₂) G'∘G'
    W ← (1 − η λ) W − η Q_L [M̂' / (√V̂ + ε)] Q_Rᵀ      M̂', V̂ corrected for starting at zero
    L ← β₂ L + (1 − β₂) G Gᵀ                          R ← β₂ R + (1 − β₂) Gᵀ G
    every f steps:  Q_L ← QR(L Q_L),  Q_R ← QR(R Q_R),  columns by falling eigenvalue

After the first step, when L and R first exist, the bases are their eigenvectors. The momentum is
turned with the bases; V cannot be and only follows their order. Convolutions are matrices, filters
× inputs of a patch, and both sides of every matrix have a basis, the 256 inputs of fc1 too; the
biases are left to Adam, in the same few operations on the whole vector.

Source: Vyas et al., SOAP: Improving and Stabilizing Shampoo using Adam, 2024, arXiv:2409.11321,
Algorithms 3 and 4; AdamW's ε, bias correction and decoupled decay as in the authors' code. That
code makes no update in its first step and lets its moments begin in the second; it keeps M
unrotated and rotates it in every step, which is the same at one rotation more; it keeps a basis
for each of a convolution's four sides; and it calls the closure with gradients switched off, so
that `loss.backward()` fails. Here the first step is Adam's, in the standard basis. With Q_L and
Q_R the identity all through it is AdamW.
Cost: one gradient a step and six products with a basis or covariance a layer; every f steps a QR
of every side (256, 150, 2 × 120, 2 × 84 and small ones); two vectors and twice the squares of all
sides, 7.9 vectors in all.
"""

import torch
from torch import Tensor

from lenetlab.component import log_uniform, uniform
from lenetlab.methods.base import Base
from lenetlab.methods.registry import method
from lenetlab.methods.second_order import kronecker
from lenetlab.oracle.linalg import LinearAlgebra
from lenetlab.oracle.oracle import Oracle
from lenetlab.settings import POSITIVE_COUNT


@method(
    "soap",
    family="second_order",
    reference="Vyas et al. 2024, arXiv:2409.11321, Alg. 3 and 4",
    form="layers",
    decay="decoupled",
    defaults={
        "lr": 4e-3, "beta1": 0.9, "beta2": 0.95, "eps": 1e-8, "every": 10, "weight_decay": 0.0,
    },
    space={"lr": log_uniform(5e-4, 1.2e-2), "beta1": uniform(0.8, 0.97)},
    cost="1 gradient and 6 matrix products a layer a step, a QR of every side every 10; 8 vectors",
    domains={"every": POSITIVE_COUNT},
    batch_scaling="sqrt",
)  # fmt: skip
class SOAP(Base):
    STATE = ("covariances", "bases", "m", "v", "t")

    def start(self, w: Tensor) -> None:
        n = sum(layer.w.numel() for layer in self.layers)
        self.sizes = [k for layer in self.layers if layer.w.dim() == 2 for k in layer.w.shape]
        self.covariances = kronecker.zeros(self.sizes, w)
        self.bases = kronecker.identities(self.sizes, w)
        self.m, self.v = w.new_zeros(n), w.new_zeros(n)
        self.t = 0
        self.rotated = torch.empty_like(self.m)
        self.rotated_matrices = self._matrices(self.rotated)
        self.spare = [torch.empty_like(x) for x in self.rotated_matrices]

    def step(self, oracle: Oracle) -> Tensor:
        loss = oracle()
        if not loss.isfinite():  # no factorization survives it, and the loop ends here
            return loss
        w, m, v, h = oracle.w, self.m, self.v, self.group
        beta1, beta2 = h["beta1"], h["beta2"]
        self.t += 1
        g = self.rotated.copy_(oracle.g)
        self._rotate(self.rotated_matrices)
        m.lerp_(g, 1 - beta1)
        v.mul_(beta2).addcmul_(g, g, value=1 - beta2)
        n = torch.sqrt(v, out=g).div_((1 - beta2**self.t) ** 0.5).add_(h["eps"])
        torch.div(m, n, out=n)
        self._rotate(self.rotated_matrices, back=True)
        self.part(w).mul_(1 - h["lr"] * h["weight_decay"])
        w.sub_(n, alpha=h["lr"] / (1 - beta1**self.t))
        self._observe(beta2)
        if self.t == 1:
            self._change(self._eigenvectors(oracle.linalg))
        elif self.t % h["every"] == 0:
            self._change(self._power_step(oracle.linalg))
        return loss

    def _matrices(self, v: Tensor) -> list[Tensor]:
        return [x for x in self.views(v) if x.dim() == 2]

    def _rotate(self, matrices: list[Tensor], back: bool = False) -> None:
        """Every layer's X becomes Q_Lᵀ X Q_R, or Q_L X Q_Rᵀ."""
        sides = iter(kronecker.unstack(self.bases, self.sizes))
        for x, y in zip(matrices, self.spare, strict=True):
            left, right = next(sides), next(sides)
            torch.mm(left if back else left.T, x, out=y)
            torch.mm(y, right.T if back else right, out=x)

    def _observe(self, beta2: float) -> None:
        """L and R of every layer take in its gradient."""
        sides = iter(kronecker.unstack(self.covariances, self.sizes))
        for _, g in self.layers:
            if g.dim() == 2:
                next(sides).addmm_(g, g.T, beta=beta2, alpha=1 - beta2)
                next(sides).addmm_(g.T, g, beta=beta2, alpha=1 - beta2)

    def _change(self, bases: list[Tensor]) -> None:
        """Express the momentum in other bases."""
        m = self._matrices(self.m)
        self._rotate(m, back=True)
        self.bases = [q.contiguous() for q in bases]  # as a checkpoint would have them
        self._rotate(m)

    def _eigenvectors(self, linalg: LinearAlgebra) -> list[Tensor]:
        return [linalg.eigh(c)[1].flip(-1) for c in self.covariances]

    def _power_step(self, linalg: LinearAlgebra) -> list[Tensor]:
        """QR(C Q), the columns sorted by their Rayleigh quotients; V follows their order."""
        bases, orders = [], []
        for c, q in zip(self.covariances, self.bases, strict=True):
            s = c @ q
            order = (q * s).sum(-2).argsort(-1, descending=True)
            bases.append(linalg.qr(s.gather(-1, order.unsqueeze(-2).expand_as(s)))[0])
            orders.append(order)
        sides = iter(kronecker.unstack(orders, self.sizes))
        for x in self._matrices(self.v):
            x.copy_(x[next(sides)][:, next(sides)])
        return bases
