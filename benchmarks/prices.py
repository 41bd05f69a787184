"""What the ledger charges for an answer, against the time it takes.

    python benchmarks/prices.py [--batch 500] [--repeats 7] [--threads 1] [--force]

Every kind of answer and the gradient of the same batch by the same engine are timed in turn, in
blocks of at least 0.3 s; printed is the ratio of the minimums, per example, beside the ledger's
price. The prices are the native engine's, which computes every product from the start.
"""

import argparse
from statistics import median

from lenetlab.openmp import wait_briefly

wait_briefly()

import torch
from timing import Work, in_turns, machine
from torch import Tensor

from lenetlab.oracle.engine import Engine
from lenetlab.oracle.ledger import COST
from lenetlab.oracle.native_engine import NativeEngine
from lenetlab.oracle.oracle import Batch, Oracle
from lenetlab.oracle.order import DataOrder
from lenetlab.oracle.torch_engine import TorchEngine
from lenetlab.oracle.weights import Weights
from lenetlab.problem.data import load
from lenetlab.problem.model import SIZE, initial_weights


def oracle(engine: Engine, n: int) -> Oracle:
    """An oracle at initial weights, batches of any size."""
    rng = torch.Generator().manual_seed(0)
    return Oracle(engine, Weights(initial_weights(rng)), DataOrder(rng, n), lambda: 64, rng)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=500)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--force", action="store_true", help="measure on a busy machine too")
    args = parser.parse_args()
    print(f"{machine(parser, args.force)}; batch {args.batch}, {args.threads} threads")

    data = load("train")
    by_torch = oracle(TorchEngine(data, torch.device("cpu")), len(data))
    native = oracle(NativeEngine(data.images, data.labels, args.threads), len(data))
    batch = by_torch.sample(args.batch)
    v = torch.randn(SIZE)
    print(f"{'answer':<28}{'charged':>8}{'takes':>8}{'(median)':>10}")
    for name, asked in {"native": native, "PyTorch": by_torch}.items():
        works = answers(asked, batch, v)
        found = in_turns(works, dict.fromkeys(works, args.threads), args.repeats)
        print(name)
        for kind, seconds in found.items():
            show(kind, seconds, found["gradients"])


def answers(oracle: Oracle, batch: Batch, v: Tensor) -> dict[str, Work]:
    """One question of every kind; a product includes its operator."""
    return {
        "gradients": lambda: oracle.gradient(batch),
        "forwards": lambda: oracle.value(batch),
        "hessian_products": lambda: oracle.hessian(batch) @ v,
        "gauss_newton_products": lambda: oracle.ggn(batch) @ v,
        "per_example_gradients": lambda: oracle.per_example_gradients(batch),
        "gradients, drawn labels": lambda: oracle.sampled_gradient(batch),
        "layers": lambda: oracle.layers(batch),
        "layers, norms": lambda: oracle.per_example_norms(batch),
    }


def show(name: str, seconds: list[float], gradient: list[float]) -> None:
    """One line: the price, the ratio of the minimums, that of the medians."""
    price = COST[name.partition(",")[0]]
    least, middle = min(seconds) / min(gradient), median(seconds) / median(gradient)
    print(f"{name:<28}{price:>8.2f}{least:>8.2f}{middle:>10.2f}")


if __name__ == "__main__":
    main()
