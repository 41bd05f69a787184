"""The starter script's training among single runs: which run it is, and what it prints of it."""

from collections.abc import Sequence
from dataclasses import replace

from lenetlab.records.run_folder import Run
from lenetlab.records.starter import RECIPE, SEED, test_line


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
    """The line with the device, and the last test line, as the script prints them."""
    return [f"Using {run.identity['numerics']['device']} device", test_line(run.evaluations[-1])]
