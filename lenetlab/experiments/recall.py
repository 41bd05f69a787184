"""A recipe back from its recorded form."""

import inspect
from collections.abc import Mapping
from typing import Any

from lenetlab.errors import UserError
from lenetlab.experiments.plans import choose_plan
from lenetlab.experiments.recipe import Recipe, make_recipe
from lenetlab.settings import Choice


def recall(canonical: Mapping[str, Any]) -> Recipe:
    """The recipe whose canonical form was recorded, validated again; `UserError` if it is none."""
    fields = dict(canonical)
    method, given = fields.pop("method")
    settings = {name: _value(value) for name, value in given.items()}
    around = fields.pop("wrappers", [])
    for name, its in around:
        settings |= {f"{name}.{key}": _value(value) for key, value in its.items()}
    options: dict[str, Any] = {}
    if "budget" in fields:
        unit, amount = fields.pop("budget")
        options[unit] = amount
    if "augmentation" in fields:
        parts = [Choice(name, its) for name, its in fields.pop("augmentation")]
        options["augment"] = "+".join(map(str, parts))
    plan = fields.setdefault("plan", ["fixed", {}])
    # Left out means the plan's own default, not the method's batch size.
    settings["plan.size"] = choose_plan(plan[0], {}).settings["size"]
    for field, value in fields.items():
        if isinstance(value, str):
            options[field] = value
        else:
            options[field], its = value
            settings |= {f"{field}.{key}": _value(part) for key, part in its.items()}
    if strange := set(options) - set(inspect.signature(make_recipe).parameters):
        raise UserError(f"the recipe has {min(strange)!r}, which this version does not know")
    return make_recipe("+".join([*(name for name, _ in around), method]), settings, **options)


def _value(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
