"""A guest's run trained again, by sources that came with it: they run in a process of their own.

On a machine with the same numerics it must have the same bits. On another the bits differ, and in a
few hundred steps so do the weights; but the run begins at the same weights and sees the same
batches, so that its first losses are the same to rounding. Another seed, recipe or optimizer is
seen there. Numerics that differ in more than the machine and the versions of packages are those of
another guest. One that says that it is not deterministic begins at the same weights, and no more.
"""

import json
import os
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
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
from lenetlab.experiments.study.run_ids import OF_MACHINE
from lenetlab.experiments.study.single_search import search_cell
from lenetlab.experiments.tuning.trials import Tuning
from lenetlab.judge.child import Losses, Recorded, open_net
from lenetlab.judge.claims import Claim
from lenetlab.judge.rerun import WHAT, different_bits
from lenetlab.methods.installed import import_all
from lenetlab.records import run_folder
from lenetlab.records.contest import CellKey
from lenetlab.records.finished import Result, ended
from lenetlab.records.numerics import numerics_differ

FIRST = 1e-5  # relative: the loss at the initial weights, between two seeds some 1e-3
STEPS, LATER = 10, 1e-3  # how many losses are compared, and how closely the last of them
# Of the numerics: what another machine has otherwise, where the recorded engine may not be to be
# had; and what the versions of packages are in, which are named apart.
ELSEWHERE = frozenset((*OF_MACHINE, "engine", "device"))
OF_PACKAGES = frozenset(("source_sha256", "plug_ins"))
OWN = "its numerics are those of this guest and of this lenetlab, but for machine and packages"


@dataclass(frozen=True)
class Compared:
    """What came of it. same : the claim of equal bits, where they can be equal, or that the
    numerics are the guest's. Else `accuracy` is what it ended at and `other_beginning` how its
    first losses differ, None if they do not. reason : why bits are not compared, or why it was not
    trained. place : where its cell stands, by its own words; None if it was not trained. trials :
    the recipes that its search draws, canonical."""

    place: CellKey | None = None
    trials: Sequence[Any] = ()
    same: Claim | None = None
    accuracy: float | None = None
    other_beginning: str | None = None
    reason: str = ""


@dataclass(frozen=True)
class Search:
    """By what trials are drawn: the study that was challenged, what was given, how many.
    packages : the versions that the guest was computed with."""

    study: str
    method: str
    scenario: str
    tune: Tuning
    settings: Mapping[str, Any]
    packages: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Trained:
    place: CellKey
    trials: Sequence[Any]
    identity: dict[str, Any]
    result: Result
    losses: Losses
    weights: Losses | None


def compared(
    found: Recorded, search: Search, data: Path | None, limit: float | None = None
) -> Compared:
    """Train the run again, for at most `limit` seconds, and compare it with what was recorded.
    Methods are looked for in the present folder. Raises `Unreadable` for weights that are none."""
    try:
        again = _by_itself(found.run.identity, search, data, limit)
    except (UserError, TaskError, WorkerDied, OverLimit) as error:
        return Compared(reason=str(error))
    if again.result.accuracy is None:
        how = ended(again.result.status, again.result.reason)
        return Compared(reason=f"it ended as {how}")
    said, here = found.run.identity["numerics"], again.identity["numerics"]
    packages = _other_packages(search.packages)
    if changed := _differ(said, here, ELSEWHERE | (OF_PACKAGES if packages else frozenset())):
        return Compared(again.place, again.trials, Claim(OWN, changed))
    free = here.get("deterministic") is False
    if why := list(_not_comparable(said, here, packages, free)):
        beginning = _other_beginning(found.losses, again.losses, 1 if free else STEPS)
        accuracy, reason = again.result.accuracy, "; ".join(why)
        return Compared(again.place, again.trials, None, accuracy, beginning, reason)
    recorded = open_net(found.run.path / run_folder.WEIGHTS).w
    return Compared(again.place, again.trials, Claim(WHAT, _wrong(found, again, recorded)))


def _not_comparable(
    said: Mapping[str, Any], here: Mapping[str, Any], packages: str, free: bool
) -> Iterator[str]:
    """Why bits are not to be compared; nothing where they are."""
    if how := ", ".join(filter(None, (packages, _differ(said, here, OF_PACKAGES)))):
        yield f"the numerics differ here, {how}"
    if free:
        yield "the guest is not deterministic, as it says itself"


def _differ(said: Mapping[str, Any], here: Mapping[str, Any], but: Collection[str]) -> str:
    """How numerics differ, `but` for what may."""
    kept = [{key: value for key, value in one.items() if key not in but} for one in (said, here)]
    return numerics_differ(*kept)


def _other_packages(said: Mapping[str, str]) -> str:
    """Which packages have other versions here."""
    here = {name: _version(name) for name in said}
    return numerics_differ(said, here)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _wrong(found: Recorded, again: _Trained, recorded: Tensor | None) -> str | None:
    """How the bits differ."""
    if again.identity["id"] != found.run.identity["id"]:
        return f"it is run {again.identity['id']} by what it is made of"
    if recorded is None or again.weights is None:
        return "there are no weights to compare"
    return different_bits(recorded, found.run.result, torch.from_numpy(again.weights), again.result)


def _other_beginning(said: Losses, again: Losses, steps: int) -> str | None:
    n = min(len(said), len(again), steps)
    if n == 0:
        return "no loss of a step is recorded"
    apart = np.abs(said[:n] - again[:n]) / np.abs(again[:n])
    if not (apart[0] <= FIRST and (apart <= LATER).all()):
        step = int(np.argmax(apart > FIRST)) if apart[0] > FIRST else int(np.argmax(apart > LATER))
        return f"at step {step + 1} it is {again[step]:.6f}, and {said[step]:.6f} is recorded"
    return None


def _by_itself(
    identity: dict[str, Any], search: Search, data: Path | None, limit: float | None
) -> _Trained:
    """Trained in a process of its own, so that what ends it ends no other training."""
    worker = Worker(_work, _runtime(identity["numerics"], data))
    try:
        worker.compute(None, None)  # the data and our own code are no part of a training
        found: _Trained = worker.compute((identity, search), limit)
        return found
    finally:
        worker.end()


def _work(order: tuple[dict[str, Any], Search] | None, runtime: Runtime) -> _Trained | None:
    """What the process does: loads the data and all methods of ours, or trains."""
    if order is None:
        runtime.load("official")
        import_all()
        return None
    # The guest's folder stays as it was handed in, and what runs is its sources.
    sys.dont_write_bytecode, sys.pycache_prefix = True, os.devnull
    return _train(*order, runtime)


def _train(identity: dict[str, Any], search: Search, runtime: Runtime) -> _Trained:
    cell = search_cell(search.method, search.scenario, search.tune, search.settings)
    trials = [recipe.canonical() for recipe in trial_recipes(search.study, cell)]
    recipe = recall(identity["recipe"])
    found = compute(recipe, int(identity["seed"]), runtime, eval_at=[])
    weights = None if found.weights is None else found.weights.cpu().numpy()
    drawn = json.loads(json.dumps(trials))
    return _Trained(cell.place, drawn, found.identity, found.result, found.losses, weights)


def _runtime(said: dict[str, Any], data: Path | None) -> Runtime:
    """Like the one that the numerics name; the best that there is where that is not to be had."""
    try:
        return runtime_like(said, data, Path("unused"))
    except UserError:
        return Runtime(data, Path("unused"))
