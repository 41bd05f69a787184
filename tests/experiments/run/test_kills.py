"""SIGKILL at any moment: the run that is resumed ends with the uninterrupted bits."""

import random
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch

from lenetlab.experiments.recipe.recipe import make_recipe
from lenetlab.experiments.run.on_disk import execute
from lenetlab.records import run_folder
from tests.conftest import SmallRuntime
from tests.waiting import wait_until

# Keeps a bool mask, an int64 counter and a float64 sum, and draws from its own generator.
MIXED = """
import torch

class Mixed(torch.optim.Optimizer):
    def __init__(self, params, lr=0.05):
        super().__init__(params, {"lr": lr})
        self.rng = torch.Generator().manual_seed(7)

    @torch.no_grad()
    def step(self, closure):
        loss = closure()
        for group in self.param_groups:
            for p in group["params"]:
                s = self.state[p]
                if not s:
                    s["mask"] = torch.rand(p.shape, generator=self.rng) < 0.5
                    s["seen"] = torch.zeros(p.shape, dtype=torch.int64)
                    s["sum"] = torch.zeros(p.shape, dtype=torch.float64)
                s["seen"] += s["mask"]
                s["sum"] += p.grad.double() ** 2
                step = p.grad.double() / (s["sum"] / (1 + s["seen"])).sqrt().add(1e-3)
                p.sub_(torch.where(s["mask"], step, p.grad.double()).float(), alpha=group["lr"])
                s["mask"] ^= torch.rand(p.shape, generator=self.rng) < 0.1
        return loss
"""

PROGRAM = """
import sys
from functools import partial
from pathlib import Path
from tests.experiments.run.test_kills import compute

method, out, epochs = sys.argv[1:]
compute(method, Path(out), float(epochs), partial(print, "begun", flush=True))
"""

ROOT = Path(__file__).parents[3]
EXACT = (run_folder.RUN, run_folder.CURVE, run_folder.LOSSES, run_folder.WEIGHTS, run_folder.RESULT)


def compute(
    method: str, out: Path, epochs: float, begun: Callable[[], object] = lambda: None
) -> None:
    """The run, in this process, on one thread; `begun` is called when the data is there."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    runtime = SmallRuntime(out=out, device="cpu", save_every=0.05)
    runtime.load("official")
    begun()
    execute(make_recipe(method, epochs=epochs, schedule="cosine"), 0, runtime, eval_at=[])
    torch.set_num_threads(threads)


def live(method: str, out: Path, epochs: float, until: Callable[[], object] | None = None) -> float:
    """Compute the run, or a part of it: SIGKILL when `until` returns; the seconds it took."""
    command = [sys.executable, "-c", PROGRAM, method, str(out), str(epochs)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        begun = time.monotonic()
        if until is None:
            assert process.wait(600) == 0
        else:
            until()
            process.kill()
    return time.monotonic() - begun


def bits(out: Path) -> dict[str, bytes]:
    (path,) = out.iterdir()
    return {name: (path / name).read_bytes() for name in EXACT}


@pytest.fixture
def mixed(tmp_path) -> str:
    path = tmp_path / "mixed.py"
    path.write_text(MIXED)
    return f"{path}:Mixed"


def test_killed_once_it_ends_with_the_same_bits(tmp_path, mixed):
    def a_checkpoint_is_there():
        wait_until(
            lambda: list(killed.glob(f"*/{run_folder.CHECKPOINT}")), "a checkpoint", every=0.001
        )

    whole, killed = tmp_path / "whole", tmp_path / "killed"
    compute(mixed, whole, 4)
    live(mixed, killed, 4, a_checkpoint_is_there)
    (path,) = killed.iterdir()
    assert (path / run_folder.CHECKPOINT).exists()
    assert not (path / run_folder.RESULT).exists()
    compute(mixed, killed, 4)
    assert bits(killed) == bits(whole)


@pytest.mark.long
def test_killed_at_20_random_moments_it_ends_with_the_same_bits(tmp_path, mixed):
    """Every life is cut short at random and begins where the last checkpoint was."""
    chance = random.Random(2024)
    hits = 0
    for i, (method, epochs) in enumerate(
        [(mixed, 15), ("asgd", 40), ("rprop", 60), ("lbfgs", 60), ("adamw", 40)]
    ):
        whole, killed = tmp_path / f"whole{i}", tmp_path / f"killed{i}"
        seconds = live(method, whole, epochs)
        for _ in range(4):
            moment = chance.uniform(0, 0.3) * seconds
            live(method, killed, epochs, partial(time.sleep, moment))
            hits += not list(killed.glob("*/result.json"))
        live(method, killed, epochs)
        assert bits(killed) == bits(whole), method
    assert hits >= 15  # the rest hit a run that had just ended
