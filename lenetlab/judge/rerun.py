"""A run trained again, and its weights compared bit by bit."""

import tempfile
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from lenetlab.errors import UserError
from lenetlab.experiments.recipe.recipe import Recipe
from lenetlab.experiments.run.on_disk import execute
from lenetlab.experiments.run.repeat import numerics_differ, runtime_like
from lenetlab.experiments.run.runtime import Runtime
from lenetlab.experiments.run.training import Training
from lenetlab.judge.child import Recorded
from lenetlab.judge.claims import Claim, from_outside, recipe_of
from lenetlab.problem.model import flatten
from lenetlab.records import run_folder

WHAT = "trained again, it has the same bits"


class _Longer(Exception):
    """It goes on beyond the steps that were recorded."""


def rerun(found: Recorded, w: Tensor, data: Path | None) -> Claim | str:
    """The claim that `w` is what the run's recipe and seed give; or why that cannot be found out
    here: other numerics, or code from outside."""
    run = found.run
    if from_outside(run):
        return f"{run.recorded.method.name} is from outside, and its code would be run"
    try:
        recipe = recipe_of(run)
        if type(run.identity.get("seed")) is not int:
            return "its seed is no whole number"
        with tempfile.TemporaryDirectory(prefix="lenetlab-judge-") as scratch:
            runtime = runtime_like(run.identity["numerics"], data, Path(scratch))
            if other := numerics_differ(run.identity["numerics"], recipe, runtime):
                return f"the numerics differ here, {other}"
            return Claim(WHAT, _wrong(found, w, recipe, runtime))
    except UserError as error:
        return str(error)


def _wrong(found: Recorded, w: Tensor, recipe: Recipe, runtime: Runtime) -> str | None:
    """Train again; what is otherwise, None if nothing is."""
    run, recorded = found.run, len(found.losses)

    def stop(training: Training, loss: float) -> None:
        if training.steps > recorded:
            raise _Longer

    try:
        again = execute(recipe, run.seed, runtime, eval_at=[], on_step=stop)  # its end is measured
    except _Longer:
        return f"{recorded:,} steps are recorded, and its budget is not spent by them"
    if again.status != "done":
        return f"it ended as {again.status}: {again.result.reason}"
    other = flatten(load_file(again.path / run_folder.WEIGHTS))
    different = int((w.view(torch.int32) != other.view(torch.int32)).sum())
    if different:
        return f"{different:,} of {w.numel():,} weights differ"
    recorded_again, said = vars(again.result), vars(run.result)
    keys = [key for key in said if recorded_again[key] != said[key]]
    return f"the weights are equal, the records differ in {', '.join(keys)}" if keys else None
