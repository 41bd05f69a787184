r"""Gradient descent: a step against the gradient of the whole training set.

No noise, and for a rate below 2/L (L the largest curvature) no step that increases the loss;
but one pass over the data buys one update, so ten passes are ten steps.

    w ← w − η ∇F(w),   F(w) = 1/n Σ_i ℓ_i(w)

For an L-smooth F and η = 1/L, after k steps, with F* its infimum:

    convex                   F(w_k) − F* ≤ L ‖w_0 − w*‖² / (2k)
    strongly convex (c)      F(w_k) − F* ≤ (1 − c/L)^k (F(w_0) − F*)
    any                      min_{j<k} ‖∇F(w_j)‖² ≤ 2L (F(w_0) − F*) / k

Source: Cauchy, Méthode générale pour la résolution des systèmes d'équations simultanées, 1847;
Kochenderfer and Wheeler, Algorithms for Optimization, 2019, section 5.1; the rates: Beck and
Teboulle, A Fast Iterative Shrinkage-Thresholding Algorithm, SIAM J. Imaging Sci. 2, 2009, Theorem
3.1; Karimi, Nutini and Schmidt, Linear Convergence under the Polyak-Łojasiewicz Condition, 2016,
arXiv:1608.04636, Theorem 1; Nesterov, Introductory Lectures on Convex Optimization, 2004, section
1.2.3, whose section 2.1.5 has 2L ‖w_0 − w*‖² / (k + 4), a larger constant, for convex F.
It is `sgd` at batch size n. Here: `torch.optim.SGD`. Cost: one pass a step; no memory.
"""

from torch import Tensor
from torch.optim import SGD

from lenetlab.component import log_uniform
from lenetlab.methods.eager import eager
from lenetlab.methods.registry import method


@method(
    "full_batch",
    family="basic",
    reference="Cauchy 1847; Kochenderfer and Wheeler 2019, sec. 5.1",
    decay="coupled",
    defaults={"lr": 0.5, "weight_decay": 0.0},
    space={"lr": log_uniform(0.5, 5.0)},
    cost="1 pass a step; no memory",
    batch_size=60_000,
)
def full_batch(params: list[Tensor], *, lr: float, weight_decay: float) -> SGD:
    return eager(SGD)(params, lr=lr, weight_decay=weight_decay)
