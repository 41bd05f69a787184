"""What methods that search at random share: the draws."""

import torch
from torch import Tensor

from lenetlab.oracle.oracle import Oracle


def normal(oracle: Oracle, *k: int) -> Tensor:
    """Standard normal vectors like `oracle.w`: one (n,), or `k` rows (k, n)."""
    w = oracle.w
    return torch.randn((*k, len(w)), generator=oracle.rng, dtype=w.dtype).to(w.device)


def signs(oracle: Oracle) -> Tensor:
    """A vector (n,) of −1 and +1, each with probability one half."""
    w = oracle.w
    coins = torch.randint(0, 2, w.shape, generator=oracle.rng)
    return coins.mul_(2).sub_(1).to(w.device, w.dtype)
