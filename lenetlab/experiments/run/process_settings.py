"""What is set for a whole process: nothing of ours sets it, a guest may, and it is given back as it
was, so that the next method has what it would have had alone."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

Setting = tuple[Callable[[], Any], Callable[[Any], Any]]  # how it is asked for, how it is set


def _umask() -> int:
    """It is told only to who sets it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _switch(name: str) -> Setting:
    """One of PyTorch's switches for its library of kernels."""
    library = torch.backends.mkldnn
    return lambda: getattr(library, name), lambda value: setattr(library, name, value)


_SETTINGS: tuple[Setting, ...] = (
    (os.getcwd, os.chdir),
    (_umask, os.umask),
    (torch.get_default_dtype, torch.set_default_dtype),
    (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
    (torch.are_deterministic_algorithms_enabled, torch.use_deterministic_algorithms),
    _switch("enabled"),
)


@contextmanager
def given_back() -> Iterator[None]:
    """Set again afterwards what has changed meanwhile."""
    before = [ask() for ask, _ in _SETTINGS]
    device = torch.get_default_device()
    try:
        yield
    finally:
        for (ask, put), value in zip(_SETTINGS, before, strict=True):
            if ask() != value:
                put(value)
        if torch.get_default_device() != device:
            torch.set_default_device(None if device.type == "cpu" else device)
