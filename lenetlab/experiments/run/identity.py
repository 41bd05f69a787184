"""The identity of a run: a hash of everything that decides its bits."""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

import torch

from lenetlab.component import Component
from lenetlab.experiments.recipe.batch_plans import plans
from lenetlab.experiments.recipe.initialisations import find_initialisation
from lenetlab.experiments.recipe.recipe import Recipe
from lenetlab.experiments.recipe.schedules import schedules
from lenetlab.experiments.run.environment import numerics
from lenetlab.experiments.run.versions import changed_parts, changed_prices
from lenetlab.methods.constraint import find_constraint
from lenetlab.methods.interactive import source_of
from lenetlab.methods.lookup import find
from lenetlab.methods.wrappers import find_wrapper
from lenetlab.oracle.engine import Engine
from lenetlab.problem.augmentation import augmentations
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


def digest(decisive: Mapping[str, Any]) -> str:
    """The identity of a run, from the fields that decide its bits."""
    return hashlib.sha256(canonical(decisive).encode()).hexdigest()[:16]


def canonical(value: Any) -> str:
    """One text for one value of JSON, however its keys are ordered."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def numerics_of(recipe: Recipe, engine: Engine, device: torch.device) -> dict[str, Any]:
    """The numerics record of a recipe: by what it is computed and charged, in which versions.

    For `run`, studies and the judge alike; `environment.numerics` has the machine's part. What came
    to be recorded later is left out where it is as it was before, so that old names stay.
    """
    method = find(recipe.method.name)
    wrappers = [find_wrapper(choice.name) for choice in recipe.wrappers]
    name = recipe.constraint.name
    constraint = None if name == "none" else find_constraint(name)
    record = numerics(method, engine, device)
    if wrappers:
        record["wrapper_versions"] = [entry.version for entry in wrappers]
    changes = [augmentations()[choice.name] for choice in recipe.augmentation]
    if changes:
        record["augmentation_version"] = 1 + sum(entry.version - 1 for entry in changes)
    if constraint is not None:
        record["constraint_version"] = constraint.version
    plan, schedule = plans()[recipe.plan.name], schedules()[recipe.schedule.name]
    initialisation = find_initialisation(recipe.initialisation.name)
    parts: dict[str, Component] = {
        entry.name: entry for entry in (method, *wrappers, constraint) if entry is not None
    }
    # these may have the name of a method
    around = (plan, schedule, initialisation, *changes)
    parts |= {f"{entry.kind} {entry.name}": entry for entry in around}
    later = {
        "plan_version": plan.version,
        "schedule_version": schedule.version,
        "initialisation_version": initialisation.version,
        "plug_ins": {
            name: {"package": entry.package, "source_sha256": entry.source}
            for name, entry in parts.items()
            if entry.package
        },
        "sources": {  # of what a notebook, a script or a module of the user's has registered
            name: source
            for name, entry in parts.items()
            if not entry.package
            and (entry is not method or not entry.source)
            and (source := entry.source or source_of(entry.build))
        },
        "deterministic": 1 if method.deterministic else False,
        "part_versions": changed_parts(),
        "prices": changed_prices(),
    }
    return record | {name: value for name, value in later.items() if value not in (1, {})}


def folder_name(method: str, id: str) -> str:
    """`adamw-0123456789abcdef`: the name of a run's folder; `method` has its wrappers around it."""
    name = re.sub(r"[^A-Za-z0-9_.+-]+", "_", method).strip("._") or "run"
    return f"{name[-60:]}-{id}"
