"""The ids of planned runs, before anything is computed; one canonical form for many seeds."""

import hashlib
import json
from typing import Any, Protocol

from lenetlab.experiments.recipe.recipe import Recipe
from lenetlab.experiments.run.identity import numerics_of
from lenetlab.experiments.run.in_memory import prepare
from lenetlab.experiments.run.runtime import Runtime


class Naming(Protocol):
    """Gives runs their ids."""

    def ids(self, recipe: Recipe, seeds: list[int]) -> list[str]:
        """The ids of a recipe's runs."""
        ...


class Names:
    """The ids that runs get, those of `identify`."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def ids(self, recipe: Recipe, seeds: list[int]) -> list[str]:
        """The ids of a recipe's runs, by seed."""
        if recipe.augmentation:  # the data has a checksum of its own
            return [prepare(recipe, s, self._runtime).identity["id"] for s in seeds]
        # `seed` is the last of the sorted keys: only the end of the hashed text differs.
        text = f'{self._head(recipe)},"recipe":{_text(recipe.canonical())},"seed":'
        begun = hashlib.sha256(text.encode())
        found = []
        for seed in seeds:
            whole = begun.copy()
            whole.update(f"{seed}}}".encode())
            found.append(whole.hexdigest()[:16])
        return found

    def _head(self, recipe: Recipe) -> str:
        """Data and numerics."""
        train, engine, _, _ = self._runtime.load(recipe.split)
        record = numerics_of(recipe, engine, self._runtime.where)
        return f'{{"data":{_text(train.checksum)},"numerics":{_text(record)}'


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
