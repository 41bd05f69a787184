r"""RigL: the net is sparse from the first step to the last, and its connections move.

It begins with a random support. Every `every` the active weights of smallest magnitude are dropped
and as many grow where the gradient of the loss is largest: a weight that is absent has no magnitude
to speak for it, but it has a gradient. Grown weights begin at zero.

    n_t = α/2 (1 + cos(π t / T)) k           moved at time t, until T = `end`
    drop: the n_t active with smallest |w|;  grow: the n_t not active now with largest |∇F_S(w)|

Source: Evci, Gale, Menick, Castro and Elsen, Rigging the Lottery: Making All Tickets Winners, ICML
2020, arXiv:1911.11134, Algorithm 1 with its α = 0.3 and T = 0.75 of the training; jointly over both
layers unless `per_layer`. What was dropped just now may grow again, and then stays as it was. There
an update takes the place of a step; here it follows one, on the same batch. The momentum of a grown
weight is not cleared as it is there: with a gradient of zero since its drop there is none left.
Cost: one more gradient an update, at most 1/`every` of them; one mask.
"""

import math

import torch

from lenetlab.component import uniform
from lenetlab.methods.constraint import PERIOD, SHARE, Constraint, constraint
from lenetlab.methods.sparsity import Bound, largest
from lenetlab.methods.wrappers import Composed
from lenetlab.oracle.oracle import Oracle
from lenetlab.settings import UNIT


@constraint(
    "rigl",
    reference="Evci et al. 2020, arXiv:1911.11134, Alg. 1",
    defaults={"alpha": 0.3, "every": 0.01, "end": 0.75},
    space={"alpha": uniform(0.1, 0.5)},
    version=2,
    cost="1 gradient an update, at most 75; 1 mask",
    domains={"alpha": UNIT, "every": PERIOD, "end": SHARE},
)
class RigL(Constraint):
    STATE = ("due",)

    def __init__(self, bound: Bound, alpha: float, every: float, end: float) -> None:
        super().__init__(bound)
        self.alpha, self.every, self.end = alpha, every, end

    def start(self, oracle: Oracle, optimizer: Composed) -> None:
        self.due = self.every
        scores = torch.rand(len(oracle.w), generator=oracle.rng)
        oracle.mask = self.bound.mask(scores.to(oracle.w))

    def act(self, oracle: Oracle, optimizer: Composed, progress: float) -> None:
        if progress < self.due - 1e-9 or progress >= self.end:
            return
        self.due = progress + self.every
        old = oracle.mask
        assert old is not None
        oracle.w.mul_(old)
        oracle.mask = None  # the gradient of absent weights is asked for
        _, g = oracle.gradient(oracle.batch)
        share = self.alpha / 2 * (1 + math.cos(math.pi * progress / self.end))
        mask = old.clone()
        for group in self.bound.groups:
            active = group.of(old) > 0
            moved = round(share * group.keep)
            stay = largest(group.of(oracle.w).abs().masked_fill_(~active, -1), group.keep - moved)
            grown = largest(group.of(g).abs().masked_fill_(stay > 0, -1), moved)
            group.put(stay + grown, mask)
        oracle.mask = mask
