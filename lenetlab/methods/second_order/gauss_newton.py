r"""Gauss-Newton: a model that cannot be indefinite, trusted as far as it has kept its promises.

The generalised Gauss-Newton matrix G is the Hessian without the curvature of the network itself:
positive semi-definite, so that conjugate gradients never meet a negative direction. Levenberg's
and Marquardt's damping λ grows where the model promised more than the loss gave, and shrinks where
it was right. The iteration starts from the last solution, which a noisy problem hardly changes.

    (G_{S_G}(w) + λI) p = −∇F_S(w)     by CG from ζ p⁻, preconditioned by M
    M = (diag(1/|S_G| Σ_i g_i²) + λ)^α,   α = ¾,   g_i the gradients of the examples in S_G
    ρ = (F_S(w + ηp) − F_S(w)) / (η ∇F_Sᵀp + ½ η² pᵀGp)
    ρ < ¼: λ ← 3/2 λ;   ρ > ¾: λ ← 2/3 λ;   ρ > 0: w ← w + η p

Source: Martens, Deep Learning via Hessian-Free Optimization, ICML 2010, sections 4.1 (damping),
4.4 (CG ends where φ gains less than ε = 5·10⁻⁴ of itself an iteration), 4.5 (start) and 4.7 (M, of
the mean, which has the size of G and λ); ζ: Martens and Sutskever 2012; G: Schraudolph, Neural
Computation 14(7), 2002. There S is all data and a line search follows; here a step that raises F_S
is not taken. With λ → ∞ it is gradient descent with the step 1/λ; with λ = 0 on a quadratic it is
done in one step.
Cost: one gradient and one forward pass a step; on S_G a gradient an example (counted 2.4) and 1.7
a product; eight vectors, and for a moment one an example of S_G. These are few updates a pass, and
its accuracy is that of few updates.
"""

import torch
from torch import Tensor

from lenetlab.component import log_uniform, uniform
from lenetlab.methods.base import Base
from lenetlab.methods.line_search.search import agreement
from lenetlab.methods.registry import method
from lenetlab.methods.second_order.conjugate import conjugate_gradients
from lenetlab.oracle.oracle import Batch, Oracle
from lenetlab.settings import FRACTION, NOT_NEGATIVE, POSITIVE_COUNT

ALPHA = 0.75
EPSILON = 5e-4
LEAST = 1e-3  # λ after the first broken promise of λ = 0


@method(
    "gauss_newton",
    family="second_order",
    reference="Martens 2010; Schraudolph 2002; Martens and Sutskever 2012",
    defaults={"lr": 1.0, "damping": 0.1, "iterations": 10, "curvature": 50, "warm": 0.95},
    space={
        "lr": log_uniform(0.1, 1.0),
        "damping": log_uniform(1e-3, 10.0),
        "warm": uniform(0.0, 0.99),
    },
    version=2,
    cost="1.4 gradients a step, 2.4 and 1.7 a product of 50 examples; 8 vectors",
    domains={
        "damping": NOT_NEGATIVE,
        "iterations": POSITIVE_COUNT,
        "curvature": POSITIVE_COUNT,
        "warm": FRACTION,
    },
    batch_size=500,
    asks="more",
)
class GaussNewton(Base):
    STATE = ("p", "lam")

    def start(self, w: Tensor) -> None:
        self.p = torch.zeros_like(w)
        self.lam = float(self.group["damping"])

    def step(self, oracle: Oracle) -> Tensor:
        loss = oracle()
        w, g, h = self.w, self.g, self.group
        batch = oracle.batch
        part = Batch(batch.indices[: h["curvature"]])
        rows = oracle.per_example_gradients(part)
        m = (rows.square_().mean(0) + self.lam).pow_(ALPHA)
        m.clamp_(min=1e-12)  # λ = 0, and a weight that no example moves
        self.p, gp = conjugate_gradients(
            oracle.ggn(part), -g, self.lam, h["iterations"],
            start=self.p * h["warm"], preconditioner=m, progress=EPSILON,
        )  # fmt: skip
        step = h["lr"] * self.p
        gained = float(oracle.value(batch, at=w + step)) - float(loss)
        promised = float(g.dot(step)) + 0.5 * h["lr"] * float(step.dot(gp))
        rho = agreement(-gained, -promised, float(loss))
        if not rho >= 0.25:
            self.lam = 3 / 2 * self.lam or LEAST  # no factor leads away from zero
        elif rho > 0.75:
            self.lam *= 2 / 3
        if rho > 0:
            w.add_(step)
        return loss
