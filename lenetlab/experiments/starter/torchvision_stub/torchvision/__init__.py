"""A stand-in for what the starter script and its kin import from torchvision.

It is put on a script's path only where torchvision itself cannot be imported, so that the
script runs, unchanged, beside any build of torch.
"""

from . import datasets, transforms, utils

__all__ = ["datasets", "transforms", "utils"]


def __getattr__(name: str) -> None:
    raise AttributeError(
        f"lenetlab's stand-in for torchvision has no {name}; install torchvision itself"
    )
