"""Sources of randomness by name: each part of a run draws from its own, unrelated to the others."""

import hashlib

import torch


def generator_from(name: str) -> torch.Generator:
    """The CPU generator of that name; seven bytes of its digest, since a seed is below 2⁶³."""
    digest = hashlib.sha256(name.encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))
