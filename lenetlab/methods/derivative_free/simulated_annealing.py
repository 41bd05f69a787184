r"""Simulated annealing: random search that also goes uphill, less and less.

A child that is worse lives with a probability that falls with how much worse it is and with the
temperature: at first the search crosses hills, at T = 0 it only descends. The width is kept where
a fifth of the children are accepted.

    z ~ N(0, I),   u ~ U(0, 1)
    Δ = F_S(w + σ z) − F_S(w)                      both on the same batch S
    accepted = Δ ≤ 0 or u < exp(−Δ / T)
    σ ← σ exp((1[accepted] − 1/5) / d)
    w ← w + σ z   if accepted                      with the σ that was drawn with
    T ← γ T

Source: Kirkpatrick, Gelatt and Vecchi, Optimization by Simulated Annealing, Science 220, 1983;
Kochenderfer and Wheeler, Algorithms for Optimization, 2019, Algorithm 8.4 and its exponential
annealing schedule; the adapted width in the manner of Corana et al. 1987 (there for each
coordinate alone, which 44,426 of them forbid). With T = 0 it is `random_search`. Logarithmic
cooling, for which convergence to the global minimum is proved, would hardly cool in any budget.
Measured on held-out images, seed 0: 29.4 % after 180,000 values, 62.5 after ten times
as many, 60.2 after fifty. From T = 10⁻⁴ to 10⁻² at the start made no clear difference in 540,000
values (47 to 50 %).
Cost: two forward passes a step; no memory.
"""

import math

import torch
from torch import Tensor

from lenetlab.component import log_uniform
from lenetlab.methods.derivative_free.random_search import RandomSearch
from lenetlab.methods.registry import method
from lenetlab.oracle.oracle import Oracle
from lenetlab.settings import NOT_NEGATIVE, UNIT, Domain


@method(
    "simulated_annealing",
    family="derivative_free",
    reference="Kirkpatrick, Gelatt and Vecchi 1983; Kochenderfer and Wheeler 2019, Alg. 8.4",
    defaults={"sigma": 0.03, "d": 10.0, "temperature": 1e-3, "gamma": 0.99},
    space={"sigma": log_uniform(1e-3, 0.1), "temperature": log_uniform(1e-5, 0.1)},
    cost="2 forward passes a step; no memory",
    domains={
        "sigma": Domain(1e-12),
        "d": Domain(1e-3),
        "temperature": NOT_NEGATIVE,
        "gamma": UNIT,
    },
    batch_size=512,
    asks="more",
)
class SimulatedAnnealing(RandomSearch):
    STATE = ("sigma", "temperature")

    def start(self, w: Tensor) -> None:
        super().start(w)
        self.temperature = float(self.group["temperature"])

    def accepts(self, delta: float, oracle: Oracle) -> bool:
        """Metropolis' rule at the present temperature, which then falls."""
        t = self.temperature
        self.temperature *= self.group["gamma"]
        if delta <= 0 or t == 0:
            return delta <= 0
        return float(torch.rand((), generator=oracle.rng)) < math.exp(-delta / t)
