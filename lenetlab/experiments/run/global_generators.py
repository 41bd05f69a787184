"""The global generators of random numbers, which nothing of ours draws from and a guest may."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from lenetlab.experiments.run.process_settings import given_back


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed the global generators of PyTorch, Python and NumPy for the run and give them back as
    they were, and with them what is set for the whole process: nothing of ours uses them, but an
    optimizer from outside may."""
    python, numpy = random.getstate(), np.random.get_state()
    with given_back(), torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        random.seed(seed)
        np.random.seed(seed % 2**32)
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)


def state() -> dict[str, Any]:
    """Of the three, to be kept."""
    kind, keys, *rest = np.random.get_state()
    return {"torch": torch.get_rng_state(), "python": random.getstate(),
            "numpy": (kind, torch.from_numpy(np.asarray(keys, dtype=np.int64)), *rest)}  # fmt: skip


def restore(kept: dict[str, Any]) -> None:
    """Go on from there."""
    torch.set_rng_state(kept["torch"])
    random.setstate(kept["python"])
    kind, keys, *rest = kept["numpy"]
    np.random.set_state((kind, keys.numpy().astype(np.uint32), *rest))
