"""Recipes: a canonical form that new fields do not change, and what is refused."""

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lenetlab.errors import UserError
from lenetlab.experiments.recipe.recall import recall
from lenetlab.experiments.recipe.recipe import Budget, Recipe, expand, make_recipe
from lenetlab.experiments.run.identity import identify
from lenetlab.experiments.study.single_search import search_cell
from lenetlab.experiments.tuning.trials import Tuning
from lenetlab.settings import Choice, parse_choice, parse_pairs, parse_value, resolve, show

RECORD = {"engine": "torch", "threads": 1}


def identity(recipe: Recipe, seed: int = 0, data: str = "d", record: dict = RECORD) -> str:
    return identify(recipe, seed, data, record)["id"]


def test_the_canonical_form_holds_what_was_changed_and_nothing_else():
    assert make_recipe("sgd").canonical() == {"method": ["sgd", {}]}
    assert make_recipe("sgd", {"lr": 0.4}, epochs=10, batch_size=64).canonical() == {
        "method": ["sgd", {}]
    }
    changed = make_recipe(
        "adamw", {"lr": 0.01, "schedule.floor": 0.1}, passes=3, batch_size=32,
        schedule="cosine", warmup=0.1, split="inner",
    )  # fmt: skip
    assert changed.canonical() == {
        "method": ["adamw", {"lr": 0.01}],
        "plan": ["fixed", {"size": 32}],
        "schedule": ["cosine", {"floor": 0.1, "warmup": 0.1}],
        "budget": ["passes", 3.0],
        "split": "inner",
    }
    assert json.loads(json.dumps(changed.canonical())) == changed.canonical()


def test_hashes_of_the_first_version_stay():
    """Fails for whoever changes the canonical form: every published run would lose its name."""
    assert identity(make_recipe("sgd")) == "81cf3bd3791dcb4d"
    assert (
        identity(make_recipe("adamw", {"lr": 0.01}, schedule="step:gamma=0.5"))
        == "7455568c292afc8b"
    )


def test_a_setting_added_at_its_default_changes_no_hash():
    recipe = make_recipe("sgd", {"lr": 0.1})
    method = recipe.method
    later = Choice(
        "sgd", {**method.settings, "novelty": 1.0}, {**method.defaults, "novelty": 1.0}
    )  # fmt: skip
    grown = dataclasses.replace(recipe, method=later)
    assert identity(grown) == identity(recipe)
    used = dataclasses.replace(later, settings={**later.settings, "novelty": 2.0})
    assert identity(dataclasses.replace(recipe, method=used)) != identity(recipe)


def test_the_identity_depends_on_everything_that_decides_the_bits():
    plain = make_recipe("sgd")
    ids = [
        identity(plain),
        identity(plain, seed=1),
        identity(plain, data="other"),
        identity(plain, record=RECORD | {"threads": 2}),
        identity(make_recipe("sgd", {"lr": 0.1})),
        identity(make_recipe("sgd", epochs=5)),
        identity(make_recipe("sgd", passes=10)),
        identity(make_recipe("sgd", batch_size=32)),
        identity(make_recipe("sgd", plan="geometric")),
        identity(make_recipe("sgd", schedule="linear")),
        identity(make_recipe("sgd", rules="open")),
        identity(make_recipe("sgd", rules="open", augment="flip")),
        identity(make_recipe("sgd", rules="open", augment="flip+shift")),
        identity(make_recipe("sgd", rules="open", augment="flip+shift:pixels=1")),
        identity(make_recipe("sgd", scenario="sparse", constraint="iht")),
        identity(make_recipe("sgd", scenario="sparse", constraint="rigl")),
        identity(make_recipe("sgd", scenario="frontier", constraint="rigl")),
        identity(make_recipe("sgd", scenario="frontier", constraint="rigl:keep=0.1")),
        identity(make_recipe("sgd", {"weight_decay": 1e-3}, scenario="l2")),
        identity(make_recipe("sgd", {"weight_decay": 1e-3}, scenario="l2", decay="weights")),
        identity(make_recipe("sgd", split="inner")),
    ]
    assert len(set(ids)) == len(ids)
    assert identity(make_recipe("sgd", {"lr": 1})) == identity(make_recipe("sgd", {"lr": 1.0}))


