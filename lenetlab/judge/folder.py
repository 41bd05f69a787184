"""A run folder of a stranger: its records, whole and of the shape that a run's have."""

import io
import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from lenetlab.errors import UserError
from lenetlab.judge.files import Unreadable, content_of
from lenetlab.problem.scenarios import SCENARIOS
from lenetlab.records import run_folder
from lenetlab.records.finished import ended
from lenetlab.records.recipe import RecordedRecipe

JSON = 4 * 2**20  # bytes; a curve with a thousand evaluations has half of it
# What only a run folder has; weights.safetensors may be anybody's.
MARKS = frozenset(
    (run_folder.RUN, run_folder.RESULT, run_folder.CURVE, run_folder.MACHINE, run_folder.LOSSES,
     run_folder.CHECKPOINT)
)  # fmt: skip


def is_run(path: Path) -> bool:
    """Whether `path` is a run folder, or what is left of one."""
    return any(os.path.lexists(path / name) for name in MARKS)


def read_folder(path: Path) -> tuple[dict[str, Any], "np.ndarray[Any, np.dtype[np.float32]]"]:
    """`identity`, `result`, `curve` and `machine` of the run, and the losses of its steps.

    Raises `Unreadable` for a folder that is not whole and for a run that did not end well.
    """
    identity = _json(path / run_folder.RUN)
    try:
        run_folder.check_format(path / run_folder.RUN, identity)
    except UserError as error:
        raise Unreadable(f"is no whole run folder: {error}") from None
    if not (_names_a_recipe(identity.get("recipe")) and isinstance(identity.get("numerics"), dict)):
        raise Unreadable("is no whole run folder: run.json names no recipe and numerics of a run")
    result = _json(path / run_folder.RESULT)
    if result.get("status") != "done":
        how = ended(str(result.get("status")), result.get("reason"))
        raise Unreadable(f"is a run that ended as {how}")
    found = {
        "identity": identity,
        "result": result,
        "curve": _json(path / run_folder.CURVE),
        "machine": _json(path / run_folder.MACHINE),
    }
    return found, _losses(path / run_folder.LOSSES)


def _names_a_recipe(recipe: Any) -> bool:
    """Whether its method and scenario can be told; the claims say what else is wrong with it."""
    if not isinstance(recipe, dict):
        return False
    try:
        told = {name: recipe[name] for name in ("method", "scenario") if name in recipe}
        return RecordedRecipe.read(told).scenario in SCENARIOS
    except UserError:
        return False


def _json(path: Path) -> dict[str, Any]:
    """The object in a JSON file; numbers that are none are refused with what is no JSON."""
    try:
        value = json.loads(_content(path, JSON), parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"is no whole run folder: {path.name} is broken ({error})") from None
    if not isinstance(value, dict):
        raise Unreadable(f"is no whole run folder: {path.name} holds no JSON object")
    return value


def _losses(path: Path) -> "np.ndarray[Any, np.dtype[np.float32]]":
    try:
        losses = np.lib.format.read_array(io.BytesIO(_content(path)), allow_pickle=False)
    except (ValueError, MemoryError, SyntaxError) as error:
        raise Unreadable(f"is no whole run folder: {path.name} is broken ({error})") from None
    if losses.dtype != np.float32 or losses.ndim != 1:
        raise Unreadable(f"is no whole run folder: {path.name} holds no list of float32 numbers")
    return losses


def _content(path: Path, limit: int | None = None) -> bytes:
    try:
        content = content_of(path)
    except Unreadable as error:
        raise Unreadable(f"is no whole run folder: {path.name} {error}") from None
    if limit is not None and len(content) > limit:
        raise Unreadable(f"is no whole run folder: {path.name} has more than {limit >> 20} MB")
    return content


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number")
