r"""L-BFGS: a quasi-Newton direction from the last m steps and gradient differences.

The inverse Hessian is never formed: a two-loop recursion applies its estimate, built from the
pairs s = w⁺ − w and y = g⁺ − g, to the gradient. The differences must come from the same
function, so its batch is the whole training set.

    p = −H g,   H from m pairs (s, y)
    w ← w + α p,   α by a line search with the strong Wolfe conditions

One step of the loop is one iteration: a direction and its line search. What the search has
already evaluated at the new point is remembered and not paid twice.

Source: Liu and Nocedal, On the limited memory BFGS method for large scale optimization, Math.
Program. 45, 1989; Nocedal and Wright, Numerical Optimization, 2006, Algorithm 7.5.
Here: `torch.optim.LBFGS`. Cost: one or more full gradients a step; 2m vectors of memory.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.optim import LBFGS

from lenetlab.component import log_uniform
from lenetlab.methods.eager import eager
from lenetlab.methods.line_search.search import TRIES
from lenetlab.methods.registry import method
from lenetlab.settings import POSITIVE_COUNT


class Forgetful(LBFGS):
    """PyTorch's L-BFGS; pairs (s, y) of another objective are no curvature of this one."""

    @torch.no_grad()
    def step(self, closure: Callable[[], Tensor]) -> Tensor:  # type: ignore[override]
        """One iteration; at the rate zero, where a search has nothing to begin with, none."""
        if self.param_groups[0]["lr"] == 0:
            return torch.enable_grad()(closure)()
        loss: Tensor = super().step(closure)  # type: ignore[no-untyped-call]
        return loss

    def masked(self, w: Tensor, mask: Tensor) -> None:
        """Under another mask the pairs are forgotten, and the one to come, but not their scale: a
        search that began at 1 / ‖g‖₁ again, as PyTorch's first does, would stay where it is."""
        for state in self.state.values():
            if "d" in state:
                nothing = torch.zeros_like(state["d"])  # s = t d
                state.update(d=nothing, old_dirs=[], old_stps=[], ro=[])

    def moved(self, by: Tensor) -> None:
        """The next pair is of the points that were asked about: its s = t d takes in the move."""
        for state in self.state.values():
            if "d" in state:
                state["d"], state["t"] = state["d"] * state["t"] + by, 1.0


@method(
    "lbfgs",
    family="second_order",
    reference="Liu and Nocedal 1989; Nocedal and Wright 2006, Alg. 7.5",
    defaults={"lr": 1.0, "history": 10},
    space={"lr": log_uniform(0.1, 1.0)},
    version=3,
    cost="1 or more passes a step; 2 × history vectors",
    domains={"history": POSITIVE_COUNT},
    batch_size=60_000,
    asks="more",
)
def lbfgs(params: list[Tensor], *, lr: float, history: int) -> Forgetful:
    return eager(Forgetful)(
        params,
        lr=lr,
        max_iter=1,
        # Without a number here PyTorch allows one evaluation an iteration, which is that at the
        # beginning, and takes t = lr unsearched, or 0 for ever.
        max_eval=1 + TRIES,
        history_size=history,
        line_search_fn="strong_wolfe",
        # The loop decides when a run ends; PyTorch's own tests would stop it silently.
        tolerance_grad=0.0,
        tolerance_change=0.0,
    )
