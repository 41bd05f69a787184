"""PyTorch's optimizers without the decorators that keep its compiler out.

When its first optimizer is built, and in every step, PyTorch tells torch.compile to leave the code
alone, and imports torch._dynamo for it: a second at the start of every run. Nothing is compiled
here, so PyTorch's own functions are called without those decorators.
"""

import inspect
from typing import TypeVar

import torch
from torch.optim import Optimizer

T = TypeVar("T", bound=Optimizer)


def eager(kind: type[T]) -> type[T]:
    """`kind`, of the same bits, that never imports the compiler."""
    own = {
        "__doc__": kind.__doc__,
        "__module__": kind.__module__,
        "add_param_group": inspect.unwrap(kind.add_param_group),
        # without gradients, as in PyTorch's decorator
        "step": torch.no_grad()(inspect.unwrap(kind.step)),
    }
    return type(kind.__name__, (kind,), own)
