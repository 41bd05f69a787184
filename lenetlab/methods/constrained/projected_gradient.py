r"""Projected gradient: a gradient step, then back to the nearest point of a ball.

The weights are held in a ball of all weights together: of the l2 norm, which bounds their length;
of the l1 norm, which makes them sparse; or of the l∞ norm, which clips each by itself. F is
minimised there and nowhere else, and its value is reported as it is.

    w ← P(w − η g),   P(u) = argmin ‖x − u‖₂ over ‖x‖ ≤ r

A bound is the method's own affair and allowed in scenario `plain`; the loss is not changed. The
starter's weights have the l2 norm 8.9; at the default rate they reach the default r in about one
pass. For `ball=l1` a radius of about 2000 is of that size, for `ball=linf` some tenths.

Where the l2 bound is reached, the projection multiplies all weights by one factor below 1, as
weight decay does; the decay that a radius comes to is the bound's Lagrange multiplier.

Source: Goldstein, Convex Programming in Hilbert Space, Bull. AMS 70(5), 1964; Levitin and Polyak
1966; the projections: `projections.py`. With a ball that is large enough it is `sgd`. Some
codes project every layer by itself ("max-norm", Srebro and Shraibman 2005); here the ball is one.
Cost: one gradient a step; no memory.
"""

from torch import Tensor

from lenetlab.component import log_uniform
from lenetlab.errors import unknown
from lenetlab.methods.base import Base
from lenetlab.methods.constrained.projections import ONTO
from lenetlab.methods.registry import method
from lenetlab.oracle.oracle import Oracle
from lenetlab.settings import NOT_NEGATIVE


@method(
    "projected_gradient",
    family="constrained",
    reference="Goldstein 1964; Levitin and Polyak 1966",
    defaults={"lr": 0.1, "ball": "l2", "radius": 15.0},
    space={"lr": log_uniform(0.04, 0.4), "radius": log_uniform(5.0, 80.0)},
    cost="1 gradient a step; no vector",
    within="ball",
    norms="ball",
    domains={"radius": NOT_NEGATIVE},
    batch_size=16,
    neutral={"radius": 1e9},
    batch_scaling="sqrt",
)
class ProjectedGradient(Base):
    def start(self, w: Tensor) -> None:
        if self.group["ball"] not in ONTO:
            raise unknown("ball", self.group["ball"], ONTO)

    def step(self, oracle: Oracle) -> Tensor:
        loss = oracle()
        w, g = self.w, self.g
        project = ONTO[self.group["ball"]]
        w.copy_(project(w.sub_(g, alpha=self.group["lr"]), self.group["radius"]))
        return loss
