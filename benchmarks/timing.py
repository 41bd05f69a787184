"""What the benchmarks share: blocks timed in turn, and a machine that is quiet and named."""

import argparse
import os
import time
from collections.abc import Callable

import torch

from lenetlab.experiments.run.environment import processor
from lenetlab.oracle.native import build

BLOCK = 0.3  # seconds
QUIET = 0.6  # load up to which something is measured

Work = Callable[[], object]


def machine(parser: argparse.ArgumentParser, force: bool) -> str:
    """Processor, load and versions in a line; ends the program on a busy machine."""
    load = os.getloadavg()[0]
    if load > QUIET and not force:
        parser.error(f"the machine is busy (load {load:.2f}); wait, or pass --force")
    kernel = build.native_kernel()
    return (
        f"{processor()}, {os.cpu_count()} cores, load {load:.2f}; "
        f"torch {torch.__version__}; native engine {kernel.key}, {kernel.instructions}"
    )


def block(work: Work, count: int) -> float:
    """Seconds of one call, from a block of `count`."""
    begun = time.perf_counter()
    for _ in range(count):
        work()
    return (time.perf_counter() - begun) / count


def calls(work: Work) -> int:
    """How many calls fill a block; the first call warms up."""
    work()
    return max(1, round(BLOCK / block(work, 1)))


def in_turns(
    works: dict[str, Work], threads: dict[str, int], repeats: int
) -> dict[str, list[float]]:
    """Seconds of each, in blocks that alternate."""
    found: dict[str, list[float]] = {name: [] for name in works}
    counts = {}
    for name, work in works.items():
        torch.set_num_threads(threads.get(name, 1))
        counts[name] = calls(work)
    for _ in range(repeats):
        for name, work in works.items():
            torch.set_num_threads(threads.get(name, 1))
            found[name].append(block(work, counts[name]))
    return found
