"""What methods that search at random share: the draws."""

import torch
from torch import Tensor

from lenetlab.oracle.oracle import Oracle


def normal(oracle: Oracle, *k: int) -> Tensor:
    """Standard normal vectors like `oracle.w`: one (n,), or `k` rows (k, n)."""
    w = oracle.w
    return torch.randn((*k, len(w)), generator=oracle.rng, dtype=w.dtype).to(w.device)


def population(w: Tensor, k: int) -> Tensor:
    """Memory for `k` points (k, n) like `w`, for a method to keep: the system would hand out
    megabytes anew in every step, and to clear them takes longer than the arithmetic."""
    return w.new_empty(k, len(w))


def fill_normal(oracle: Oracle, z: Tensor) -> Tensor:
    """Standard normal numbers in place of `z`, those that `normal` would draw."""
    on_cpu = z.device.type == oracle.rng.device.type
    return z.normal_(generator=oracle.rng) if on_cpu else z.copy_(normal(oracle, len(z)))


def signs(oracle: Oracle) -> Tensor:
    """A vector (n,) of −1 and +1, each with probability one half."""
    w = oracle.w
    coins = torch.randint(0, 2, w.shape, generator=oracle.rng)
    return coins.mul_(2).sub_(1).to(w.device, w.dtype)
