"""Tuning: the recipes that a search tries, and what becomes of the best.

Trial 0 is the registered default with a cosine schedule, so that no search does worse than not
searching. Trial k + 1 is point k of a scrambled Sobol sequence, seeded by study, method and
scenario: the same whoever computes it, in whatever order, and however many trials there are. Sobol
points fill the space more evenly than independent ones (Bergstra and Bengio 2012, section 4, on
such sequences).
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lenetlab.errors import UserError
from lenetlab.experiments.recipe.one_name import SHORT, one_name, over
from lenetlab.experiments.recipe.recipe import Budget, Recipe, recipe_from
from lenetlab.experiments.tuning.search_space import Dimension, Pick, Space, at, scaled, space_of
from lenetlab.experiments.tuning.tpe import ask
from lenetlab.methods.lookup import find, split
from lenetlab.problem.scenarios import find_scenario

SAMPLERS = ("sobol", "tpe")


@dataclass(frozen=True)
class Tuning:
    """How a cell is tuned: the default and `trials` drawn recipes, of `passes` effective passes
    each on the inner split.

    space : ranges that replace a method's own, by name.
    """

    trials: int = 12
    passes: float = 5.0
    sampler: str = "sobol"
    space: Mapping[str, Dimension] = field(default_factory=dict)

    @property
    def tried(self) -> int:
        """How many recipes are tried, the default among them."""
        return self.trials + 1


def trials(
    study: str, method: str, scenario: str, tune: Tuning, settings: Mapping[str, Any] | None = None
) -> list[Recipe]:
    """The recipes of all trials of a cell, by number; of a sampler that looks at the ones before,
    those it begins with. `settings` are held as given; `UserError` where nothing else is left."""
    first = default_trial(method, scenario, tune, settings)
    space = search_space(method, scenario, tune, settings)
    if tune.trials and not space:
        raise UserError(
            f"nothing is left to search of {method} in {scenario}: all that a search varies is "
            "set; leave a setting out, or ask for no trials but the default"
        )
    if tune.sampler == "tpe":
        return [first, *more_trials(study, method, scenario, tune, settings, [None])]
    return [first] + [
        trial_recipe(method, scenario, tune, settings, at(space, u))
        for u in points(f"{study} {method} {scenario}", len(space), tune.trials)
    ]


def more_trials(
    study: str,
    method: str,
    scenario: str,
    tune: Tuning,
    settings: Mapping[str, Any] | None,
    scores: Sequence[float | None],
) -> list[Recipe]:
    """What follows on trials with `scores`, accuracies on held-out images (None for a failed one),
    of a sampler that looks at them; empty where there is no more. The default's score, the first,
    is not told: it may lie outside of what the sampler can ask for."""
    left = tune.tried - len(scores)
    if tune.sampler != "tpe" or left <= 0:
        return []
    space = search_space(method, scenario, tune, settings)
    return [
        trial_recipe(method, scenario, tune, settings, chosen)
        for chosen in ask(f"{study} {method} {scenario}", space, scores[1:], left)
    ]


def search_space(
    method: str, scenario: str, tune: Tuning, settings: Mapping[str, Any] | None = None
) -> Space:
    """The dimensions of a cell, with the study's own ranges in the place of the method's."""
    own = {SHORT.get(name, name): dimension for name, dimension in tune.space.items()}
    named = set(own)
    for name, dimension in own.items():  # a part's words may bring settings along
        for word in dimension.values if isinstance(dimension, Pick) else ():
            named |= one_name({name: word}).keys()
    searched = space_of(method, scenario, settings)
    kept = {name: searched[name] for name in searched if name in own or name not in named}
    return kept | own  # in the places that they had: points are drawn by place


def default_trial(
    method: str, scenario: str, tune: Tuning, settings: Mapping[str, Any] | None = None
) -> Recipe:
    """Trial 0: settings and batch plan as registered, the rate on a cosine to zero where that is
    searched. Where weight decay is searched its default is none at all; it has the middle of its
    range instead."""
    space = search_space(method, scenario, tune, settings)
    chosen: dict[str, Any] = {}
    schedule = space.get("schedule")
    if isinstance(schedule, Pick) and "cosine" in schedule.values:
        chosen["schedule"] = "cosine"
    if "weight_decay" in space:
        registered = find(split(method)[1]).defaults.get("weight_decay")
        chosen["weight_decay"] = registered or at(space, [0.5] * len(space))["weight_decay"]
    return trial_recipe(method, scenario, tune, settings, chosen)


def trial_recipe(
    method: str,
    scenario: str,
    tune: Tuning,
    settings: Mapping[str, Any] | None,
    chosen: Mapping[str, Any],
) -> Recipe:
    """One trial: trained on 50,000 training images, measured on the other 10,000. `chosen` holds
    the rate at the method's own batch size."""
    given = over(settings or {}, scaled(method, chosen, settings or {}))
    if find_scenario(scenario).decays:
        given.setdefault("decay", "weights")
    given |= {"scenario": scenario, "split": "inner", "passes": tune.passes}
    return recipe_from(method, given)


def points(seed: str, dimensions: int, n: int) -> list[list[float]]:
    """The first `n` points of a scrambled Sobol sequence in [0, 1)^dimensions; point k depends
    on `seed` and k alone."""
    from scipy.stats.qmc import Sobol

    number = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8], "big")
    sequence = Sobol(dimensions, scramble=True, rng=number)
    # Whole powers of two keep the sequence balanced; the first n of them are taken.
    drawn = sequence.random_base2(max(n - 1, 1).bit_length())
    return [[float(x) for x in point] for point in drawn[:n]]


def at_full_length(recipe: Recipe, passes: float) -> Recipe:
    """The recipe of a trial for `passes` effective passes, still measured on held-out images; its
    schedule, a function of progress, is stretched with the budget."""
    return replace(recipe, budget=Budget(float(passes), "passes"))


def carry_over(recipe: Recipe, passes: float) -> Recipe:
    """The same on all 60,000 images."""
    return replace(at_full_length(recipe, passes), split="official")
