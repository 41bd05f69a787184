"""A run trained again, and its weights compared bit by bit."""

import tempfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lenetlab import records
from lenetlab.errors import UserError
from lenetlab.experiments.bench import Bench
from lenetlab.experiments.environment import numerics
from lenetlab.experiments.execute import execute
from lenetlab.judge.claims import Claim, from_outside, recipe_of
from lenetlab.judge.weights import read_weights
from lenetlab.methods.registry import find
from lenetlab.methods.wrappers import find_wrapper
from lenetlab.problem.model import flatten

WHAT = "trained again, it has the same bits"


def rerun(run: records.Run, w: Tensor, data: Path | None) -> tuple[Claim | None, str]:
    """The claim that `w` is what the run's recipe and seed give, and a remark. There is no claim
    where the bits may differ for an honest reason: other numerics, or code from outside."""
    if from_outside(run):
        method = run.identity["recipe"]["method"][0]
        return None, f"not trained again: {method} is from outside, and its code would be run"
    said = run.identity["numerics"]
    try:
        recipe = recipe_of(run)
        with tempfile.TemporaryDirectory(prefix="lenetlab-judge-") as scratch:
            bench = Bench(data, Path(scratch), said["engine"], said["device"], said.get("threads"))
            if other := _differences(said, _numerics(recipe.method.name, recipe.wrappers, bench)):
                return None, f"not trained again: the numerics differ here, {other}"
            again = execute(recipe, run.seed, bench)
            if again.status != "done":
                return Claim(WHAT, f"it ended as {again.status}: {again.result['reason']}"), ""
            other_w = flatten(read_weights(again.path / records.WEIGHTS).named)
    except UserError as error:
        return None, f"not trained again: {error}"
    same = w.view(torch.int32) == other_w.view(torch.int32)
    different = int((~same).sum())
    wrong = f"{different:,} of {w.numel():,} weights differ" if different else None
    if wrong is None and again.result != run.result:
        keys = [key for key in again.result if again.result[key] != run.result.get(key)]
        wrong = f"the weights are equal, the records differ in {', '.join(keys)}"
    return Claim(WHAT, wrong), ""


def _numerics(method: str, wrappers: Any, bench: Bench) -> dict[str, Any]:
    """The numerics record of that run on this machine."""
    _, engine, _, _ = bench.load("official")
    record = numerics(find(method), engine, bench.where)
    if wrappers:
        record["wrapper_versions"] = [find_wrapper(c.name).version for c in wrappers]
    return record


def _differences(said: dict[str, Any], here: dict[str, Any]) -> str:
    keys = [key for key in sorted({*said, *here}) if said.get(key) != here.get(key)]
    return ", ".join(f"{key} {said.get(key)} there and {here.get(key)} here" for key in keys)
