"""A recipe back from its recorded form."""

from collections.abc import Mapping
from typing import Any

from lenetlab.errors import UserError
from lenetlab.experiments.recipe.recipe import Recipe, recipe_from
from lenetlab.records.recipe import RecordedRecipe


def recall(canonical: Mapping[str, Any]) -> Recipe:
    """The recipe whose canonical form was recorded, validated again; `UserError` if it is none."""
    recorded = RecordedRecipe.read(canonical)
    if recorded.unknown:
        raise UserError(
            f"the recipe has {min(recorded.unknown)!r}, which this version does not know"
        )
    return recipe_from(recorded.name, recorded.arguments())
