"""The identity of a run: a hash of everything that decides its bits."""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

import torch

from lenetlab import records
from lenetlab.experiments.environment import numerics
from lenetlab.experiments.recipe import Recipe
from lenetlab.methods.constraint import find_constraint
from lenetlab.methods.registry import find
from lenetlab.methods.wrappers import find_wrapper
from lenetlab.oracle.engine import Engine
from lenetlab.problem.augmentation import VERSION as AUGMENTATION_VERSION


def identify(recipe: Recipe, seed: int, checksum: str, record: dict[str, Any]) -> dict[str, Any]:
    """What run.json holds; its `id` is the hash of everything that decides the bits."""
    decisive = {
        "recipe": recipe.canonical(),
        "seed": seed,
        "data": checksum,
        "numerics": record,
    }
    return {
        "format": records.FORMAT,
        "id": digest(decisive),
        "label": recipe.label(),
        **decisive,
    }


def digest(decisive: dict[str, Any]) -> str:
    """The identity of a run, from the fields that decide its bits."""
    text = json.dumps(decisive, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def numerics_of(recipe: Recipe, engine: Engine, device: torch.device) -> dict[str, Any]:
    """The numerics record of a recipe: of its method, and the versions of what is around it."""
    record = numerics(find(recipe.method.name), engine, device)
    if recipe.wrappers:
        record["wrapper_versions"] = [find_wrapper(c.name).version for c in recipe.wrappers]
    if recipe.augmentation:
        record["augmentation_version"] = AUGMENTATION_VERSION
    if recipe.constraint.name != "none":
        record["constraint_version"] = find_constraint(recipe.constraint.name).version
    return record


def folder_name(recipe: Mapping[str, Any], id: str) -> str:
    """`adamw-0123456789abcdef`: the name of a run's folder."""
    names = [name for name, _ in [*recipe.get("wrappers", []), recipe["method"]]]
    name = re.sub(r"[^A-Za-z0-9_.+-]+", "_", "+".join(names)).strip("._") or "run"
    return f"{name[-60:]}-{id}"
