"""A run trained again, and its weights and record compared bit by bit."""

from pathlib import Path

import torch
from torch import Tensor

from lenetlab.errors import UserError
from lenetlab.experiments.run.repeat import repeated_run
from lenetlab.experiments.run.training import Training
from lenetlab.judge.child import Recorded
from lenetlab.judge.claims import Claim, recipe_of
from lenetlab.problem.model import read_weights
from lenetlab.records import run_folder
from lenetlab.records.finished import Result, ended

WHAT = "trained again, it has the same bits"


class _Longer(Exception):
    """It goes on beyond the steps that were recorded."""


def rerun(found: Recorded, w: Tensor, data: Path | None) -> Claim | str:
    """The claim that `w` is what the run's recipe and seed give; or why that cannot be found out
    here: other numerics, or code from outside."""
    run, recorded = found.run, len(found.losses)
    if run.recorded.from_outside:
        return f"{run.recorded.method.name} is from outside, and its code would be run"

    def stop(training: Training, loss: float) -> None:
        if training.steps > recorded:
            raise _Longer

    try:
        recipe = recipe_of(run)
        if type(run.identity.get("seed")) is not int:
            return "its seed is no whole number"
        with repeated_run(run, recipe, data, stop) as again:
            return Claim(WHAT, _wrong(run, w, again))
    except _Longer:
        wrong = f"{recorded:,} steps are recorded, and its budget is not spent by them"
        return Claim(WHAT, wrong)
    except UserError as error:
        return str(error)


def _wrong(run: run_folder.Run, w: Tensor, again: run_folder.Run) -> str | None:
    """What is otherwise in the run trained `again`, None if nothing is."""
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
