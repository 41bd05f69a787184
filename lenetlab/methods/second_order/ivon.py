r"""IVON: a Gaussian is trained instead of weights, and its samples give the curvature away.

What is minimised is the mean loss over a Gaussian around the weights m, so that steep minima cost
what they would cost under noise. A natural-gradient step of it is Newton's, weight by weight; and
the gradient at a sample, correlated with the noise that led there, estimates the curvature without
a second derivative. The mean is evaluated.

    σ = 1 / √(λ (h + δ)),   θ = m + σ ∘ e,   e ~ N(0, I)    mean over `samples` of them:
    ĝ = ∇f_S(θ)                                             ĥ = ĝ ∘ (θ − m) / σ²
    g ← β₁ g + (1 − β₁) ĝ                                   ḡ = g / (1 − β₁ᵗ)
    h ← β₂ h + (1 − β₂) ĥ + ½ (1 − β₂)² (h − ĥ)² / (h + δ)
    m ← m − η (h₀ + δ) (ḡ + δ m) / (h + δ)                  h from h₀

The last term of h keeps h + δ positive: it never shrinks to less than half in a step. η is the rate
of `heavy_ball` times 1 / (1 − μ) as long as h is what it began as, h₀ = `hessian`. λ = `ess` is the
number of examples; a larger one is a colder posterior. δ is the prior, the weight decay: it is no
part of the momentum, and divided by the curvature as the gradient is. Weights that nothing depends
on have no prior in scenario `plain`, and their noise grows as their h decays.

Source: Shen et al., Variational Learning is Effective for Large Deep Networks, ICML 2024,
arXiv:2402.17641, Algorithm 1; the term that keeps h positive is that of Lin, Schmidt and Khan,
2020, arXiv:2002.10060. The authors' bound on single entries of a step is left out, as it is in the
paper's algorithm. Their β₂ is 0.99999 and more for hundreds of epochs; ten have 10,000 steps, after
which such an h would still be h₀. The loss of a step is that at its samples: what it is at the mean
is not asked, and not paid for.
Cost: one gradient a step (and for every further sample); two vectors, three more during a step.
"""

import torch
from torch import Tensor

from lenetlab.component import log_uniform, uniform
from lenetlab.methods.base import Base
from lenetlab.methods.registry import method
from lenetlab.methods.sampling import normal
from lenetlab.oracle.oracle import Oracle
from lenetlab.settings import POSITIVE_COUNT, Domain


@method(
    "ivon",
    family="second_order",
    reference="Shen et al. 2024, arXiv:2402.17641, Alg. 1",
    decay="decoupled",
    defaults={
        "lr": 0.3, "beta1": 0.9, "beta2": 0.9995, "hessian": 0.1, "ess": 60_000.0, "samples": 1,
        "weight_decay": 0.0,
    },
    space={
        "lr": log_uniform(0.05, 1.0), "beta1": uniform(0.8, 0.97),
        "hessian": log_uniform(0.01, 1.0), "weight_decay": log_uniform(1e-5, 1e-3),
    },
    cost="1 gradient a step and sample; 2 vectors",
    domains={"hessian": Domain(1e-9), "ess": Domain(1e-9), "samples": POSITIVE_COUNT},
    asks="more",
    batch_scaling="sqrt",
)  # fmt: skip
class IVON(Base):
    STATE = ("g_mean", "h", "t")

    def start(self, w: Tensor) -> None:
        self.g_mean = torch.zeros_like(w)
        self.h = torch.full_like(w, self.group["hessian"])
        self.t = 0

    def step(self, oracle: Oracle) -> Tensor:
        m, g, h, group = self.w, self.g_mean, self.h, self.group
        beta1, beta2, delta = group["beta1"], group["beta2"], group["weight_decay"]
        self.t += 1
        damped = self._damped()
        loss, g_hat, h_hat = self._estimate(oracle, (group["ess"] * damped).sqrt_())

        g.lerp_(g_hat, 1 - beta1)
        change = h_hat.sub_(h).mul_(1 - beta2)
        h.add_(change).add_(change.square_().div_(damped), alpha=0.5)

        step = g / (1 - beta1**self.t)
        self.part(step).add_(self.part(m), alpha=delta)
        scale = group["hessian"] + delta
        m.addcdiv_(step, self._damped(), value=-group["lr"] * scale)
        return loss

    def _damped(self) -> Tensor:
        """h + δ, δ where weights decay."""
        damped = self.h.clone()
        self.part(damped).add_(self.group["weight_decay"])
        return damped

    def _estimate(self, oracle: Oracle, root: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The loss, ĝ and ĥ on the present batch, means over the samples; `root` is 1/σ (n,)."""
        batch, m, k = oracle.batch, self.w, self.group["samples"]
        loss, g_hat, h_hat = m.new_zeros(()), torch.zeros_like(m), torch.zeros_like(m)
        for _ in range(k):
            e = normal(oracle)
            f, g = oracle.gradient(batch, at=m + e / root, out=self.g)
            loss.add_(f, alpha=1 / k)
            g_hat.add_(g, alpha=1 / k)
            h_hat.addcmul_(g, e.mul_(root), value=1 / k)
        return loss, g_hat, h_hat
