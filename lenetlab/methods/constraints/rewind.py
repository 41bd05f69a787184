r"""Rewinding: train to the end to learn which weights matter, then train those from the beginning.

Early in the first round the weights, and the method's own state, are kept. A round ends with the
largest weights as support; on it the kept weights are trained again, and their rate follows its
schedule anew. The lottery ticket hypothesis: the small net was there all along.

    w_τ ← w                                    at the share `early` of the first round
    m ← the k_r largest |m∘w|,  w ← m∘w_τ      at the end of round r = 1 … R
    k_r = N (k/N)^{r/R}

The budget is cut into R + 1 equal rounds, and everything is charged: with R = 1 half of it
goes to find the support. With early = 0 it is the hypothesis's first form, back to the start.

Source: Frankle and Carbin, The Lottery Ticket Hypothesis, ICLR 2019, arXiv:1803.03635; with a
late rewind: Frankle, Dziugaite, Roy and Carbin, Linear Mode Connectivity and the Lottery Ticket
Hypothesis, ICML 2020, arXiv:1912.05671, Algorithm 2. There every round costs as much as a whole
training. The order of the data goes on and is not rewound. The bound holds in the last round.
Cost: nothing besides the rounds; a copy of the weights and of the method's state.
"""

from typing import Any

from lenetlab.component import uniform
from lenetlab.methods.constraint import Constraint, constraint
from lenetlab.methods.sparsity import Bound
from lenetlab.methods.state import capture, copied, restore
from lenetlab.methods.wrappers import Composed
from lenetlab.oracle.oracle import Oracle
from lenetlab.settings import FRACTION, POSITIVE_COUNT


@constraint(
    "rewind",
    reference="Frankle and Carbin 2019, arXiv:1803.03635; Frankle et al. 2020, arXiv:1912.05671",
    defaults={"rounds": 1, "early": 0.1},
    space={"early": uniform(0.0, 0.3)},
    cost="rounds/(rounds + 1) of the budget finds the support; a copy of weights and state",
    domains={"rounds": POSITIVE_COUNT, "early": FRACTION},
)
class Rewind(Constraint):
    STATE = ("done", "kept")

    def __init__(self, bound: Bound, rounds: int, early: float) -> None:
        super().__init__(bound)
        self.rounds, self.early = rounds, early
        self.done = 0  # rounds
        self.kept: dict[str, Any] | None = None  # weights and the method's state

    def start(self, oracle: Oracle, optimizer: Composed) -> None:
        if self.early == 0:
            self.keep(oracle, optimizer)

    def keep(self, oracle: Oracle, optimizer: Composed) -> None:
        """Remember where to come back to."""
        self.kept = {"w": oracle.w.clone(), "optimizer": copied(capture(optimizer), oracle.w)}

    def act(self, oracle: Oracle, optimizer: Composed, progress: float) -> None:
        passed = progress * (self.rounds + 1)  # rounds, and the share of this one
        if self.kept is None and passed >= self.early:
            self.keep(oracle, optimizer)
        if self.done == self.rounds or passed < self.done + 1 - 1e-9:
            return
        assert self.kept is not None
        self.done += 1
        r = self.done / self.rounds
        keeps = [round(g.size * (g.keep / g.size) ** r) for g in self.bound.groups]
        oracle.mask = self.bound.mask(oracle.w.abs(), keeps)
        oracle.w.copy_(self.kept["w"])
        restore(optimizer, copied(self.kept["optimizer"], oracle.w))

    def schedule_progress(self, progress: float) -> float:
        passed = progress * (self.rounds + 1)
        if self.done == 0:
            return min(passed, 1.0)
        return self.early + (1 - self.early) * min(max(passed - self.done, 0.0), 1.0)
