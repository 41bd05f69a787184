"""The native engine against PyTorch on the same work, in one process and in turns.

    python benchmarks/engine.py [--repeats 7] [--force]

Each pair is timed in blocks of at least 0.3 s, the two in turn; printed are the minimum and the
median over the repeats, and the ratio of the minimums. An epoch is 938 batches of 64: shuffle,
gather, loss, gradient, update; it is timed over a tenth of it and scaled. The share of the peak
is that of the multiply-adds the engine really does, against a loop of multiply-adds in registers
that is timed in the same run. On a busy machine nothing is measured.
"""

import argparse
import ctypes
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from lenetlab.openmp import wait_briefly

wait_briefly()

import torch
import torch.nn.functional as F
from rich.console import Console
from timing import Work, block, in_turns, machine
from torch import nn

from lenetlab.cli.terminal.console import make_table
from lenetlab.oracle.native import build
from lenetlab.oracle.native_engine import NativeEngine
from lenetlab.oracle.order import DataOrder, starter_stream
from lenetlab.problem.data import Split, load
from lenetlab.problem.evaluation import evaluate
from lenetlab.problem.lenet import LeNet5
from lenetlab.problem.model import SIZE, initial_weights, logits, views

STEPS = 94  # a tenth of an epoch of 938 batches of 64

# Multiply-adds an image by the layers' shapes, and what the engine does of them: conv1 in
# Winograd's domain along rows, conv2 along rows and columns, but for their filters' gradients,
# which are of pooled windows' winners alone.
DENSE = {"conv1": 576 * 6 * 25, "conv2": 64 * 16 * 150, "dense": 256 * 120 + 120 * 84 + 84 * 10}
DENSE_TOTAL = 2 * DENSE["conv1"] + 3 * DENSE["conv2"] + 3 * DENSE["dense"]
DONE_TOTAL = (
    DENSE["conv1"] * (6 / 10 + 1 / 4) + DENSE["conv2"] * (2 * 36 / 100 + 1 / 4) + 3 * DENSE["dense"]
)

PEAK = r"""
#include "vector.h"
extern "C" float peak(long n) {
    Vector s[12], x = fill(0.999f), y = fill(0.001f);
    for (int k = 0; k < 12; ++k) s[k] = fill(k);  // equal sums would be computed once
    for (long i = 0; i < n; ++i) unroll<12>([&](auto k) { s[k] = s[k] * x + y; });
    Vector total{};
    for (auto v : s) total += v;
    return sum(total);
}
extern "C" int lanes() { return L; }
"""


class Timed:
    """The table, a line at a time."""

    def __init__(self, repeats: int) -> None:
        self.repeats = repeats
        self.table = make_table(
            "<what", "native ms", "(median)", "PyTorch ms", "(median)", "ratio", "reach"
        )

    def pair(
        self, what: str, native: Work, other: Work, threads: int, reach: str, scale: float = 1
    ) -> tuple[float, float]:
        """Native and PyTorch at the same number of threads."""
        t = in_turns({"native": native, "torch": other}, {"torch": threads}, self.repeats)
        a, b = ([scale * 1e3 * x for x in t[k]] for k in ("native", "torch"))
        self.table.add_row(what, f"{min(a):.3f}", f"{median(a):.3f}", f"{min(b):.3f}",
                           f"{median(b):.3f}", f"{min(b) / min(a):.1f}×", reach)  # fmt: skip
        return min(a) / 1e3, min(b) / 1e3

    def one(self, what: str, found: list[float], reach: str, of: float | None = None) -> None:
        """One figure; as a share of `of` seconds if given."""
        ms = [1e3 * x for x in found]
        share = "" if of is None else f"{100 * min(found) / of:.0f} %"
        self.table.add_row(what, f"{min(ms):.3f}", f"{median(ms):.3f}", "", "", share, reach)


def torch_epoch(model: nn.Module, optimizer: torch.optim.Optimizer, data: Split) -> Work:
    """A tenth of an epoch as one writes it in PyTorch, images kept as tensors in memory."""
    images = data.images.unsqueeze(1).float().div(255)
    order = DataOrder(starter_stream(0), len(data))

    def work() -> None:
        for _ in range(STEPS):
            batch = order.take(64)
            optimizer.zero_grad()
            F.cross_entropy(model(images[batch]), data.labels[batch]).backward()
            optimizer.step()

    return work


def native_epoch(engine: NativeEngine, w: torch.Tensor, data: Split) -> Work:
    """The same work through the native engine, PyTorch's SGD on the flat vector."""
    parameter = w.clone().requires_grad_()
    parameter.grad = gradient = torch.zeros(SIZE)
    optimizer = torch.optim.SGD([parameter], lr=0.01, momentum=0.9)
    flat, order = parameter.detach(), DataOrder(starter_stream(0), len(data))

    def work() -> None:
        for _ in range(STEPS):
            engine.gradient(flat, order.take(64), gradient)
            optimizer.step()

    return work


def updates(gradient_seconds: float, timed: Timed) -> None:
    """PyTorch's optimizers on the flat vector, beside the gradient's time."""
    kinds: dict[str, tuple[Callable[..., torch.optim.Optimizer], dict[str, Any], str]] = {
        "SGD": (torch.optim.SGD, {}, "≤ 12 %"),
        "SGD, momentum": (torch.optim.SGD, {"momentum": 0.9}, "≤ 12 %"),
        "Adam (fused)": (torch.optim.Adam, {"fused": True}, "≤ 25 %"),
        "AdamW (fused)": (torch.optim.AdamW, {"fused": True}, "≤ 25 %"),
    }
    for name, (kind, settings, reach) in kinds.items():
        parameter = torch.zeros(SIZE, requires_grad=True)
        parameter.grad = torch.full((SIZE,), 1e-3)
        optimizer = kind([parameter], lr=1e-3, **settings)
        found = in_turns({"update": optimizer.step}, {}, timed.repeats)["update"]
        timed.one(f"update, {name}; share of the gradient at batch 64", found, reach,
                    gradient_seconds)  # fmt: skip


