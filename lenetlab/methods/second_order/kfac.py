r"""K-FAC: natural gradient with a Fisher matrix of Kronecker products, two small factors a layer.

A layer's weight gradient is an outer product of its input and its output gradient. If the two are
taken as independent, the layer's block of the Fisher matrix is a Kronecker product, and its inverse
that of two matrices as large as the layer is wide. In a convolution, the sum over the places of
the image is taken as that of independent places.

    dense         A = E[ā āᵀ],          G = E[δ δᵀ]            ā = (a, 1), δ of drawn labels
    convolution   A = E[Σ_t ā_t ā_tᵀ],  G = E[1/T Σ_t δ_t δ_tᵀ]   ā_t the patch at place t of T
    A, G          exponential averages over batches: weight min(1 − 1/k, ε) for the old one
    π² = (tr A / dim A) / (tr G / dim G)
    U = (G + √λ/π I)⁻¹ ∇F (A + π√λ I)⁻¹         ∇F (out, in + 1), the bias its last column
    v ← μ v + ν U,   w ← w − η v,   ν = min(1, √(κ / (η² Σ U·∇F)))

Source: Martens and Grosse, Optimizing Neural Networks with Kronecker-factored Approximate
Curvature, ICML 2015, arXiv:1503.05671, sections 3, 5 (averages) and 6.3 (π); Grosse and Martens,
A Kronecker-factored Approximate Fisher Matrix for Convolution Layers, ICML 2016, arXiv:1602.01407,
Theorem 1; ν and momentum: Ba, Grosse and Martens, ICLR 2017. The paper of 2015 adapts λ
and rescales by the exact Fisher; its successors, and this, keep λ (`schedule.of=damping` moves it).
Well-known codes take the gradients of the true labels for δ (kfac-pytorch, its default), divide the
sum over places differently, and invert through eigenvectors. On a linear net with squared loss the
blocks are exactly those of Gauss-Newton; with λ → ∞ it is gradient descent with the step η/λ.
Decay is decoupled (Zhang et al. 2019, arXiv:1810.12281).
Cost: one gradient a step, the layers' statistics every `statistics` steps (1.4 gradients), ten
inverses every `inverses` steps, of 6 to 257 rows; 5 vectors.
"""

import math

import torch
from torch import Tensor

from lenetlab.component import log_uniform, uniform
from lenetlab.methods.base import Base
from lenetlab.methods.registry import method
from lenetlab.methods.second_order.statistics import patches
from lenetlab.oracle.oracle import Oracle
from lenetlab.problem.model import views
from lenetlab.settings import FRACTION, POSITIVE_COUNT, Domain


@method(
    "kfac",
    family="second_order",
    reference="Martens and Grosse 2015, arXiv:1503.05671; Grosse and Martens 2016",
    decay="decoupled",
    defaults={
        "lr": 0.2, "damping": 0.03, "momentum": 0.5, "kl": 3e-3, "memory": 0.95,
        "statistics": 10, "inverses": 20, "weight_decay": 0.0,
    },
    space={
        "lr": log_uniform(0.02, 0.7),
        "damping": log_uniform(2e-3, 0.3),
        "momentum": uniform(0.0, 0.9),
        "kl": log_uniform(1e-4, 0.05),
    },
    version=2,
    cost="1.14 gradients a step, 10 inverses every 20 steps; 5 vectors",
    domains={
        "damping": Domain(1e-12), "kl": Domain(1e-9), "memory": FRACTION,
        "statistics": POSITIVE_COUNT, "inverses": POSITIVE_COUNT,
    },
    asks="more",
)  # fmt: skip
class KFAC(Base):
    STATE = ("v", "k", "updates", "factors", "inverses")

    def start(self, w: Tensor) -> None:
        self.v = torch.zeros_like(w)
        self.k = 0  # steps
        self.updates = 0  # of the factors
        self.factors: dict[str, list[Tensor]] = {}  # by layer, A and G
        self.inverses: dict[str, list[Tensor]] = {}

    def step(self, oracle: Oracle) -> Tensor:
        loss = oracle()
        if not loss.isfinite():  # the loop says so; a factorization would only fail
            return loss
        h = self.group
        if self.k % h["statistics"] == 0:
            self._observe(oracle)
        if self.k % h["inverses"] == 0:
            self._invert(oracle)
        self.k += 1

        u = self._precondition(oracle)
        kl = h["lr"] ** 2 * float(u.dot(self.g))
        self.v.mul_(h["momentum"]).add_(u, alpha=min(1.0, math.sqrt(h["kl"] / kl)) if kl > 0 else 1)
        self.part(self.w).mul_(1 - h["lr"] * h["weight_decay"])
        self.w.sub_(self.v, alpha=h["lr"])
        return loss

    def _observe(self, oracle: Oracle) -> None:
        layers = oracle.layers(oracle.batch, sampled=True)
        self.updates += 1
        new = 1 - min(1 - 1 / self.updates, self.group["memory"])
        for name, a in layers.inputs.items():
            now = list(factors(a, layers.output_gradients[name]))
            torch._foreach_lerp_(self.factors.setdefault(name, now), now, new)

    def _invert(self, oracle: Oracle) -> None:
        root = math.sqrt(self.group["damping"])
        for name, (a, g) in self.factors.items():
            pi = (float(a.trace() / len(a)) / max(float(g.trace() / len(g)), 1e-30)) ** 0.5
            damped = a.clone(), g.clone()
            for factor, shift in zip(damped, (pi * root, root / pi), strict=True):
                factor.diagonal().add_(shift)
            self.inverses[name] = [oracle.linalg.cholesky_inverse(x) for x in damped]

    def _precondition(self, oracle: Oracle) -> Tensor:
        g, out = views(self.g, oracle.shapes), torch.empty_like(self.g)
        u = views(out, oracle.shapes)
        for name, (a_inv, g_inv) in self.inverses.items():
            weight, bias = f"{name}.weight", f"{name}.bias"
            gradient = torch.cat([g[weight].flatten(1), g[bias].unsqueeze(1)], dim=1)
            product = g_inv @ gradient @ a_inv
            u[weight].copy_(product[:, :-1].view_as(u[weight]))
            u[bias].copy_(product[:, -1])
        return out if oracle.mask is None else out.mul_(oracle.mask)


def factors(a: Tensor, delta: Tensor) -> tuple[Tensor, Tensor]:
    """A and G of one batch, from a layer's inputs and output gradients in their natural shapes."""
    seen = patches(a, delta)
    _, b, places = seen.shape
    seen, delta = seen.flatten(1), delta.transpose(0, 1).flatten(1)
    return seen @ seen.T / b, delta @ delta.T / (b * places)
