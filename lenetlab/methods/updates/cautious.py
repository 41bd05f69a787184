r"""Cautious: a weight moves only if the present gradient agrees with where it is sent.

Momentum carries weights on after the gradient has turned. Where the method's step u and the
gradient g have different signs the weight stays; the others go farther by as much, so that the
mean rate is kept. The loss then falls to first order in every step, whatever the method inside.

    w⁺ = w − u                       the method's step, its rate included
    m = 1(u ∘ g > 0)
    w ← w − u ∘ m / max(mean m, 10⁻³)        the mean over the weights that a mask leaves

Source: Liang, Chen, Liu and Liu, Cautious Optimizers: Improving Training with One Line of Code,
2024, arXiv:2411.16085, Algorithm 1, which divides by mean m + ε; the bound 10⁻³ is that of the
authors' code and of timm, and leaves steps exact where all signs agree. Two differences from both:
they take the mean tensor by tensor, here it is over all weights, as the paper's formula has it;
and they leave weight decay out of the mask, here u is the whole step. Around `sgd` nothing changes.
Cost: nothing charged; three vectors for the length of a step.
"""

import torch
from torch import Tensor

from lenetlab.methods.wrappers import Update, wrapper


@wrapper(
    "cautious",
    reference="Liang et al. 2024, arXiv:2411.16085, Alg. 1",
    defaults={},
    space={},
    cost="none; 3 vectors during a step",
    version=2,
)
class Cautious(Update):
    STATE = ("live",)

    def start(self, w: Tensor) -> None:
        self.live = len(w)  # weights that move at all

    def masked(self, w: Tensor, mask: Tensor) -> None:
        self.live = int(mask.sum())

    def correct(self, before: Tensor, g: Tensor, w: Tensor) -> None:
        u = before - w
        m = u * g > 0
        scale = 1 / max(float(m.sum()) / self.live, 1e-3)
        # where(…) keeps both ends exact: w⁺ at scale 1, and w where the mask is zero
        torch.where(m, w.sub(u, alpha=scale - 1), before, out=w)
