"""A recipe back from its recorded form."""

from collections.abc import Mapping
from typing import Any

from lenetlab.errors import UserError
from lenetlab.experiments.recipe.recipe import Recipe, recipe_from
from lenetlab.records.recipe import BUDGET, SIZE, method_of
from lenetlab.settings import Choice

FIELDS = ("method", "wrappers", "plan", "schedule", "budget", "scenario", "rules", "split",
          "decay", "constraint", "augmentation")  # fmt: skip


def recall(canonical: Mapping[str, Any]) -> Recipe:
    """The recipe whose canonical form was recorded, validated again; `UserError` if it is none."""
    if strange := set(canonical) - set(FIELDS):
        raise UserError(f"the recipe has {min(strange)!r}, which this version does not know")
    unit, amount = canonical.get("budget", BUDGET)
    given = {**arguments(canonical), unit: amount}
    given |= {name: canonical[name] for name in ("scenario", "rules", "split") if name in canonical}
    if "augmentation" in canonical:
        parts = [Choice(name, its) for name, its in canonical["augmentation"]]
        given["augment"] = "+".join(map(str, parts))
    return recipe_from(method_of(canonical), given)


def arguments(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """A recorded recipe as arguments of `make_recipe`, without scenario, rules, split and budget:
    `make_recipe(method, arguments…)` is the same recipe."""
    found: dict[str, Any] = dict(recipe["method"][1])
    for name, settings in recipe.get("wrappers", ()):
        found |= {f"{name}.{key}": value for key, value in settings.items()}
    plan, settings = recipe.get("plan", ("fixed", {}))
    found["batch_size"] = settings.get("size", SIZE)
    found |= _part("plan", plan, {k: v for k, v in settings.items() if k != "size"})
    schedule, settings = recipe.get("schedule", ("constant", {}))
    found |= _part("schedule", schedule, {k: v for k, v in settings.items() if k != "warmup"})
    if "warmup" in settings:
        found["warmup"] = settings["warmup"]
    if "constraint" in recipe:
        found |= _part("constraint", *recipe["constraint"])
    if "decay" in recipe:
        found["decay"] = recipe["decay"]
    return {k: tuple(v) if isinstance(v, list) else v for k, v in found.items()}


def _part(part: str, name: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    return {part: name, **{f"{part}.{key}": value for key, value in settings.items()}}
