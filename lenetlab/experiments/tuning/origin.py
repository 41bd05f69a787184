"""A tuned recipe as a run uses it: what was given is laid over it, its budget is another."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lenetlab.errors import UserError
from lenetlab.experiments.recipe.recipe import Recipe, recipe_from
from lenetlab.experiments.tuning.tuned_recipes import Tuned, fill
from lenetlab.methods.lookup import find
from lenetlab.methods.wrappers import find_wrapper

CLOSE = 2.0  # a budget up to so many times as long or short is much like the one searched at
# What a budget leaves as it is, where a recipe has it: it counts steps or sweeps of the data.
ABSOLUTE = {"1/t": "schedule.tau", "geometric": "plan.every", "norm_test": "plan.every"}


@dataclass(frozen=True)
class Origin:
    """Where a recipe is from.

    found : the tuned recipe it began as.
    changed : what was given in the place of it, in words, by the part of the recipe.
    recipe : what is trained.
    """

    found: Tuned
    changed: Mapping[str, str]
    recipe: Recipe

    def __str__(self) -> str:
        sentence = self.recipe.recorded().words()
        if self.changed:
            what = ", ".join(self.changed.values())
            sentence += (
                f"; from {self.found.search}, but changed, so that what it reached there is no "
                f"figure of this recipe: {what}"
            )
        else:
            sentence += f"; {self.found}"
        return sentence + self._stretched()

    def as_json(self) -> dict[str, Any]:
        """What is kept with the run: the held-out figure only of a recipe that earned it."""
        return {
            "study": self.found.study,
            "trials": self.found.trials,
            "passes": self.found.passes,
            "held_out": None if self.changed else self.found.held_out,
            **self._confirmed(),
            "changed": dict(self.changed),
        }

    def _confirmed(self) -> dict[str, Any]:
        found = self.found
        if found.confirmed is None:
            return {}
        return {"budget": found.budget, "confirmed": None if self.changed else found.confirmed}

    def _stretched(self) -> str:
        """What another budget does to the recipe."""
        budget, recipe = self.recipe.budget, self.recipe
        if budget.unit == "epochs" and not _asks_once(recipe):
            return (
                f"; here for {budget}, each of them more than one effective pass of this method: "
                f"the search counted those, and --passes {self.found.length:g} is its budget"
            )
        times = budget.amount / self.found.length
        if times == 1:
            return ""
        sentence = f"; here for {budget}"
        moves = recipe.schedule.name not in ("constant", "1/t")
        names = ["schedule"] * moves + ["warm-up"] * bool(recipe.schedule.settings["warmup"])
        if names:
            sentence += f", over which {' and '.join(names)} stretch"
        fixed = [ABSOLUTE[part.name] for part in (recipe.schedule, recipe.plan)
                 if part.name in ABSOLUTE]  # fmt: skip
        if fixed:
            sentence += f"; {' and '.join(fixed)} would not stretch"
        if not 1 / CLOSE <= times <= CLOSE:
            sentence += (
                f"; that is {times:.2g} times the {self.found.length:g} passes for which its rate, "
                "batch size and the like were chosen: they may not suit this budget"
            )
        return sentence


def _asks_once(recipe: Recipe) -> bool:
    """Whether an epoch is an effective pass."""
    kinds = [find_wrapper(choice.name).kind for choice in recipe.wrappers]
    return "estimator" not in kinds and find(recipe.method.name).asks == "once"


FRAME = ("scenario", "rules", "split", "epochs", "passes", "problem")


def laid_over(method: str, given: Mapping[str, Any], found: Tuned) -> tuple[Recipe, Origin]:
    """The recipe of a tuned one with what is `given` in its place, and where it is from."""
    recipe = recipe_from(method, fill(given, found))
    frame = {k: given[k] for k in FRAME if k in given}
    try:
        before = recipe_from(method, {**found.settings, **frame}).recorded().parts()
    except UserError as error:
        raise UserError(
            f"the tuned recipe of {method} does not fit this version ({error}); tune again"
        ) from None
    after = recipe.recorded().parts()
    changed = {
        name: f"{after.get(name, f'{name} as registered')} instead of "
        + before.get(name, "as registered")
        for name in {**after, **before}
        if name != "budget" and after.get(name) != before.get(name)
    }
    return recipe, Origin(found, changed, recipe)
