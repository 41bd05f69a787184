r"""ASAM: SAM whose neighbourhood grows with each weight, so that rescaling a layer changes nothing.

The sharpness that SAM sees depends on the scale of the weights: a net may be rewritten with the
same outputs and another sharpness. Measuring distances in units of the weights themselves takes
this freedom away.

    T = |w| + η,   ε = ρ T² g / ‖T g‖₂,   g = ∇f_S(w)
    v = ∇f_S(w + ε)                    what the method inside receives

Source: Kwon, Kim, Park and Choi, ASAM: Adaptive Sharpness-Aware Minimization for Scale-Invariant
Learning of Deep Neural Networks, ICML 2021, arXiv:2102.11600, eq. 6 and Algorithm 1 with
element-wise T and p = 2. The authors' code takes T = 1 for biases and η = 0.01; pytorch_optimizer's
and davda54's `adaptive=True` have T = |w| everywhere, which is η = 0 here. ρ is ten times SAM's or
more, because T is small. With ρ = 0 it is the method inside; with T = 1 it would be `sam`.
Cost: two gradients a step; two vectors.
"""

from torch import Tensor

from lenetlab.component import log_uniform
from lenetlab.methods.estimators.sam import TINY
from lenetlab.methods.wrappers import Estimator, Oracle, wrapper
from lenetlab.settings import NOT_NEGATIVE


@wrapper(
    "asam",
    reference="Kwon et al. 2021, arXiv:2102.11600, Alg. 1",
    defaults={"rho": 0.5, "eta": 0.01},
    space={"rho": log_uniform(0.05, 5.0)},
    cost="2 gradients a step; 2 vectors",
    domains={"rho": NOT_NEGATIVE, "eta": NOT_NEGATIVE},
)
class ASAM(Estimator):
    def __init__(self, rho: float, eta: float) -> None:
        self.rho, self.eta = rho, eta

    def estimate(self, oracle: Oracle, g: Tensor) -> Tensor:
        batch, w = oracle.batch, oracle.w
        loss, _ = oracle.gradient(batch, out=g)
        t = w.abs().add_(self.eta)
        epsilon = t * t * g * (self.rho / ((t * g).norm() + TINY))
        oracle.gradient(batch, at=w + epsilon, out=g)
        return loss
