r"""Basic SGD: a step against the gradient of one example, the next in a random order.

The cheapest unbiased step there is: 60,000 updates for one pass over the data. The variance
of a single gradient does not shrink near a minimum, so the rate must be small or decay.

    w ← w − η ∇ℓ_i(w),   i the next of the sweep's order

The bounds are those of `sgd`, with the variance M of one example, and for draws with replacement.
What it buys is independence of n: the examples that must be looked at for an expected
E F(w) − F* ≤ ε, F strongly convex:

    full batch      n log(1/ε)
    one example     1/ε

Source: Robbins and Monro, A Stochastic Approximation Method, Ann. Math. Statist. 22, 1951;
Bottou, Curtis and Nocedal, Optimization Methods for Large-Scale Machine Learning, SIAM Review
60, 2018, eq. 3.7 and section 3.3. It is `sgd` at batch size 1.
Here: `torch.optim.SGD`. Cost: one example gradient a step; no memory.
"""

from torch import Tensor
from torch.optim import SGD

from lenetlab.component import log_uniform
from lenetlab.methods.eager import eager
from lenetlab.methods.registry import method


@method(
    "single_sample",
    family="basic",
    reference="Robbins and Monro 1951; Bottou, Curtis and Nocedal 2018, eq. 3.7",
    decay="coupled",
    defaults={"lr": 0.01, "weight_decay": 0.0},
    space={"lr": log_uniform(0.002, 0.03)},
    cost="1 gradient of 1 example a step; no memory",
    batch_size=1,
)
def single_sample(params: list[Tensor], *, lr: float, weight_decay: float) -> SGD:
    return eager(SGD)(params, lr=lr, weight_decay=weight_decay)
