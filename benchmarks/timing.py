"""What the benchmarks share: blocks timed in turn, passes, whole processes, and a machine that is
quiet and named."""

import argparse
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from lenetlab.experiments.run.environment import processor
from lenetlab.experiments.run.training import Training
from lenetlab.oracle.native import build

BLOCK = 0.3  # seconds
QUIET = 0.6  # load up to which something is measured
LENETLAB = str(Path(sys.executable).with_name("lenetlab"))

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


def block(work: Work, count: int, wait: Work = lambda: None) -> float:
    """Seconds of one call, from a block of `count`; `wait` is for what a call only begins."""
    wait()
    begun = time.perf_counter()
    for _ in range(count):
        work()
    wait()
    return (time.perf_counter() - begun) / count


def per_pass(
    training: Training, clock: Callable[[], float], seconds: float, end: float = math.inf
) -> float:
    """Seconds of an effective pass by `clock`, from whole steps that take `seconds` or more, or are
    `end` passes from the beginning."""
    ledger = training.oracle.ledger
    at, begun = ledger.passes, clock()
    while True:
        training.step()
        taken = clock() - begun
        if taken >= seconds or ledger.passes >= end:
            return taken / (ledger.passes - at)


def process_seconds(words: Sequence[str], **environment: str) -> tuple[float, list[str]]:
    """Seconds of a whole process in an empty folder, and the lines it printed; the bars on stderr
    are not drawn, since a terminal takes time for them."""
    with tempfile.TemporaryDirectory() as scratch:
        begun = time.perf_counter()
        done = subprocess.run(words, cwd=scratch, env=os.environ | environment, check=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              text=True)  # fmt: skip
        return time.perf_counter() - begun, done.stdout.splitlines()


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
