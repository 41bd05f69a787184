"""A recorded run computed again: on a runtime like its own, and how the numerics differ here."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lenetlab.errors import UserError
from lenetlab.experiments.recipe.recipe import Recipe
from lenetlab.experiments.run.identity import numerics_of
from lenetlab.experiments.run.runtime import Runtime


def runtime_like(said: Mapping[str, Any], data: Path | None, out: Path) -> Runtime:
    """A runtime like the one that the numerics record names; `UserError` where it names none."""
    engine, device, threads = said.get("engine"), said.get("device"), said.get("threads")
    if isinstance(engine, str) and isinstance(device, str) and type(threads) in (int, type(None)):
        return Runtime(data, out, engine, device, threads)
    raise UserError(
        f"its numerics name no engine, device and threads ({engine!r}, {device!r}, {threads!r})"
    )


def numerics_here(recipe: Recipe, runtime: Runtime) -> dict[str, Any]:
    """The numerics record that runs of `recipe` get on `runtime`."""
    _, engine, _, _ = runtime.load(recipe.split, recipe.problem)
    return numerics_of(recipe, engine, runtime.where)


def numerics_differ(said: Mapping[str, Any], here: Mapping[str, Any]) -> str:
    """How the numerics that a run was computed by differ from those here; empty if they do not."""
    keys = [key for key in sorted({*said, *here}) if said.get(key) != here.get(key)]
    return ", ".join(f"{key} {said.get(key)} there and {here.get(key)} here" for key in keys)
