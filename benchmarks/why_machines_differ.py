"""Why two machines get different baselines: one thing changed at a time, 20 runs each.

    python benchmarks/why_machines_differ.py [--runs 20] [--epochs 10] [--to results/machines.json]

The starter script's recipe, by the native engine with one thread unless said. What is changed:

    seed             all that a seed decides: first weights, and the order of the data
    first weights    those of another seed; the order of seed 42
    order            that of another seed; the first weights of seed 42
    one bit          one weight of seed 42's first ones, by the least that float32 can tell
    instruction set  seed for seed, the same training by AVX2 instead of AVX-512 (or as it is said)
    PyTorch          seed for seed, by PyTorch's kernels instead of ours: three epochs
    threads          seed for seed, by PyTorch with two threads instead of one: three epochs

Printed and kept: mean and standard deviation of the test accuracy; for pairs, of their difference.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import torch

from lenetlab.disk import replace_json
from lenetlab.experiments.run.environment import machine
from lenetlab.experiments.run.in_memory import prepare
from lenetlab.experiments.run.runtime import Runtime
from lenetlab.experiments.run.training import Training
from lenetlab.experiments.starter.recipe import SEED, baseline_recipe

RESULTS = Path(__file__).parents[1] / "results" / "machines.json"
Change = Callable[[Training, int], None]


def accuracy(seed: int, epochs: float, runtime: Runtime, change: Change | None = None) -> float:
    """Test accuracy in percent of the baseline with `seed`, changed before its first step."""
    run = prepare(baseline_recipe(epochs), seed, runtime)
    training = run.training()
    if change is not None:
        change(training, seed)
    while training.position < epochs - 1e-9:
        training.step()
    return run.measure(training.eval_weights()).accuracy


def first_weights_of(runtime: Runtime, epochs: float, seed: int) -> torch.Tensor:
    """The weights that a seed begins with."""
    return prepare(baseline_recipe(epochs), seed, runtime).training().weights.w.clone()


def native(runs: int, epochs: float) -> dict[str, list[float]]:
    """What one process can do with the native engine."""
    runtime = Runtime(engine="native", device="cpu", threads=1)
    start = first_weights_of(runtime, epochs, SEED)
    seeds = range(SEED + 1, SEED + 1 + runs)

    def as_it_is(seed: int) -> float:
        return accuracy(seed, epochs, runtime)

    def order(seed: int) -> float:
        return accuracy(seed, epochs, runtime, lambda t, _: t.weights.w.copy_(start))

    def weights(seed: int) -> float:
        own = first_weights_of(runtime, epochs, seed)
        return accuracy(SEED, epochs, runtime, lambda t, _: t.weights.w.copy_(own))

    def one_bit(seed: int) -> float:
        def change(t: Training, _: int) -> None:
            w, i = t.weights.w, seed * 7919 % len(start)
            w[i] = torch.nextafter(w[i], torch.tensor(torch.inf))

        return accuracy(SEED, epochs, runtime, change)

    return {
        "baseline": [accuracy(SEED, epochs, runtime)],
        "seed": [as_it_is(seed) for seed in seeds],
        "first weights": [weights(seed) for seed in seeds],
        "order": [order(seed) for seed in seeds],
        "one bit": [one_bit(seed) for seed in seeds],
    }


def seeds_alone(engine: str, threads: int, runs: int, epochs: float) -> list[float]:
    """The baseline with other seeds, by an engine."""
    runtime = Runtime(engine=engine, device="cpu", threads=threads)
    return [accuracy(seed, epochs, runtime) for seed in range(SEED + 1, SEED + 1 + runs)]


def elsewhere(words: list[str], **environment: str) -> Any:
    """What this script prints as JSON in a process with another environment."""
    command = [sys.executable, __file__, *words]
    done = subprocess.run(
        command, env=os.environ | environment, stdout=subprocess.PIPE, check=True, text=True
    )
    return json.loads(done.stdout)


def spread(values: list[float]) -> dict[str, float | int]:
    """Mean, standard deviation, the least and the most."""
    return {"n": len(values), "mean": fmean(values), "sd": stdev(values),
            "least": min(values), "most": max(values)}  # fmt: skip


def differences(one: list[float], other: list[float]) -> dict[str, float | int]:
    """`spread` of what the second has more than the first, seed for seed."""
    return spread([b - a for a, b in zip(one, other, strict=True)])


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--epochs", type=float, default=10)
    parser.add_argument("--short", type=float, default=3, help="epochs of PyTorch's runs")
    parser.add_argument("--to", type=Path, default=RESULTS)
    parser.add_argument("--only", nargs=2, metavar=("ENGINE", "THREADS"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.only:
        engine, threads = given.only
        json.dump(seeds_alone(engine, int(threads), given.runs, given.epochs), sys.stdout)
        return
    words = ["--runs", str(given.runs), "--epochs"]
    found = native(given.runs, given.epochs)
    avx2 = elsewhere(
        [*words, str(given.epochs), "--only", "native", "1"], ATEN_CPU_CAPABILITY="avx2"
    )
    short = [*words, str(given.short), "--only"]
    ours, one, two = (elsewhere([*short, *which])
                      for which in (["native", "1"], ["torch", "1"], ["torch", "2"]))  # fmt: skip
    kept = {
        "epochs": given.epochs,
        "short": given.short,
        "baseline": found["baseline"][0],
        "spread": {name: spread(values) for name, values in found.items() if len(values) > 1},
        "pairs": {
            "instruction set": differences(found["seed"], avx2),
            "PyTorch": differences(ours, one),
            "threads": differences(one, two),
        },
        "machine": machine(
            prepare(baseline_recipe(1), SEED, Runtime(device="cpu", threads=1)).engine
        ),
    }
    for name, one_ in {**kept["spread"], **kept["pairs"]}.items():
        print(f"{name:16} mean {one_['mean']:+.2f}, sd {one_['sd']:.2f}, "
              f"{one_['least']:+.2f} to {one_['most']:+.2f} (n = {one_['n']})")  # fmt: skip
    replace_json(given.to, kept)


if __name__ == "__main__":
    main()
