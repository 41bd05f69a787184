r"""SVRG: a mini-batch gradient, corrected by what the same batch gets wrong at a known point.

Once in a while the full gradient μ is computed at a snapshot w̃. From then on the noise of a batch
at w is nearly its noise at w̃, which is known and subtracted: as w and w̃ approach the minimum the
variance goes to zero, and a constant rate converges linearly on strongly convex problems.

    μ = ∇F(w̃)                                     every `every` sweeps, at w̃ = w
    v = ∇f_S(w) − α (∇f_S(w̃) − μ)                 what the method inside receives

α = 1 is plain SVRG, α = 0 the batch gradient. On neural networks the two noises are only weakly
correlated and a smaller α has the lower variance: α-SVRG.

Source: Johnson and Zhang, Accelerating Stochastic Gradient Descent using Predictive Variance
Reduction, NIPS 2013, Fig. 1 (option I: the snapshot is the last iterate); Yin et al., A
Coefficient Makes SVRG Effective, ICLR 2025, arXiv:2311.05589, eq. 4, who let α decay; here it is
constant. With a full inner batch it is gradient descent. A snapshot belongs to its objective: when
a constraint changes the mask, v is the batch gradient until the next snapshot is due. One that no
longer fits in the budget is not taken, and v is the batch gradient to the end.
Cost: one pass a snapshot, two gradients a step; two vectors.
"""

from torch import Tensor

from lenetlab.component import uniform
from lenetlab.methods.wrappers import Estimator, Oracle, wrapper
from lenetlab.settings import UNIT, Domain


@wrapper(
    "svrg",
    reference="Johnson and Zhang 2013, Fig. 1; Yin et al. 2025, arXiv:2311.05589",
    defaults={"alpha": 1.0, "every": 1.0},
    space={"alpha": uniform(0.0, 1.0)},
    cost="1 pass a snapshot, 2 gradients a step; 2 vectors",
    version=2,
    domains={"alpha": UNIT, "every": Domain(1e-6)},
    reduces_variance=True,
)
class SVRG(Estimator):
    STATE = ("snapshot", "mu", "known", "due")

    def __init__(self, alpha: float, every: float) -> None:
        self.alpha, self.every = alpha, every

    def start(self, w: Tensor) -> None:
        self.snapshot, self.mu = w.clone(), w.clone()
        self.known = False  # whether μ is of the present objective
        self.due = 0.0  # sweeps at which the next snapshot is taken

    def masked(self, w: Tensor, mask: Tensor) -> None:
        self.known = False

    def estimate(self, oracle: Oracle, g: Tensor) -> Tensor:
        begun = oracle.order.epochs
        batch = oracle.batch
        if begun >= self.due - 1e-9:
            self.known = oracle.left >= len(oracle.full) + 2 * len(batch)
            if self.known:
                self.snapshot.copy_(oracle.w)
                oracle.gradient(oracle.full, out=self.mu)
                self.due = begun + self.every
        loss, _ = oracle.gradient(batch, out=g)
        if self.known:
            _, then = oracle.gradient(batch, at=self.snapshot)
            g.sub_(then.sub_(self.mu), alpha=self.alpha)
        return loss
