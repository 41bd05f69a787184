"""The starter script's training among single runs: which run it is, and what it prints of it.

The lines are an assignment's required ones, word for word. They are made here again since what
reads results needs no torch; a test holds them equal to those of `lenetlab baseline`.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from lenetlab.records.recipe import RecordedRecipe
from lenetlab.records.run_folder import Run
from lenetlab.settings import Choice

# What `lenetlab baseline` trains, for however many epochs.
RECIPE = RecordedRecipe(Choice("sgd", {"lr": 0.001}))
SEED = 42  # the script's


def baseline_of(runs: Sequence[Run]) -> Run | None:
    """The run of `lenetlab baseline` among `runs`, None without one: the longest that has a
    result, and of those the script's seed first, then the least."""
    found = [run for run in runs if run.status == "done" and is_baseline(run) and _counted(run)]
    return min(found, key=lambda run: (-run.recorded.budget[1], run.seed != SEED, run.seed),
               default=None)  # fmt: skip


def is_baseline(run: Run) -> bool:
    """Whether its recipe is the script's, but for the number of epochs, and PyTorch computed it as
    it does the script: another engine has other last digits."""
    recorded, engine = run.recorded, run.identity["numerics"]["engine"]
    whole = replace(recorded, budget=RECIPE.budget) == RECIPE
    return whole and recorded.budget[0] == "epochs" and engine == "torch"


def _counted(run: Run) -> bool:
    """Whether its last evaluation has what the script prints."""
    return bool(run.evaluations) and {"correct", "images"} <= run.evaluations[-1].keys()


def printed(run: Run) -> list[str]:
    """The line with the device, and the last test line, as the script prints them (its percentage
    is float32 arithmetic)."""
    last = run.evaluations[-1]
    correct, n = last["correct"], last["images"]
    percent = float(np.float32(100 * correct) / np.float32(n))
    gap = " " * 10  # a line continuation inside the script's string
    return [
        f"Using {run.identity['numerics']['device']} device",
        f"Test set: Average loss: {last['starter_average_loss']}, {gap}"
        f"Accuracy: {correct}/{n} ({percent}%)",
    ]
