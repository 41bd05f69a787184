"""A run trained again, and its weights and record compared bit by bit."""

import tempfile
from pathlib import Path

import torch
from torch import Tensor

from lenetlab.errors import UserError
from lenetlab.experiments.recipe.recipe import Recipe
from lenetlab.experiments.run.on_disk import execute
from lenetlab.experiments.run.repeat import numerics_differ, numerics_here, runtime_like
from lenetlab.experiments.run.runtime import Runtime
from lenetlab.experiments.run.training import Training
from lenetlab.judge.child import Recorded
from lenetlab.judge.claims import Claim, from_outside, recipe_of
from lenetlab.problem.model import read_weights
from lenetlab.records import run_folder
from lenetlab.records.finished import Result, ended

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
            said = run.identity["numerics"]
            runtime = runtime_like(said, data, Path(scratch))
            if other := numerics_differ(said, numerics_here(recipe, runtime)):
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
        return f"it ended as {ended(again.status, again.result.reason)}"
    weights = read_weights(again.path / run_folder.WEIGHTS)
    return different_bits(w, run.result, weights, again.result)


def different_bits(w: Tensor, said: Result, again: Tensor, result: Result) -> str | None:
    """How the weights and figures of a run trained again differ from those recorded, `w` and
    `said`; None if they do not, in any bit."""
    if different := int((w.view(torch.int32) != again.view(torch.int32)).sum()):
        return f"{different:,} of {w.numel():,} weights differ"
    keys = [key for key, value in vars(said).items() if value != getattr(result, key)]
    return f"the weights are equal, the records differ in {', '.join(keys)}" if keys else None
