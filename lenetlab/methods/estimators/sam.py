r"""SAM: the gradient where the loss nearby is worst, so that flat minima are preferred.

A first gradient points at the worst neighbour at distance ρ, to first order; the method inside
steps from w with the gradient of that neighbour. Minima whose neighbourhood is as good as they
are generalise better.

    ε = ρ g / ‖g‖₂,   g = ∇f_S(w)
    v = ∇f_S(w + ε)                    what the method inside receives

Source: Foret, Kleiner, Mobahi and Neyshabur, Sharpness-Aware Minimization for Efficiently
Improving Generalization, ICLR 2021, arXiv:2010.01412, eq. 2 with p = 2 and Algorithm 1. The norm is
over all weights, as in every known implementation; both gradients are of the same batch, and the
loss reported is that at w. Implementations write w + ε into the weights and take it back, which
costs a rounding error; here w is never written. With ρ = 0 it is the method inside.
Cost: two gradients a step; one vector.
"""

from torch import Tensor

from lenetlab.component import log_uniform
from lenetlab.methods.wrappers import Estimator, Oracle, wrapper
from lenetlab.settings import NOT_NEGATIVE

TINY = 1e-12  # keeps ε zero where the gradient is


@wrapper(
    "sam",
    reference="Foret et al. 2021, arXiv:2010.01412, Alg. 1",
    defaults={"rho": 0.05},
    space={"rho": log_uniform(0.005, 0.5)},
    cost="2 gradients a step; 1 vector",
    domains={"rho": NOT_NEGATIVE},
)
class SAM(Estimator):
    def __init__(self, rho: float) -> None:
        self.rho = rho

    def estimate(self, oracle: Oracle, g: Tensor) -> Tensor:
        batch = oracle.batch
        loss, _ = oracle.gradient(batch, out=g)
        epsilon = g * (self.rho / (g.norm() + TINY))
        oracle.gradient(batch, at=oracle.w + epsilon, out=g)
        return loss
