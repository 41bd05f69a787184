"""The optimizer of a recipe: the method over some weights, inside its wrappers, with a rate that
the schedule can change; and whether it can be built at all, asked before anything is trained."""

import sys
from collections.abc import Iterable, Mapping
from contextlib import redirect_stdout
from typing import Any

from lenetlab.errors import UserError
from lenetlab.experiments.recipe.recipe import Recipe
from lenetlab.experiments.recipe.schedules import make_schedule
from lenetlab.experiments.run.global_generators import seeded
from lenetlab.methods.decay import sparing_biases
from lenetlab.methods.guests.errors import explain_error, told
from lenetlab.methods.lookup import find
from lenetlab.methods.registry import Method, Optimizer
from lenetlab.methods.wrappers import Composed, compose
from lenetlab.oracle.order import starter_stream
from lenetlab.oracle.weights import Weights
from lenetlab.problem.model import initial_weights
from lenetlab.settings import show


def build_optimizer(recipe: Recipe, weights: Weights) -> Composed:
    """The optimizer over `weights`; `UserError` where the method refuses them or its settings, a
    wrapper the method, or where the schedule has nothing to change."""
    entry = find(recipe.method.name)
    optimizer = compose(_base(recipe, entry, weights), recipe.wrappers, weights)
    if make_schedule(recipe.schedule) is not None:
        _check_scheduled(str(recipe.schedule.settings["of"]), optimizer.param_groups[0], entry)
    return optimizer


def check_built(recipes: Iterable[Recipe]) -> None:
    """Build each once and throw it away, so that a mistake is found before the first of them is
    trained. What somebody's optimizer prints is no result, and what it draws is given back."""
    start = initial_weights(starter_stream(0))
    with redirect_stdout(sys.stderr):
        for recipe in recipes:
            with seeded(0):
                build_optimizer(recipe, Weights(start.clone()))


def _base(recipe: Recipe, entry: Method, weights: Weights) -> Optimizer:
    settings = {k: v for k, v in recipe.method.settings.items() if k in entry.defaults}

    def refused(error: BaseException) -> UserError:
        given = ", ".join(f"{k}={show(v)}" for k, v in recipe.method.changed().items())
        what = given or "its own defaults"
        return UserError(f"method {entry.name} refuses {what}: {explain_error(error)}")

    with told(refused):  # it may be anybody's
        if recipe.decay == "weights" and entry.decay != "none":
            return sparing_biases(entry, weights, settings)
        return entry.optimizer(weights.params(entry.form), settings)


def _check_scheduled(name: str, group: Mapping[str, Any], entry: Method) -> None:
    """Raises `UserError` where the method has no number `name` that a schedule can multiply."""
    # A whole number of ours is a count; one of somebody else's may be a rate of 1.
    kinds = (int, float) if not entry.declared else (float,)
    if type(group.get(name)) not in kinds:
        numbers = [k for k, v in group.items() if type(v) in kinds]
        do = (
            f"expected one of {', '.join(numbers)}"
            if numbers
            else "it has none; leave the schedule out"
        )
        raise UserError(
            f"schedule.of={name}: {entry.name} has no number of that name that can be scheduled; "
            f"{do}"
        )
