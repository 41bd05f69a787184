"""The ids of planned runs, before anything is computed; one recipe with many seeds costs one
canonical form."""

import hashlib
import json
from functools import lru_cache
from typing import TYPE_CHECKING

from lenetlab.experiments.bench import Bench
from lenetlab.experiments.compute import prepare
from lenetlab.experiments.identity import numerics_of
from lenetlab.experiments.recipe import Recipe

if TYPE_CHECKING:
    from hashlib import _Hash


class Names:
    """Ids of runs on a bench, those that `identify` gives."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._begun = lru_cache(maxsize=4096)(self._begin)

    def of(self, recipe: Recipe, seed: int) -> str:
        """The id of a run."""
        if recipe.augmentation:  # its data has a checksum of its own
            return str(prepare(recipe, seed, self._bench).identity["id"])
        fields = recipe.canonical()
        text = json.dumps(fields, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return self._finish(text, recipe, seed)

    def all(self, recipe: Recipe, seeds: list[int]) -> list[str]:
        """The ids of a recipe's runs."""
        if recipe.augmentation:
            return [self.of(recipe, seed) for seed in seeds]
        fields = recipe.canonical()
        text = json.dumps(fields, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return [self._finish(text, recipe, seed) for seed in seeds]

    def _finish(self, text: str, recipe: Recipe, seed: int) -> str:
        # `seed` is the last of the sorted keys: only the end of the hashed text differs.
        whole = self._head(recipe).copy()
        whole.update(f'"recipe":{text},"seed":{seed}}}'.encode())
        return whole.hexdigest()[:16]

    def _head(self, recipe: Recipe) -> "_Hash":
        parts = (recipe.method.name, tuple(w.name for w in recipe.wrappers))
        return self._begun(recipe.split, parts, recipe.constraint.name, _By(recipe))

    def _begin(self, split: str, parts: object, constraint: str, by: "_By") -> "_Hash":
        train, engine, _, _ = self._bench.load(split)
        record = numerics_of(by.recipe, engine, self._bench.where)
        text = json.dumps(record, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(f'{{"data":{json.dumps(train.checksum)},"numerics":{text},'.encode())


class _By:
    """A recipe that takes no part in a cache's key."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _By)

    def __hash__(self) -> int:
        return 0
