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

The same for a rate at which ten epochs suffice, 0.1: seed, one bit, and instruction set.

Printed and kept: mean and standard deviation of the test accuracy; for pairs, of their difference.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import torch

from lenetlab.disk import replace_json
from lenetlab.experiments.recipe.recipe import Recipe, make_recipe
from lenetlab.experiments.run.environment import machine
from lenetlab.experiments.run.in_memory import prepare
from lenetlab.experiments.run.runtime import Runtime
from lenetlab.experiments.run.training import Training
from lenetlab.experiments.starter.recipe import baseline_recipe
from lenetlab.records.starter import SEED

RESULTS = Path(__file__).parents[1] / "results" / "machines.json"
LARGER = 0.1  # a learning rate
Change = Callable[[Training], object]


def larger_rate(epochs: float) -> Recipe:
    """The baseline with a larger rate."""
    return make_recipe("sgd", {"lr": LARGER}, epochs=epochs, batch_size=64)


RECIPES = {"starter": baseline_recipe, "larger": larger_rate}


def accuracy(recipe: Recipe, seed: int, runtime: Runtime, change: Change | None = None) -> float:
    """Test accuracy in percent of `recipe` with `seed`, changed before its first step."""
    run = prepare(recipe, seed, runtime)
    training = run.training()
    if change is not None:
        change(training)
    while training.position < recipe.budget.amount - 1e-9:
        training.step()
    return run.measure(training.eval_weights()).accuracy


def one_bit(training: Training, which: int) -> None:
    """Change one weight by the least that float32 can tell."""
    w, i = training.weights.w, which * 7919 % len(training.weights.w)
    w[i] = torch.nextafter(w[i], torch.tensor(torch.inf))


def first_weights_of(runtime: Runtime, epochs: float, seed: int) -> torch.Tensor:
    """The weights that a seed begins with."""
    return prepare(baseline_recipe(epochs), seed, runtime).training().weights.w.clone()


def native(runs: int, epochs: float) -> dict[str, list[float]]:
    """What one process can do with the native engine, for the starter's recipe."""
    runtime, recipe = Runtime(engine="native", device="cpu", threads=1), baseline_recipe(epochs)
    start = first_weights_of(runtime, epochs, SEED)
    seeds = range(SEED + 1, SEED + 1 + runs)

    def order(seed: int) -> float:
        return accuracy(recipe, seed, runtime, lambda t: t.weights.w.copy_(start))

    def weights(seed: int) -> float:
        own = first_weights_of(runtime, epochs, seed)
        return accuracy(recipe, SEED, runtime, lambda t: t.weights.w.copy_(own))

    return {
        "baseline": [accuracy(recipe, SEED, runtime)],
        "seed": [accuracy(recipe, seed, runtime) for seed in seeds],
        "first weights": [weights(seed) for seed in seeds],
        "order": [order(seed) for seed in seeds],
        "one bit": bits(recipe, runs, runtime),
    }


def bits(recipe: Recipe, runs: int, runtime: Runtime) -> list[float]:
    """Seed 42 with one bit changed, another in every run."""
    return [
        accuracy(recipe, SEED, runtime, partial(one_bit, which=which))
        for which in range(SEED + 1, SEED + 1 + runs)
    ]


def seeds_alone(recipe: Recipe, engine: str, threads: int, runs: int) -> list[float]:
    """A recipe with other seeds, by an engine."""
    runtime = Runtime(engine=engine, device="cpu", threads=threads)
    return [accuracy(recipe, seed, runtime) for seed in range(SEED + 1, SEED + 1 + runs)]


def at_a_larger_rate(runs: int, epochs: float, avx2: list[float]) -> dict[str, Any]:
    """Spreads and differences where ten epochs are enough to fit the data; `avx2` seed for seed."""
    recipe, runtime = larger_rate(epochs), Runtime(engine="native", device="cpu", threads=1)
    seeds = seeds_alone(recipe, "native", 1, runs)
    return {
        "rate": LARGER,
        "spread": {"seed": spread(seeds), "one bit": spread(bits(recipe, runs, runtime))},
        "pairs": {"instruction set": differences(seeds, avx2)},
    }


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
    parser.add_argument("--only", nargs=3, metavar=("RECIPE", "ENGINE", "THREADS"),
                        help=argparse.SUPPRESS)  # fmt: skip
    given = parser.parse_args()
    if given.only:
        recipe, engine, threads = given.only
        whole = RECIPES[recipe](given.epochs)
        json.dump(seeds_alone(whole, engine, int(threads), given.runs), sys.stdout)
        return
    words = ["--runs", str(given.runs), "--epochs"]
    found = native(given.runs, given.epochs)
    avx2, larger = (
        elsewhere([*words, str(given.epochs), "--only", recipe, "native", "1"],
                  ATEN_CPU_CAPABILITY="avx2")
        for recipe in RECIPES
    )  # fmt: skip
    short = [*words, str(given.short), "--only", "starter"]
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
        "larger": at_a_larger_rate(given.runs, given.epochs, larger),
        "machine": machine(
            prepare(baseline_recipe(1), SEED, Runtime(device="cpu", threads=1)).engine
        ),
    }
    for part, said in ((kept, ""), (kept["larger"], f", at a rate of {LARGER}")):
        for name, figures in {**part["spread"], **part["pairs"]}.items():
            print(f"{name:16} mean {figures['mean']:+.2f}, sd {figures['sd']:.2f}, "
                  f"{figures['least']:+.2f} to {figures['most']:+.2f} "
                  f"(n = {figures['n']}){said}")  # fmt: skip
    replace_json(given.to, kept)


if __name__ == "__main__":
    main()
