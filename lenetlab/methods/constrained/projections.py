r"""Nearest points and proximal operators, exact: what projected and proximal steps share.

    P(w) = argmin ‖x − w‖₂  over  ‖x‖ ≤ r              a ball of the named norm
    P(w) = argmin ‖x − w‖₂  over  ‖x‖₀ ≤ k             the k largest entries
    prox(w) = argmin ½‖x − w‖₂² + τ ‖x‖₁               soft thresholding: sign(w) (|w| − τ)₊

The projection on the l1 ball is soft thresholding with the τ at which ‖x‖₁ = r (Duchi,
Shalev-Shwartz, Singer and Chandra, Efficient Projections onto the l1-Ball, ICML 2008, who find it
by sorting). Here it is found by Michelot's iteration (J. Optim. Theory Appl. 50, 1986): τ as if all
entries stayed nonzero is too small; those it kills are left out and τ is found anew, until none
dies. The result is the same and n numbers need not be sorted.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from lenetlab.methods.sparsity import largest, soft_threshold


def hard_threshold(w: Tensor, k: int) -> Tensor:
    """The k entries of largest magnitude, the rest zero; of equals the first stay."""
    return w.clone() if k >= w.numel() else torch.where(largest(w.abs(), k) > 0, w, 0.0)


def onto_l2(w: Tensor, r: float) -> Tensor:
    """The nearest point with ‖x‖₂ ≤ r."""
    norm = float(w.norm())
    return w.clone() if norm <= r else w * (r / norm)


def onto_linf(w: Tensor, r: float) -> Tensor:
    """The nearest point with max |x_i| ≤ r."""
    return w.clamp(-r, r)


def onto_l1(w: Tensor, r: float) -> Tensor:
    """The nearest point with Σ |x_i| ≤ r."""
    size = w.abs()
    if float(size.sum()) <= r:
        return w.clone()
    if r == 0:
        return torch.zeros_like(w)
    alive = size
    while True:
        tau = (alive.sum() - r) / alive.numel()
        survivors = alive[alive > tau]
        if survivors.numel() in (0, alive.numel()):  # 0: r is below the rounding of τ
            return soft_threshold(w, tau)
        alive = survivors


ONTO: Mapping[str, Callable[[Tensor, float], Tensor]] = {
    "l2": onto_l2,
    "l1": onto_l1,
    "linf": onto_linf,
}
