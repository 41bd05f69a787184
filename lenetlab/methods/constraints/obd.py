r"""Optimal brain damage: what goes first are the weights whose loss is expected to be missed least.

A small weight may matter much, and a large one little: it depends on how the loss bends along it.
To second order, at a minimum and as if weights acted alone, to set w_k to zero costs h_kk w_k²/2.
Weights are cut by that, a few at a time, on the same cubic as in `magnitude`.

    ĥ = 1/|S| Σ_{i ∈ S} (∂ℓ(ŷ_i)/∂w)²,   ŷ_i ∼ p(· | x_i, w)       fresh examples S, drawn labels
    s = ĥ w²/2
    m ← the k_t largest s                                           every `every`, until `end`

Of weights that nothing is expected of the smallest go first, and what has gone stays gone. What is
measured before `end` is what the last ĥ would leave.

ĥ is an unbiased estimate of the diagonal of the Gauss-Newton matrix, which for cross-entropy is the
Fisher matrix; it is that of a mean over examples, and of a dense layer it needs no example's
gradient apart: (δ²)ᵀ a²/|S|.

Source: LeCun, Denker and Solla, Optimal Brain Damage, NIPS 1989, eq. 2 and the recipe of section
2.2, where h is the diagonal Gauss-Newton approximation by backpropagation; the calendar is that of
Zhu and Gupta 2017, arXiv:1710.01878, eq. 1. Theis et al., Faster Gaze Prediction with Dense
Networks and Fisher Pruning, 2018, arXiv:1801.05787, take the labels of the data instead: then an
example that fits has no say. Where h is the same for all weights it is `magnitude`.
Cost: `examples` layers (1.4 gradients each) a cut, at most (`end` − `begin`)/`every` + 2 of them;
one mask and ĥ.
"""

import torch
from torch import Tensor

from lenetlab.component import uniform
from lenetlab.methods.constraint import PERIOD, SHARE, constraint
from lenetlab.methods.constraints.gradual import Gradual
from lenetlab.methods.sparsity import Bound
from lenetlab.methods.wrappers import Composed
from lenetlab.oracle.oracle import Oracle
from lenetlab.problem.model import views
from lenetlab.settings import POSITIVE_COUNT

TINY = 1e-20  # of a magnitude: it decides where nothing is expected, and only there


@constraint(
    "obd",
    reference="LeCun, Denker and Solla 1989, NIPS 2, eq. 2",
    defaults={"begin": 0.1, "end": 0.7, "every": 0.01, "examples": 512},
    space={"begin": uniform(0.0, 0.3), "end": uniform(0.4, 0.9)},
    cost="`examples` layers a cut; 1 mask, 1 vector",
    domains={"begin": SHARE, "end": SHARE, "every": PERIOD, "examples": POSITIVE_COUNT},
)
class OBD(Gradual):
    STATE = (*Gradual.STATE, "h")

    def __init__(self, bound: Bound, begin: float, end: float, every: float, examples: int) -> None:
        super().__init__(bound, begin, end, every)
        self.examples = examples

    def start(self, oracle: Oracle, optimizer: Composed) -> None:
        super().start(oracle, optimizer)
        self.h = torch.zeros_like(oracle.w)  # ĥ of the last cut

    def cut(self, oracle: Oracle, share: float) -> None:
        self.h = self._curvature(oracle)
        oracle.mask = self.bound.mask(self._saliency(oracle.w), self.bound.keeps(share))

    def project(self, w: Tensor) -> Tensor:
        return w * self.bound.mask(self._saliency(w))

    def _saliency(self, w: Tensor) -> Tensor:
        return self.h * w.square() / 2 + TINY * w.abs()

    def _curvature(self, oracle: Oracle) -> Tensor:
        """ĥ (n,) where the bound is; zero elsewhere, where nothing is cut."""
        layers = oracle.layers(oracle.sample(min(self.examples, oracle.order.n)), sampled=True)
        h = torch.zeros_like(oracle.w)
        of = views(h, oracle.shapes)
        for name in ("fc1", "fc2"):
            a, delta = layers.inputs[name].square(), layers.output_gradients[name].square()
            of[f"{name}.weight"].copy_(delta.T @ a).div_(len(a))
            of[f"{name}.bias"].copy_(delta.mean(0))
        return h
