r"""Newton-CG: Newton's direction by a few conjugate gradients, with the Hessian of a subsample.

The Hessian is never formed: each iteration of conjugate gradients needs one product with it. The
product tolerates more noise than the gradient does, so it is taken from a part S_H of the batch S.
Damping keeps the direction short where the curvature is small, and hides most of the negative one;
where it still shows, the iteration stops with what it has.

    (∇²F_{S_H}(w) + λI) p = −∇F_S(w)        until ‖r‖ ≤ ρ ‖∇F_S‖ or max. iterations
    w ← w + α p,   α = η, η/2, η/4 … until F_S(w + αp) ≤ F_S(w) + c α pᵀ∇F_S(w)

Source: Byrd, Chin, Neveitt and Nocedal, On the Use of Stochastic Hessian Information in
Optimization Methods for Machine Learning, SIAM J. Optim. 21, 2011; the damping:
Martens, Deep Learning via Hessian-Free Optimization, ICML 2010, section 4.1, who keeps it in the
CG and takes the Gauss-Newton matrix (`gauss_newton`). With λ → ∞ it is gradient descent with the
step 1/λ; with λ = ρ = 0 on a quadratic, enough iterations and S_H = S it is done in one step.
ρ is constant as in Byrd et al.; Nocedal and Wright, 2006, Algorithm 7.1, let it fall with ‖g‖.
Cost: one gradient and a forward pass or more a step; 2.4 a product on S_H; six vectors. These are
few updates a pass, and its accuracy is that of few updates.
"""

from torch import Tensor

from lenetlab.component import log_uniform
from lenetlab.methods.base import Base
from lenetlab.methods.line_search.search import backtrack
from lenetlab.methods.registry import method
from lenetlab.methods.second_order.conjugate import conjugate_gradients
from lenetlab.oracle.oracle import Batch, Oracle
from lenetlab.settings import NOT_NEGATIVE, POSITIVE_COUNT

DECREASE = 1e-4  # c


@method(
    "newton_cg",
    family="second_order",
    reference="Byrd et al. 2011; Martens 2010",
    defaults={"lr": 1.0, "damping": 0.5, "rho": 0.25, "iterations": 10, "curvature": 64},
    space={"lr": log_uniform(0.1, 1.0), "damping": log_uniform(1e-3, 10.0)},
    version=2,
    cost="1.4 gradients a step, and 2.4 a product of 64 examples; 6 vectors",
    domains={
        "damping": NOT_NEGATIVE,
        "iterations": POSITIVE_COUNT,
        "curvature": POSITIVE_COUNT,
    },
    batch_size=256,
    asks="more",
)
class NewtonCG(Base):
    def step(self, oracle: Oracle) -> Tensor:
        loss = oracle()
        w, g, h = self.w, self.g, self.group
        batch = oracle.batch
        hessian = oracle.hessian(Batch(batch.indices[: h["curvature"]]))
        p, _ = conjugate_gradients(hessian, -g, h["damping"], h["iterations"], residual=h["rho"])
        alpha = backtrack(
            lambda a: float(oracle.value(batch, at=w + a * p)),
            float(loss), float(g.dot(p)), h["lr"], DECREASE, 0.5,
        )  # fmt: skip
        w.add_(p, alpha=alpha)
        return loss
