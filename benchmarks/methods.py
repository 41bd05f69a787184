"""What a step of every method costs, relative to one gradient, and what the method remembers.

    python benchmarks/methods.py [soap …] [--threads 2] [--repeats 7] [--json FILE] [--force]

For each method a whole step (batch, question, update, schedule, loop's checks) and a gradient alone
(batch and question), both at batch 64 through the native engine, PyTorch on one thread, are
timed in turn in blocks of at least 0.3 s; a block of steps is a multiple of 60, so that what is
done every second, fifth, tenth or twentieth step is averaged in. Printed are minimum and median
over the repeats, and the state in bytes and in vectors of 44,426 numbers. A method whose default
batch is another is stepped at 64 all the same; if it cannot be, its line says why. On a busy
machine nothing is measured.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

from lenetlab.openmp import wait_briefly

wait_briefly()

import torch
from rich.console import Console
from timing import in_turns, machine

from lenetlab.cli.terminal.console import make_table
from lenetlab.errors import UserError
from lenetlab.experiments.recipe.recipe import make_recipe
from lenetlab.experiments.run.training import Diverged, StepError, Training
from lenetlab.methods.lookup import find
from lenetlab.methods.registry import methods
from lenetlab.methods.state import capture
from lenetlab.oracle.native_engine import NativeEngine
from lenetlab.oracle.torch_engine import TorchEngine
from lenetlab.problem.data import load
from lenetlab.problem.model import SIZE

BATCH = 64
THREADS = 2  # of the engine, where the pages of methods quote it
STEPS = 60  # whole periods of every method's refreshes
CPU = torch.device("cpu")


def state_bytes(tree: Any) -> int:
    """Bytes of the tensors in a captured state, shared memory counted once."""
    storages = {t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in tensors(tree)}
    return sum(storages.values())


def tensors(tree: Any) -> Iterator[torch.Tensor]:
    """All tensors in a tree of lists and dictionaries."""
    if isinstance(tree, torch.Tensor):
        yield tree
    elif isinstance(tree, dict | list | tuple):
        for part in tree.values() if isinstance(tree, dict) else tree:
            yield from tensors(part)


class StepTimer:
    """Trainings at batch 64 that share data and engine."""

    def __init__(self, repeats: int, threads: int) -> None:
        self.repeats = repeats
        self.data = load("train")
        self.engine = NativeEngine(self.data.images, self.data.labels, threads)
        self.model = TorchEngine(self.data, CPU)

    def training(self, name: str) -> Training:
        """`name` with its registered defaults, for as long as it is asked to."""
        recipe = make_recipe(name, batch_size=BATCH, epochs=1e6)
        return Training(recipe, 0, len(self.data), self.engine, CPU, self.model)

    def measure(self, name: str) -> dict[str, Any]:
        """The line of a method in the JSON file, but for what all lines share."""
        stepped, oracle = self.training(name), self.training("sgd").oracle

        def steps() -> None:
            for _ in range(STEPS):
                stepped.step()

        def gradient() -> None:
            oracle.next_step()
            oracle()

        found = in_turns({"gradient": gradient, "steps": steps}, {}, self.repeats)
        step, alone = [t / STEPS for t in found["steps"]], found["gradient"]
        return {
            "ratio_min": min(step) / min(alone),
            "ratio_median": median(step) / median(alone),
            "step_ms": 1e3 * min(step),
            "gradient_ms": 1e3 * min(alone),
            "state_bytes": state_bytes(capture(stepped.optimizer)),
        }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("methods", nargs="*", help="names; all registered methods if none is given")
    parser.add_argument("--threads", type=int, default=THREADS, help="of the engine")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--json", type=Path, help="write, or add to, results/cost.json")
    parser.add_argument("--force", action="store_true", help="measure on a busy machine too")
    given = parser.parse_args()
    try:
        names = [find(name).name for name in given.methods] or list(methods())
    except UserError as error:
        parser.error(str(error))
    if given.json and given.threads != THREADS:
        parser.error(f"--json keeps what {THREADS} threads take; leave out --threads")
    conditions = machine(parser, given.force)
    out = Console(width=110, highlight=False)
    out.print(conditions)
    table = make_table(
        "<method", "step/gradient", "(median)", "step ms", "gradient ms", "bytes", "vectors"
    )
    timer, lines = StepTimer(given.repeats, given.threads), {}
    for name in names:
        try:
            line = timer.measure(name)
        except (Diverged, StepError, UserError) as error:
            lines[name] = {"failed": str(error), "batch": BATCH, "conditions": conditions}
            table.add_row(name, "failed", str(error)[:60])
            continue
        lines[name] = line | {"batch": BATCH, "conditions": conditions}
        size = line["state_bytes"]
        table.add_row(name, f"{line['ratio_min']:.2f}", f"{line['ratio_median']:.2f}",
                      f"{line['step_ms']:.3f}", f"{line['gradient_ms']:.3f}", f"{size:,}",
                      f"{size / (4 * SIZE):.1f}")  # fmt: skip
        print(f"{name} done", file=sys.stderr)
    out.print(table)
    if given.json:
        known = json.loads(given.json.read_text()) if given.json.exists() else {}
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(json.dumps(known | lines, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
