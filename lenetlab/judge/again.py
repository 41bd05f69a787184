"""A guest's run trained again, by sources that came with it: they run in a process of their own.

On a machine with the same numerics it must have the same bits. On another the bits differ, and in a
few hundred steps so do the weights; but the run begins at the same weights and sees the same
batches, so that its first losses are the same to rounding. Another seed, recipe or optimizer is
seen there.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lenetlab.errors import UserError
from lenetlab.experiments.recipe.recall import recall
from lenetlab.experiments.run.in_memory import compute
from lenetlab.experiments.run.repeat import runtime_like
from lenetlab.experiments.run.runtime import Runtime
from lenetlab.experiments.study.executors import OverLimit, TaskError, WorkerDied
from lenetlab.experiments.study.executors.local import Worker
from lenetlab.experiments.study.model import trial_recipes
from lenetlab.experiments.study.single_search import search_cell
from lenetlab.experiments.tuning.trials import Tuning
from lenetlab.judge.child import Losses, Recorded, open_net
from lenetlab.judge.claims import Claim
from lenetlab.judge.rerun import WHAT, different_bits
from lenetlab.records import run_folder
from lenetlab.records.finished import Result, ended
from lenetlab.records.numerics import numerics_differ

FIRST = 1e-5  # relative: the loss at the initial weights, between two seeds some 1e-3
STEPS, LATER = 10, 1e-3  # how many losses are compared, and how closely the last of them


@dataclass(frozen=True)
class Compared:
    """What came of it. same : the claim of equal bits, where the numerics are equal. Else
    `accuracy` is what it ended at and `other_beginning` how its first losses differ, None if they
    do not. reason : how the numerics differ, or why it was not trained. trials : the recipes that
    its search draws, canonical."""

    trials: Sequence[Any] = ()
    same: Claim | None = None
    accuracy: float | None = None
    other_beginning: str | None = None
    reason: str = ""


@dataclass(frozen=True)
class Search:
    """By what trials are drawn: the study that was challenged, what was given, how many."""

    study: str
    method: str
    scenario: str
    tune: Tuning
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class _Trained:
    trials: Sequence[Any]
    identity: dict[str, Any]
    result: Result
    losses: Losses
    weights: Losses | None


@contextmanager
def process(data: Path | None) -> Iterator[Worker]:
    """A process that trains, in the present folder, in which methods are looked for."""
    worker = Worker(_train, data)
    try:
        yield worker
    finally:
        worker.end()


def compared(
    found: Recorded, path: Path, search: Search, worker: Worker, limit: float | None = None
) -> Compared:
    """Train the run again, for at most `limit` seconds, and compare it with what is in `path`.
    Raises `Unreadable` for weights that are none."""
    try:
        again: _Trained = worker.compute((found.run.identity, search), limit)
    except (UserError, TaskError, WorkerDied, OverLimit) as error:
        return Compared(reason=str(error))
    if again.result.accuracy is None:
        how = ended(again.result.status, again.result.reason)
        return Compared(reason=f"it ended as {how}")
    if how := numerics_differ(found.run.identity["numerics"], again.identity["numerics"]):
        beginning = _other_beginning(found.losses, again.losses)
        return Compared(again.trials, None, again.result.accuracy, beginning, how)
    recorded = open_net(path / run_folder.WEIGHTS).w
    return Compared(again.trials, Claim(WHAT, _wrong(found, again, recorded)))


def _wrong(found: Recorded, again: _Trained, recorded: Tensor | None) -> str | None:
    """How the bits differ."""
    if again.identity["id"] != found.run.identity["id"]:
        return f"it is run {again.identity['id']} by what it is made of"
    if recorded is None or again.weights is None:
        return "there are no weights to compare"
    return different_bits(recorded, found.run.result, torch.from_numpy(again.weights), again.result)


def _other_beginning(said: Losses, again: Losses) -> str | None:
    n = min(len(said), len(again), STEPS)
    if n == 0:
        return "no loss of a step is recorded"
    apart = np.abs(said[:n] - again[:n]) / np.abs(again[:n])
    if not (apart[0] <= FIRST and (apart <= LATER).all()):
        step = int(np.argmax(apart > FIRST)) if apart[0] > FIRST else int(np.argmax(apart > LATER))
        return f"at step {step + 1} it is {again[step]:.6f}, and {said[step]:.6f} is recorded"
    return None


def _train(order: tuple[dict[str, Any], Search], data: Path | None) -> _Trained:
    """What the process does."""
    identity, search = order
    cell = search_cell(search.method, search.scenario, search.tune, search.settings)
    trials = [recipe.canonical() for recipe in trial_recipes(search.study, cell)]
    recipe = recall(identity["recipe"])
    found = compute(recipe, int(identity["seed"]), _runtime(identity["numerics"], data), eval_at=[])
    weights = None if found.weights is None else found.weights.cpu().numpy()
    return _Trained(
        json.loads(json.dumps(trials)), found.identity, found.result, found.losses, weights
    )


def _runtime(said: dict[str, Any], data: Path | None) -> Runtime:
    """Like the one that the numerics name; the best that there is where that is not to be had."""
    try:
        return runtime_like(said, data, Path("unused"))
    except UserError:
        return Runtime(data, Path("unused"))
