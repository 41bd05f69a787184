r"""Natural gradient: steepest descent where distance is how much the predictions change.

The Fisher matrix measures, to second order, the KL divergence between the model's predictions
before and after a step. Of b examples with labels drawn from the model it has rank b, so that its
damped inverse needs only a b × b system, the kernel of the examples' gradients.

    y_i ~ softmax(z_i(w)),   J = (∇ℓ(z_i, y_i))_i  (b, n),   F = 1/b JᵀJ
    p = −(F + λI)⁻¹ g = −1/λ (g − Jᵀ (bλI + JJᵀ)⁻¹ J g)
    v ← μ v + ν p,   w ← w + η v,   ν = min(1, √(κ / (η² |pᵀg|)))

Source: Amari, Natural Gradient Works Efficiently in Learning, Neural Computation 10(2), 1998,
Theorem 1; the b × b form: Woodbury's identity, as in Ren and Goldfarb, Efficient Subsampled
Gauss-Newton and Natural Gradient Methods for Training Neural Networks, 2019, arXiv:1906.02353;
momentum, and clipping by the predicted KL divergence κ: Ba, Grosse and Martens, Distributed
Second-Order Optimization using Kronecker-Factored Approximations, ICLR 2017. Many codes take the
true labels (the empirical Fisher) and save a pass; Kunstner, Balles and Hennig 2019 say why it is
another thing. With λ → ∞ it is gradient descent with the step η/λ and momentum; with μ = 0 and
κ → ∞ it is Amari's step.
Cost: one gradient a step, on `fisher` examples of the batch the layers' inputs and output gradients
that make up J (1.4 gradients each), and a Cholesky factorization. J is not formed unless a mask
asks for it.
"""

import math

import torch
from torch import Tensor

from lenetlab.component import log_uniform, uniform
from lenetlab.methods.base import Base
from lenetlab.methods.registry import method
from lenetlab.methods.second_order.statistics import Jacobian, Rows, per_example_gradients
from lenetlab.oracle.oracle import Batch, Oracle
from lenetlab.settings import POSITIVE_COUNT, Domain


@method(
    "natural_gradient",
    family="second_order",
    reference="Amari 1998; Ren and Goldfarb 2019, arXiv:1906.02353",
    defaults={"lr": 0.01, "damping": 0.1, "momentum": 0.9, "kl": 1e-2, "fisher": 32},
    space={
        "lr": log_uniform(1e-3, 0.1),
        "damping": log_uniform(1e-3, 10.0),
        "momentum": uniform(0.0, 0.95),
        "kl": log_uniform(1e-4, 1.0),
    },
    version=4,
    cost="1 gradient a step, and 1.4 of `fisher` examples; 1 vector",
    domains={"damping": Domain(1e-9), "kl": Domain(1e-9), "fisher": POSITIVE_COUNT},
    asks="more",
)
class NaturalGradient(Base):
    STATE = ("v",)

    def start(self, w: Tensor) -> None:
        self.v = torch.zeros_like(w)

    def step(self, oracle: Oracle) -> Tensor:
        loss = oracle()
        w, g, h = self.w, self.g, self.group
        if not loss.isfinite():  # the loop says so; a factorization would only fail
            return loss
        lam, eta = h["damping"], h["lr"]

        part = Batch(oracle.batch.indices[: h["fisher"]])
        layers = oracle.layers(part, sampled=True)
        j: Jacobian | Rows = Jacobian(layers, oracle.shapes)
        if oracle.mask is not None:
            j = Rows(per_example_gradients(layers, oracle.shapes).mul_(oracle.mask))
        kernel = j.gram()
        kernel.diagonal().add_(len(part) * lam)
        p = j.transposed(oracle.linalg.cholesky_inverse(kernel) @ (j @ g)).sub_(g).div_(lam)
        kl = eta**2 * abs(float(p.dot(g)))
        nu = min(1.0, math.sqrt(h["kl"] / kl)) if kl > 0 else 1.0
        self.v.mul_(h["momentum"]).add_(p, alpha=nu)
        w.add_(self.v, alpha=eta)
        return loss
