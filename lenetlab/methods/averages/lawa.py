r"""LAWA: the equal mean of the last k checkpoints, which lie `every` steps apart.

The mean of a few late iterates is where a smaller rate would lead, long before the rate falls; and
what is old leaves it, so that it follows the training and is good at any time, not only at the end.

    every c steps:   queue ← the last k of (queue, w)          evaluated  the queue's mean

Fewer than k are averaged while there are no more; before the first checkpoint evaluated are the
last iterates. The window is k c steps of fixed length: `swa` and `polyak_ruppert` begin at a share
of the budget and never forget, so theirs grows; `ema` forgets gradually. With c = k = 1 it is the
method inside.

Source: Kaddour, Stop Wasting My Time! Saving Days of ImageNet and BERT Training with Latest Weight
Averaging, 2022, arXiv:2209.14981, with a checkpoint an epoch; Sanyal et al., Early Weight Averaging
meets High Learning Rates for LLM Pre-training, COLM 2024, arXiv:2306.03241, whose checkpoints are
steps apart, under large rates. Cost: nothing charged; k vectors.
"""

import torch
from torch import Tensor

from lenetlab.methods.wrappers import Average, wrapper
from lenetlab.settings import POSITIVE_COUNT, Domain


@wrapper(
    "lawa",
    reference="Kaddour 2022, arXiv:2209.14981",
    defaults={"k": 6, "every": 100},
    space={},
    cost="none; k vectors",
    domains={"k": Domain(1, 1000, closed=True), "every": POSITIVE_COUNT},
)
class LAWA(Average):
    STATE = ("queue", "t")

    def __init__(self, k: int, every: int) -> None:
        self.k, self.every = k, every

    def start(self, w: Tensor) -> None:
        self.queue = [w.clone()]
        self.t = 0

    def observe(self, w: Tensor, progress: float) -> None:
        self.t += 1
        if self.t <= self.every:  # there is no checkpoint yet, or this is the first
            self.queue[0].copy_(w)
        elif self.t % self.every == 0:
            self.queue = [*self.queue, w.clone()][-self.k :]

    def eval_weights(self) -> Tensor:
        return torch.stack(self.queue).mean(0)
