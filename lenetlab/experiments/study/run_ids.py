"""The ids of planned runs, before anything is computed.

A run of another machine has another id, since the width of its vectors, its compiler or its torch
give other last bits. It is *kin* to one that is planned here if all else that decides it agrees:
recipe, seed, kind of engine and device, the versions of the method and of all that is around it.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from lenetlab.experiments.recipe.recipe import Recipe
from lenetlab.experiments.run.identity import canonical, digest
from lenetlab.experiments.run.repeat import numerics_here
from lenetlab.experiments.run.runtime import Runtime

# What a machine adds to the numerics record by itself.
OF_MACHINE = ("torch", "capability", "kernel", "threads", "accelerator")


class Naming(Protocol):
    """Gives runs their ids."""

    def ids(self, recipe: Recipe, seeds: list[int]) -> list[str]:
        """The ids of a recipe's runs."""
        ...

    def numerics(self, recipe: Recipe) -> Mapping[str, Any]:
        """The numerics record that they get here."""
        ...


def kin(recipe: Mapping[str, Any], seed: int, numerics: Mapping[str, Any]) -> str:
    """A text that is the same for runs that are kin; `recipe` is canonical."""
    shared = {name: value for name, value in numerics.items() if name not in OF_MACHINE}
    return canonical([recipe, seed, shared])


class Names:
    """The ids that runs get, those of `identify`."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def ids(self, recipe: Recipe, seeds: list[int]) -> list[str]:
        """The ids of a recipe's runs, by seed."""
        train, _, _, _ = self._runtime.load(recipe.split, recipe.problem)
        record = self.numerics(recipe)
        shared = {"recipe": recipe.canonical(), "data": train.checksum, "numerics": record}
        return [digest({**shared, "seed": seed}) for seed in seeds]

    def numerics(self, recipe: Recipe) -> Mapping[str, Any]:
        """The numerics record of a recipe's runs."""
        return numerics_here(recipe, self._runtime)
