"""The identity of a run: a hash of everything that decides its bits."""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

import torch

from lenetlab.experiments.recipe import batch_plans, schedules
from lenetlab.experiments.recipe.recipe import Recipe
from lenetlab.experiments.run.environment import numerics
from lenetlab.experiments.run.versions import changed_parts, changed_prices
from lenetlab.methods.constraint import find_constraint
from lenetlab.methods.registry import find
from lenetlab.methods.wrappers import find_wrapper
from lenetlab.oracle.engine import Engine
from lenetlab.problem.augmentation import VERSION as AUGMENTATION_VERSION
from lenetlab.records import run_folder


def identify(recipe: Recipe, seed: int, checksum: str, record: dict[str, Any]) -> dict[str, Any]:
    """What run.json holds; its `id` is the hash of everything that decides the bits."""
    decisive = {
        "recipe": recipe.canonical(),
        "seed": seed,
        "data": checksum,
        "numerics": record,
    }
    return {
        "format": run_folder.FORMAT,
        "id": digest(decisive),
        "label": recipe.label(),
        **decisive,
    }


def digest(decisive: dict[str, Any]) -> str:
    """The identity of a run, from the fields that decide its bits."""
    text = json.dumps(decisive, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def numerics_of(recipe: Recipe, engine: Engine, device: torch.device) -> dict[str, Any]:
    """The numerics record of a recipe: by what it is computed and charged, in which versions.

    The only place that makes one, for `run`, studies and the judge. What came to be recorded later
    is left out where it is as it was before, so that old names stay.
    """
    record = numerics(find(recipe.method.name), engine, device)
    if recipe.wrappers:
        record["wrapper_versions"] = [find_wrapper(c.name).version for c in recipe.wrappers]
    if recipe.augmentation:
        record["augmentation_version"] = AUGMENTATION_VERSION
    if recipe.constraint.name != "none":
        record["constraint_version"] = find_constraint(recipe.constraint.name).version
    later = {
        "plan_version": batch_plans.VERSIONS.get(recipe.plan.name, 1),
        "schedule_version": schedules.VERSIONS.get(recipe.schedule.name, 1),
        "part_versions": changed_parts(),
        "prices": changed_prices(),
    }
    return record | {name: value for name, value in later.items() if value not in (1, {})}


def folder_name(recipe: Mapping[str, Any], id: str) -> str:
    """`adamw-0123456789abcdef`: the name of a run's folder."""
    names = [name for name, _ in [*recipe.get("wrappers", []), recipe["method"]]]
    name = re.sub(r"[^A-Za-z0-9_.+-]+", "_", "+".join(names)).strip("._") or "run"
    return f"{name[-60:]}-{id}"
