"""A stand-in for the three torchvision names that the handed-out script imports.

It is put on a script's path only where torchvision itself cannot be imported, so that the
script runs, unchanged, beside any build of torch.
"""

from . import datasets, transforms, utils

__all__ = ["datasets", "transforms", "utils"]
