"""Which engine computes, by name: the one that is asked for, or the fastest that there is."""

import sys
from functools import cache

import torch

from lenetlab.errors import UserError, unknown
from lenetlab.oracle.engine import Engine
from lenetlab.oracle.native.build import Unavailable, native_kernel
from lenetlab.oracle.native_engine import NativeEngine
from lenetlab.oracle.torch_engine import TorchEngine
from lenetlab.problem.data import Split

ENGINES = ("auto", "native", "torch")


def choose_engine(name: str, device: torch.device) -> str:
    """`native` or `torch` for `name`; `auto` takes native on a CPU where it can be built, and says
    once why it cannot. Raises `UserError` where `native` is asked for and cannot be had."""
    if name not in ENGINES:
        raise unknown("engine", name, ENGINES)
    if name == "torch" or (name == "auto" and device.type != "cpu"):
        return "torch"
    if device.type != "cpu":
        raise UserError(f"engine 'native' runs on the CPU, not on {device.type}; add --device cpu")
    try:
        native_kernel()
    except Unavailable as error:
        if name == "native":
            raise UserError(f"engine 'native' is not available: {error}") from None
        _say_once(f"{error}; until then PyTorch computes, about ten times slower")
        return "torch"
    return "native"


@cache
def _say_once(message: str) -> None:
    print(f"lenetlab: {message}", file=sys.stderr)


def make_engine(name: str, split: Split, device: torch.device, threads: int) -> Engine:
    """The engine called `name`, `native` or `torch`, over `split`; PyTorch has its own threads."""
    if name == "native":
        return NativeEngine(split.images, split.labels, threads)
    return TorchEngine(split, device)
