r"""Averaged SGD: plain steps, judged at the average of all iterates since step t₀.

The iterates of SGD at a constant rate wander around a minimum; their average lies closer to
it than they do. The steps themselves are those of `sgd`, only the evaluated weights differ.

    w ← w − η g
    a ← a + (w − a) / max(1, t − t₀)      what is judged

Source: Polyak and Juditsky, Acceleration of Stochastic Approximation by Averaging, SIAM J.
Control Optim. 30(4), 1992; Ruppert 1988. Differs from PyTorch's defaults: its λ = 1e-4 is a
hidden weight decay and is 0 here, and its t₀ = 10⁶ would never average within ten epochs.
With λ = 0 its rate does not decay, and PyTorch's, which it works out at the end of a step for the
next one, is that of a schedule a step late: here it is the present one. With t₀ = ∞ it is `sgd`.
Here: `torch.optim.ASGD`. Cost: one gradient a step; one vector of memory.
"""

from typing import Any

import torch
from torch import Tensor

from lenetlab.component import log_uniform
from lenetlab.methods.eager import eager
from lenetlab.methods.registry import method
from lenetlab.settings import NOT_NEGATIVE


class ASGD(eager(torch.optim.ASGD)):  # type: ignore[misc]
    """PyTorch's ASGD at the present rate, whose average is evaluated."""

    def step(self, closure: Any = None) -> Any:
        """One step at the rate of its group, which a schedule may have just changed."""
        for group in self.param_groups:
            for p in group["params"]:
                if "eta" in self.state[p]:
                    self.state[p]["eta"].fill_(group["lr"])
        return super().step(closure)

    def eval_weights(self, w: Tensor) -> Tensor:
        """The average `ax` of the flat vector's slices; `w` itself before the first step."""
        states = [self.state[p] for group in self.param_groups for p in group["params"]]
        return torch.cat([state["ax"] for state in states]) if states[0] else w


@method(
    "asgd",
    family="noise_reduction",
    reference="Polyak and Juditsky 1992; Ruppert 1988",
    decay="coupled",
    defaults={"lr": 0.4, "t0": 500, "weight_decay": 0.0},
    space={"lr": log_uniform(0.1, 0.6)},
    version=2,
    cost="1 gradient a step; 1 vector",
    domains={"t0": NOT_NEGATIVE},
    batch_scaling="sqrt",
    averages=True,
)
def asgd(params: list[Tensor], *, lr: float, t0: int, weight_decay: float) -> ASGD:
    return ASGD(params, lr=lr, lambd=0.0, t0=t0, weight_decay=weight_decay)
