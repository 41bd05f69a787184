r"""AdaHessian: Adam, with an estimate of the Hessian's diagonal where Adam has the gradient.

Adam's denominator measures how large gradients are; this one measures curvature. The diagonal is
estimated without the matrix: for signs z drawn at random, z∘Hz has the diagonal as its mean
(Hutchinson). That is noisy, so a convolution's estimate is averaged over each of its kernels, and
all are averaged over steps.

    D = z ∘ ∇²F(w) z,  z ∈ {−1, 1}ⁿ       every `every` steps, on the same batch
    D ← its mean over a kernel's 5 × 5 weights, in convolutions
    m ← β₁ m + (1 − β₁) g                 m̂ = m / (1 − β₁ᵗ)
    v ← β₂ v + (1 − β₂) D∘D               v̂ = v / (1 − β₂ˢ), s the number of estimates
    w ← (1 − η λ) w − η m̂ / (v̂^(k/2) + ε)

Source: Yao et al., ADAHESSIAN: An Adaptive Second Order Optimizer for Machine Learning, AAAI 2021,
arXiv:2006.00719, Algorithm 1, eqs. 6 to 10; k is its Hessian power. The authors' code averages
|z∘Hz| over a kernel where the paper averages z∘Hz, and some implementations average nothing; here
it is the paper. With `every` > 1 common implementations correct v by t instead of s. On a quadratic
with diagonal Hessian and k = 1 a step with β₁ = 0 and η = 1 is Newton's.
Cost: one gradient a step and a Hessian product (2.4) an estimate; three vectors.
"""

from torch import Tensor

from lenetlab.component import log_uniform
from lenetlab.methods.base import Base
from lenetlab.methods.registry import method
from lenetlab.methods.sampling import signs
from lenetlab.oracle.oracle import Oracle
from lenetlab.settings import POSITIVE_COUNT, Domain


@method(
    "adahessian",
    family="second_order",
    reference="Yao et al. 2021, arXiv:2006.00719, Alg. 1",
    form="named",
    decay="decoupled",
    defaults={
        "lr": 0.03, "beta1": 0.9, "beta2": 0.99, "power": 1.0, "eps": 0.01, "every": 10,
        "weight_decay": 0.0,
    },
    # At ten times Adam's rate the decay of a step is as strong with a tenth of the usual λ.
    space={"lr": log_uniform(0.005, 0.06), "weight_decay": log_uniform(1e-3, 3e-2)},
    version=2,
    cost="1 gradient a step, 2.4 more an estimate; 3 vectors",
    domains={"power": Domain(0, 1, closed=True), "every": POSITIVE_COUNT},
    asks="more",
)  # fmt: skip
class AdaHessian(Base):
    STATE = ("m", "v", "t", "s")

    def start(self, w: Tensor) -> None:
        n = sum(layer.w.numel() for layer in self.layers)
        self.m, self.v = w.new_zeros(n), w.new_zeros(n)
        self.t = self.s = 0

    def step(self, oracle: Oracle) -> Tensor:
        loss = oracle()
        w, m, v, h = oracle.w, self.m, self.v, self.group
        beta1, beta2 = h["beta1"], h["beta2"]
        if self.t % h["every"] == 0:
            d = self._diagonal(oracle)
            v.mul_(beta2).addcmul_(d, d, value=1 - beta2)
            self.s += 1
        self.t += 1
        m.lerp_(oracle.g, 1 - beta1)
        below = v.div(1 - beta2**self.s).pow_(h["power"] / 2).add_(h["eps"])
        self.part(w).mul_(1 - h["lr"] * h["weight_decay"])
        w.addcdiv_(m, below, value=-h["lr"] / (1 - beta1**self.t))
        return loss

    def _diagonal(self, oracle: Oracle) -> Tensor:
        """D on the present batch."""
        z = signs(oracle)
        d = z.mul_(oracle.hessian(oracle.batch) @ z)
        for kernels in self.views(d):
            if kernels.dim() == 4:
                kernels.copy_(kernels.mean((2, 3), keepdim=True).expand_as(kernels))
        return d