@pytest.mark.parametrize("betas", [(0.9, 0.999), (0.8, 0.99)])
def test_a_list_is_the_tuple_that_a_command_gives(betas):
    """Files and records have lists: of one recipe there is one form, and one name of its cell."""
    typed = make_recipe("torch.optim:Adam", {"betas": betas})
    read = make_recipe("torch.optim:Adam", {"betas": list(betas)})
    assert read == typed
    again = recall(json.loads(json.dumps(typed.canonical())))
    assert again.canonical() == read.canonical() == typed.canonical()
    assert ("betas" in typed.canonical()["method"][1]) == (betas != (0.9, 0.999))
    cells = [search_cell("torch.optim:Adam", "plain", Tuning(1, 1.0), {"betas": given})
             for given in (betas, list(betas))]  # fmt: skip
    assert cells[0].place == cells[1].place


def test_a_recipe_is_frozen():
    recipe = make_recipe("sgd")
    with pytest.raises(dataclasses.FrozenInstanceError):
        recipe.scenario = "l2"  # type: ignore[misc]


def test_methods_without_weight_decay_get_it_from_the_oracle():
    recipe = make_recipe("lbfgs", {"weight_decay": 1e-3}, scenario="l2")
    assert recipe.weight_decay == 1e-3
    assert recipe.canonical()["method"] == ["lbfgs", {"weight_decay": 1e-3}]
    with pytest.raises(UserError, match="unknown setting of method lbfgs: 'weight_decay'"):
        make_recipe("lbfgs", {"weight_decay": 1e-3})


@pytest.mark.parametrize("amount", [0, -1, float("nan"), float("inf")])
@pytest.mark.parametrize("unit", ["epochs", "passes"])
def test_budgets_are_positive_and_finite(amount, unit):
    with pytest.raises(UserError, match=f"{unit}=.* is out of range"):
        make_recipe("sgd", **{unit: amount})


def test_names_that_no_part_has_are_refused():
    recipe = make_recipe("sgd")
    with pytest.raises(UserError, match="unknown initialisation 'magic'"):
        dataclasses.replace(recipe, initialisation=Choice("magic"))
    with pytest.raises(UserError, match="unknown budget"):
        Budget(1, "hours")
    with pytest.raises(UserError, match="did you mean 'schedule'"):
        make_recipe("sgd", {"scedule.of": "lr"})


def test_a_grid_has_every_combination():
    grid = expand({"a": [1, 2], "b": ["x", "y", "z"]})
    assert grid[:3] == [{"a": 1, "b": "x"}, {"a": 1, "b": "y"}, {"a": 1, "b": "z"}]
    assert len(grid) == 6
    assert expand({}) == [{}]


VALUES = st.one_of(
    st.booleans(),
    st.none(),
    st.integers(1 - 2**63, 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
)


@given(VALUES)
def test_what_is_shown_can_be_typed(value):
    typed = parse_value(show(value))
    assert typed == value
    assert isinstance(typed, type(value)) or value == int(value)


def test_what_a_user_types():
    assert parse_value("(0.9, 0.99)") == (0.9, 0.99)
    assert parse_value("[0.9, 0.99]") == (0.9, 0.99)
    assert parse_value("foreach") == "foreach"
    assert parse_value("__import__('os')") == "__import__('os')"  # a word, never run
    assert parse_choice("step:gamma=0.5,every=0.2") == ("step", {"gamma": 0.5, "every": 0.2})
    assert parse_pairs(["lr=1e-3"], "--set") == {"lr": 1e-3}
    with pytest.raises(UserError, match="expected NAME=VALUE"):
        parse_pairs(["=3"], "--set")


def test_numbers_take_the_type_of_their_default():
    defaults = {"size": 3, "rate": 0.1}
    assert resolve("x", "y", defaults, {"size": 4.0, "rate": 1}).settings == {
        "size": 4, "rate": 1.0,
    }  # fmt: skip
    with pytest.raises(UserError, match=r"size=4.5 is not whole"):
        resolve("x", "y", defaults, {"size": 4.5})
    with pytest.raises(UserError, match="rate=true is not a number"):
        resolve("x", "y", defaults, {"rate": True})
