r"""Multi-batch L-BFGS: curvature from the examples that two consecutive batches share.

L-BFGS learns from differences of gradients, and between different batches such a difference is
mostly noise. So that it need not be, a part of every batch is kept for the next one: its gradient
is known at both ends of the step, at the price of this part alone.

    S_k = O_{k−1} ∪ N_k           N_k the fresh examples; O_k ⊂ N_k is kept for the next batch
    p = −H_k ∇F_{S_k}(w_k),       w_{k+1} = w_k + η p
    s = w_{k+1} − w_k,            y = ∇F_{O_k}(w_{k+1}) − ∇F_{O_k}(w_k)
    H from the last m pairs with sᵀy ≥ ε ‖s‖², by the two-loop recursion, H⁰ = sᵀy / yᵀy

Source: Berahas, Nocedal and Takáč, A Multi-Batch L-BFGS Method for Machine Learning, NIPS 2016,
arXiv:1605.06049, Algorithm 1; the recursion: Nocedal and Wright, 2006,
Algorithm 7.4. As there the rate is constant. Before the first pair H is the identity, and a step
is at most `longest` long: on a net the estimate can be far too large, which the paper's convex
problems do not show. Two full batches share all, and it is L-BFGS without a line search (`lbfgs`
has one).
Cost: 1 + overlap gradients a step; 2m + 4 vectors.
"""

import torch
from torch import Tensor

from lenetlab.component import log_uniform, uniform
from lenetlab.methods.base import Base
from lenetlab.methods.registry import method
from lenetlab.oracle.oracle import Batch, Oracle
from lenetlab.settings import POSITIVE_COUNT, Domain

EPSILON = 1e-4


@method(
    "multibatch_lbfgs",
    family="second_order",
    reference="Berahas, Nocedal and Takáč 2016, arXiv:1605.06049, Alg. 1",
    defaults={"lr": 0.1, "history": 10, "overlap": 0.25, "longest": 1.0},
    space={
        "lr": log_uniform(0.03, 1.0),
        "overlap": uniform(0.2, 0.5),
        "longest": log_uniform(0.3, 10.0),
    },
    cost="1 1/4 gradients a step; 2 × history + 4 vectors",
    domains={
        "history": POSITIVE_COUNT,
        "overlap": Domain(1e-6, 1, closed=True),
        "longest": Domain(1e-9),
    },
    batch_size=128,
    asks="more",
)
class MultibatchLBFGS(Base):
    STATE = ("pairs", "shared", "w_before", "g_shared")

    def start(self, w: Tensor) -> None:
        self.pairs: list[list[Tensor]] = []  # [s, y], the oldest first
        self.shared: Tensor | None = None  # O_{k−1}, as indices
        self.w_before, self.g_shared = w.clone(), torch.zeros_like(w)  # w and ∇F_O at its drawing

    def step(self, oracle: Oracle) -> Tensor:
        w, g, h = self.w, self.g, self.group
        fresh = oracle.batch.indices
        overlap = 1.0 if oracle.batch is oracle.full else h["overlap"]
        kept = max(1, round(overlap * len(fresh)))
        rest, shared = fresh[:-kept], fresh[-kept:]

        loss, g_shared = oracle.gradient(Batch(shared))
        g.copy_(g_shared)
        if len(rest):
            loss_rest, g_rest = oracle.gradient(Batch(rest))
            share = kept / len(fresh)
            loss = torch.lerp(loss_rest, loss, share)
            g.mul_(share).add_(g_rest, alpha=1 - share)
        if self.shared is not None:
            _, g_again = oracle.gradient(Batch(self.shared))
            self._learn(w - self.w_before, g_again - self.g_shared)
            n = len(self.shared) + len(fresh)
            g.mul_(len(fresh) / n).add_(g_again, alpha=len(self.shared) / n)
        oracle.publish_gradient(loss)
        self.shared, self.g_shared = shared.clone(), g_shared
        self.w_before.copy_(w)

        step = two_loop(self.pairs, g).mul_(h["lr"])
        w.sub_(step.mul_(min(1.0, h["longest"] / max(float(step.norm()), 1e-30))))
        return loss

    def masked(self, w: Tensor, mask: Tensor) -> None:
        """Begin anew: pairs of another objective are no curvature of this one."""
        self.start(w)

    def _learn(self, s: Tensor, y: Tensor) -> None:
        square = float(s.dot(s))
        if square > 0 and float(s.dot(y)) >= EPSILON * square:
            self.pairs.append([s, y])
            del self.pairs[: -self.group["history"]]


def two_loop(pairs: list[list[Tensor]], g: Tensor) -> Tensor:
    """H g."""
    q = g.clone()
    alphas = []
    for s, y in reversed(pairs):
        alpha = s.dot(q) / s.dot(y)
        q.sub_(alpha * y)
        alphas.append(alpha)
    if pairs:
        s, y = pairs[-1]
        q.mul_(s.dot(y) / y.dot(y))
    for (s, y), alpha in zip(pairs, reversed(alphas), strict=True):
        q.add_((alpha - y.dot(q) / s.dot(y)) * s)
    return q
