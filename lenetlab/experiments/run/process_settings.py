"""What is set for a whole process: nothing of ours sets it, a guest may, and it is given back as it
was, so that the next method has what it would have had alone."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import torch

Setting = tuple[Callable[[], Any], Callable[[Any], Any]]  # how it is asked for, how it is set


def _umask() -> int:
    """It is told only to who sets it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _folder() -> str | None:
    """None where it has been deleted."""
    try:
        return os.getcwd()
    except FileNotFoundError:
        return None


def _go_to(folder: str | None) -> None:
    """Nowhere, if it is gone."""
    if folder is not None:
        with suppress(FileNotFoundError):
            os.chdir(folder)


_SETTINGS: tuple[Setting, ...] = (
    (_folder, _go_to),
    (_umask, os.umask),
    (torch.get_default_dtype, torch.set_default_dtype),
    (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
    (torch.are_deterministic_algorithms_enabled, torch.use_deterministic_algorithms),
    (
        lambda: torch.backends.mkldnn.enabled,
        lambda value: setattr(torch.backends.mkldnn, "enabled", value),
    ),
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
