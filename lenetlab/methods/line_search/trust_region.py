r"""Trust region: the minimum of a quadratic model, no farther than the model has proved right.

The model's curvature is the Hessian itself, negative directions included; it is minimised inside
a ball by conjugate gradients that stop at its surface (Steihaug). What F really gained, compared
with what the model promised, decides whether the step is taken and how large the ball is next.

    m(p) = F_S(w) + gᵀp + ½ pᵀH p,   ‖p‖ ≤ Δ,   H on `curvature` of the examples of S
    ρ = (F_S(w) − F_S(w + p)) / (m(0) − m(p))
    ρ < ¼: Δ ← ¼ Δ;   ρ > ¾ and ‖p‖ = Δ: Δ ← min(2Δ, Δ_max);   ρ > η: w ← w + p

Source: Steihaug, The Conjugate Gradient Method and Trust Regions in Large Scale Optimization, SIAM
J. Numer. Anal. 20, 1983; Nocedal and Wright, Numerical Optimization, 2006, Algorithms 4.1 (η = 0.1)
and 7.2 with its forcing sequence min(½, √‖g‖); the subsampled Hessian: Byrd et al. 2011. Both
differences in ρ have 10 ε max(1, F) added, ε the rounding of float32, as in Conn, Gould and Toint
2000, section 17.4.2: a Δ whose gain no longer shows in F would shrink for ever. With Δ → 0 it is
normalised gradient descent.
Cost: one gradient and one forward pass a step, up to `iterations` Hessian products (2.4 each) on
`curvature` examples; four vectors.
"""

import math

import torch
from torch import Tensor

from lenetlab.component import log_uniform
from lenetlab.methods.base import Base
from lenetlab.methods.line_search.search import agreement
from lenetlab.methods.registry import method
from lenetlab.oracle.oracle import Batch, Oracle
from lenetlab.oracle.second_order import Operator
from lenetlab.settings import POSITIVE_COUNT, Domain


@method(
    "trust_region",
    family="line_search",
    reference="Steihaug 1983; Nocedal and Wright 2006, Alg. 4.1 and 7.2",
    defaults={"radius": 1.0, "largest": 10.0, "iterations": 10, "curvature": 100},
    space={"radius": log_uniform(0.1, 10.0)},
    version=2,
    cost="1.4 gradients a step and 2.4 a Hessian product of 100 examples; 4 vectors",
    domains={
        "radius": Domain(1e-9),
        "largest": Domain(1e-9),
        "iterations": POSITIVE_COUNT,
        "curvature": POSITIVE_COUNT,
    },
    batch_size=500,
    asks="more",
)
class TrustRegion(Base):
    STATE = ("delta",)

    def start(self, w: Tensor) -> None:
        self.delta = float(self.group["radius"])

    def step(self, oracle: Oracle) -> Tensor:
        loss = oracle()
        w, g, h = self.w, self.g, self.group
        batch = oracle.batch
        operator = oracle.hessian(Batch(batch.indices[: h["curvature"]]))
        p, promised = steihaug(operator, g, self.delta, h["iterations"])
        gained = float(loss) - float(oracle.value(batch, at=w + p))
        rho = agreement(gained, promised, float(loss))
        if not rho >= 0.25:
            self.delta *= 0.25
        elif rho > 0.75 and float(p.norm()) > 0.999 * self.delta:
            self.delta = min(2 * self.delta, h["largest"])
        if rho > 0.1:
            w.add_(p)
        return loss


def steihaug(operator: Operator, g: Tensor, delta: float, iterations: int) -> tuple[Tensor, float]:
    """An approximate minimiser p of gᵀp + ½ pᵀHp with ‖p‖ ≤ Δ, and the decrease it promises."""
    p, hp = torch.zeros_like(g), torch.zeros_like(g)
    r, d = g.clone(), -g
    enough = min(0.5, math.sqrt(float(g.norm()))) * float(g.norm())
    for _ in range(iterations):
        hd = operator @ d
        curvature = float(d.dot(hd))
        square = float(r.dot(r))
        alpha = square / curvature if curvature > 0 else math.inf
        if curvature <= 0 or float((p + alpha * d).norm()) >= delta:
            alpha = _to_surface(p, d, delta)
            p.add_(d, alpha=alpha)
            hp.add_(hd, alpha=alpha)
            break
        p.add_(d, alpha=alpha)
        hp.add_(hd, alpha=alpha)
        r.add_(hd, alpha=alpha)
        if float(r.norm()) < enough:
            break
        d.mul_(float(r.dot(r)) / square).sub_(r)
    return p, -float(g.dot(p) + 0.5 * p.dot(hp))


def _to_surface(p: Tensor, d: Tensor, delta: float) -> float:
    """τ ≥ 0 with ‖p + τ d‖ = Δ."""
    a, b, c = float(d.dot(d)), float(p.dot(d)), float(p.dot(p)) - delta**2
    return (-b + math.sqrt(max(b * b - a * c, 0.0))) / a if a > 0 else 0.0