SIDE_BY_SIDE = """
import sys, torch
sys.path.insert(0, {folder!r})
torch.set_num_threads(1)
from engine import NativeEngine, block, initial_weights, load, native_epoch
data = load("train")
w = initial_weights(torch.Generator().manual_seed(0))
work = native_epoch(NativeEngine(data.images, data.labels, 1), w, data)
work()
print(10 * min(block(work, 10) for _ in range(6)))
"""


def side_by_side() -> list[float]:
    """Seconds of an epoch in each of two single-thread processes that run at the same time."""
    program = SIDE_BY_SIDE.format(folder=str(Path(__file__).parent))
    both = [subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
            for _ in range(2)]  # fmt: skip
    return [float(process.communicate()[0]) for process in both]


def peak() -> tuple[float, float]:
    """Multiply-adds a second from sums kept in registers: one core alone, two at the same time."""
    with tempfile.TemporaryDirectory() as scratch:
        source, library = Path(scratch, "peak.cpp"), Path(scratch, "peak.so")
        source.write_text(PEAK)
        flags = (*build.FLAGS, *build.INSTRUCTIONS[build.instruction_set()])
        command = [*build.compiler(), *flags, f"-I{build.FOLDER}", "-o", str(library), str(source)]
        subprocess.run(command, check=True)
        loaded = ctypes.CDLL(str(library))
    loaded.peak.restype, loaded.peak.argtypes = ctypes.c_float, [ctypes.c_long]
    n = 5_000_000

    def rate(workers: int) -> float:
        with ThreadPoolExecutor(workers) as pool:
            seconds = min(
                block(lambda: list(pool.map(loaded.peak, [n] * workers)), 1) for _ in range(15)
            )
        return float(workers * n * 12 * loaded.lanes() / seconds)

    return rate(1), rate(2)


def compiled(model: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> Work | str:
    """Loss and gradient by `torch.compile`, or why that cannot be had."""
    try:
        fast = torch.compile(model)
        F.cross_entropy(fast(images), labels).backward()
    except Exception as error:
        return f"{type(error).__name__}: {str(error).splitlines()[0]}"

    def work() -> None:
        model.zero_grad()
        F.cross_entropy(fast(images), labels).backward()

    return work


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--force", action="store_true", help="measure on a busy machine too")
    given = parser.parse_args()
    conditions = machine(parser, given.force)
    out = Console(width=130, highlight=False)
    out.print(conditions)

    data, test = load("train"), load("test")
    w = initial_weights(torch.Generator().manual_seed(0))
    model = LeNet5(w)
    timed = Timed(given.repeats)

    gradients = {}
    for threads, reach in ((2, "≥ 10×"), (1, "≥ 8×")):
        engine = NativeEngine(data.images, data.labels, threads)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
        timed.pair(
            f"epoch at batch 64, {threads} threads", native_epoch(engine, w, data),
            torch_epoch(model, optimizer, data), threads, reach, scale=938 / STEPS,
        )  # fmt: skip
    engine, g = NativeEngine(data.images, data.labels, 2), torch.empty(SIZE)
    for size, reach in ((64, ""), (256, "≥ 8×"), (1024, "≥ 10×")):
        batch = torch.randperm(60_000)[:size]
        images, labels = data.images[batch].unsqueeze(1).float() / 255, data.labels[batch]

        def eager(images: torch.Tensor = images, labels: torch.Tensor = labels) -> None:
            model.zero_grad()
            F.cross_entropy(model(images), labels).backward()

        gradients[size], _ = timed.pair(
            f"loss and gradient, batch {size}, 2 threads",
            partial(engine.gradient, w, batch, g), eager, 2, reach,
        )  # fmt: skip
        fast = compiled(model, images, labels) if size == 256 else ""
        if callable(fast):
            timed.pair(f"the same, torch.compile, batch {size}",
                       partial(engine.gradient, w, batch, g), fast, 2, "")  # fmt: skip
        elif fast:
            out.print(f"torch.compile is not to be had: {fast}", soft_wrap=True)
    tester = NativeEngine(test.images, test.labels, 2)
    pictures = test.images.unsqueeze(1).float() / 255

    def torch_evaluation() -> None:
        with torch.no_grad():
            scores = [logits(views(w), part) for part in pictures.split(64)]
        evaluate(torch.cat(scores), test.labels)

    timed.pair("evaluation of the 10,000 test images, 2 threads",
               lambda: evaluate(tester.logits(w), test.labels), torch_evaluation, 2,
               "≤ 40 ms")  # fmt: skip
    updates(gradients[64], timed)
    pair = side_by_side()
    timed.one("two single-thread processes side by side, an epoch, half of the slower",
                [max(pair) / 2], "≤ 350 ms")  # fmt: skip
    out.print(timed.table)

    one, two = peak()
    rate = DONE_TOTAL * 64 / gradients[64]
    out.print(
        f"peak, multiply-adds in registers: one core {2 * one / 1e9:.0f} GFLOP/s, two together "
        f"{2 * two / 1e9:.0f}\nan image: {2 * DENSE_TOTAL / 1e6:.2f} MFLOP by the layers' shapes, "
        f"{2 * DONE_TOTAL / 1e6:.2f} of them done in products; at batch 64 on two threads that is "
        f"{2 * rate / 1e9:.0f} GFLOP/s, {100 * rate / two:.0f} % of the peak"
    )


if __name__ == "__main__":
    main()
