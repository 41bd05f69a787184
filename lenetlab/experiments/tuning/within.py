"""Whether recorded trials were drawn from the space that a search looks in today.

Results do not record the spaces: where a trial lies outside of today's, it was drawn from another.
"""

from collections.abc import Iterable, Mapping

from lenetlab.experiments.tuning.search_space import Pick, space_of, unusual
from lenetlab.records.recipe import RecordedRecipe
from lenetlab.settings import Value


def all_within(method: str, scenario: str, drawn: Iterable[RecordedRecipe]) -> bool:
    """Whether the `drawn` recipes of `method` all lie in the space of a search in `scenario`."""
    picks = {key: dim for key, dim in space_of(method, scenario).items() if isinstance(dim, Pick)}
    for recipe in drawn:
        given = _given(recipe)
        if unusual(method, scenario, given):
            return False
        if any(given[key] not in dim.values for key, dim in picks.items() if key in given):
            return False
    return True


def _given(recipe: RecordedRecipe) -> Mapping[str, Value]:
    """What a search draws, as it is given to a run."""
    around = {f"{part.name}.{key}": value for part in recipe.wrappers
              for key, value in part.settings.items()}  # fmt: skip
    return {
        **recipe.method.settings,
        **around,
        "batch_size": recipe.batch_size,
        "schedule": recipe.schedule.name,
        "warmup": recipe.schedule.settings.get("warmup", 0.0),
    }
