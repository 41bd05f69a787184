r"""Whole units: hidden units of fc1 and fc2 are removed, so that a smaller dense net is left.

Scattered zeros save memory in a sparse format and no time on a CPU; a layer with fewer units saves
both (little time in LeNet-5, whose convolutions take most of it). A unit is judged by its path,
what comes in times what goes out; per weight that its removal frees, the weakest goes first. What
comes in, the bias and what goes out become zero: the output is tanh(0) = 0 and nobody hears it.

    s_j = ‖incoming_j‖ ‖outgoing_j‖,    removed while 256 a + a b > k_t:
    the unit with the smallest s_j / freed,   freed = 256 + b in fc1, a in fc2

with a units left in fc1 and b in fc2; k_t is the cubic of `magnitude`, ended sooner: to lose a unit
takes longer to heal than to lose a weight.

Source: structured pruning by magnitude, Li et al., Pruning Filters for Efficient ConvNets, ICLR
2017, arXiv:1608.08710 (the norm of what comes in); the product of both sides is invariant to a
rescaling between the layers: Neyshabur, Salakhutdinov and Srebro, Path-SGD, 2015, arXiv:1506.02617.
`lenetlab shrink` exports the smaller net. The bound holds from `end` on.
Cost: nothing charged; one mask.
"""

import torch
from torch import Tensor

from lenetlab.component import uniform
from lenetlab.errors import UserError
from lenetlab.methods.constraint import PERIOD, SHARE, constraint
from lenetlab.methods.constraints.gradual import Gradual
from lenetlab.methods.sparsity import Bound
from lenetlab.oracle.oracle import Oracle
from lenetlab.problem.model import CONSTRAINED, SHAPES, views
from lenetlab.problem.scenarios import BOUND

INPUTS = SHAPES["fc1.weight"][1]  # 256


@constraint(
    "units",
    reference="Li et al. 2017, arXiv:1608.08710; Neyshabur et al. 2015, arXiv:1506.02617",
    defaults={"begin": 0.05, "end": 0.25, "every": 0.01},
    space={"begin": uniform(0.0, 0.3), "end": uniform(0.1, 0.6)},
    cost="none; 1 mask",
    domains={"begin": SHARE, "end": SHARE, "every": PERIOD},
    common={"keep": BOUND},
)
class Units(Gradual):
    def __init__(self, bound: Bound, begin: float, end: float, every: float) -> None:
        super().__init__(bound, begin, end, every)
        (group,) = bound.groups
        self.keep = group.keep
        if self.keep < INPUTS + 1:
            raise UserError(
                f"constraint units: keep={self.keep} is less than one unit in each layer; "
                f"expected at least {INPUTS + 1}"
            )

    def cut(self, oracle: Oracle, share: float) -> None:
        allowed = round(CONSTRAINED - share * (CONSTRAINED - self.keep))
        oracle.mask = mask_of(*surviving(oracle.w, allowed), like=oracle.w)

    def project(self, w: Tensor) -> Tensor:
        return w * mask_of(*surviving(w, self.keep), like=w)


def surviving(w: Tensor, keep: int) -> tuple[Tensor, Tensor]:
    """Which units of fc1 (120,) and of fc2 (84,) stay, so that 256 a + a b ≤ `keep`."""
    p = views(w)
    scores = [
        (p[f"{layer}.weight"].norm(dim=1) * p[f"{after}.weight"].norm(dim=0)).tolist()
        for layer, after in (("fc1", "fc2"), ("fc2", "fc3"))
    ]
    queues = [sorted(range(len(s)), key=s.__getitem__) for s in scores]  # weakest first
    a, b = map(len, queues)
    while INPUTS * a + a * b > keep:
        # never the last unit of a layer
        first = scores[0][queues[0][0]] / (INPUTS + b) if a > 1 else float("inf")
        second = scores[1][queues[1][0]] / a if b > 1 else float("inf")
        queues[0 if first <= second else 1].pop(0)
        a, b = map(len, queues)
    kept = [torch.zeros(len(s), dtype=torch.bool) for s in scores]
    for units, queue in zip(kept, queues, strict=True):
        units[queue] = True
    return kept[0], kept[1]


def mask_of(first: Tensor, second: Tensor, like: Tensor) -> Tensor:
    """Ones everywhere except at what comes into, belongs to or goes out of a removed unit."""
    mask = torch.ones_like(like)
    p = views(mask)
    for layer, after, kept in (("fc1", "fc2", first), ("fc2", "fc3", second)):
        removed = ~kept.to(like.device)
        p[f"{layer}.weight"][removed] = 0
        p[f"{layer}.bias"][removed] = 0
        p[f"{after}.weight"][:, removed] = 0
    return mask
