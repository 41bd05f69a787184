"""A recorded recipe as a command: read by the lab's own parser it is the same recipe again."""

import dataclasses
import json
import shlex
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

import lenetlab.cli.shared.runs as command_of_run
from lenetlab.cli.app import app
from lenetlab.errors import UserError
from lenetlab.experiments.recipe.recipe import Recipe, make_recipe, recipe_from
from lenetlab.records.recipe import READERS, RecordedRecipe

RECIPES: dict[str, Recipe] = {
    "defaults": make_recipe("sgd"),
    "its own batch size": make_recipe("muon", batch_size=64),
    "tuned": make_recipe(
        "adamw", {"lr": 0.00123456789, "beta2": 0.95}, passes=10, batch_size=256,
        schedule="linear", warmup=0.1,
    ),
    "wrapped": make_recipe("ema+svrg+sgd", {"lr": 0.1, "svrg.alpha": 0.5}, epochs=2.5),
    "parts with settings": make_recipe(
        "adam", plan="geometric:factor=1.5,every=2", batch_size=32, schedule="one-cycle:rise=0.2"
    ),
    "decay": make_recipe("muon", {"weight_decay": 0.12}, scenario="l2", decay="weights"),
    "decay by the oracle": make_recipe("armijo", {"weight_decay": 1e-4}, scenario="l2"),
    "sparse": make_recipe("adamw", scenario="sparse", constraint="magnitude"),
    "frontier": make_recipe("sgd", scenario="frontier", constraint="iht:keep=4080"),
    "open": make_recipe("sgd", rules="open", augment="flip+shift:pixels=3"),
    "held out": make_recipe("sgd", split="inner", passes=5),
    "other first weights": make_recipe("sgd", {"initialisation.bias": 0.0}, passes=1,
                                      initialisation="scaled:fc=0.5"),
    "other images": make_recipe("sgd", problem="kmnist"),
}  # fmt: skip


def recorded(recipe: Recipe) -> RecordedRecipe:
    """As it comes back from a file."""
    return RecordedRecipe.read(json.loads(json.dumps(recipe.canonical())))


def parsed(text: str, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Recipe, int]]:
    """What `lenetlab run` would train, given this command line."""
    found = []

    def stop(todo: Any, *how: Any) -> None:
        found.extend((job.recipe, job.seed) for job in todo)
        raise typer.Exit(0)

    monkeypatch.setattr(command_of_run, "execute_all", stop)
    name, *arguments = shlex.split(text)
    assert name == "lenetlab"
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    return found


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_the_command_gives_the_recipe_again(recipe, monkeypatch):
    (found,) = parsed(recorded(recipe).command(7), monkeypatch)
    assert found[1] == 7
    assert found[0].canonical() == recipe.canonical()


def test_a_command_for_all_seeds(monkeypatch):
    found = parsed(recorded(RECIPES["tuned"]).command(0, 3), monkeypatch)
    assert [seed for _, seed in found] == [0, 1, 2]


def test_another_engine_is_named():
    recipe = RecordedRecipe.read({"method": ["sgd", {}]})
    assert "--engine torch --threads 2" in recipe.command(0, 1, {"engine": "torch", "threads": 2})
    assert "--engine" not in recipe.command(0, 1, {"engine": "native"})


def test_another_device_is_named():
    recipe = RecordedRecipe.read({"method": ["sgd", {}]})
    where = {"engine": "torch", "device": "cuda"}
    assert "--engine torch --device cuda" in recipe.command(0, 1, where)
    assert "--device" not in recipe.command(0, 1, {"engine": "torch", "device": "cpu"})


@pytest.mark.parametrize(
    "field", [{"plan": ["fixed", {"size": "x"}]}, {"constraint": ["iht", {"keep": []}]}]
)
def test_a_count_that_is_none_is_refused(field):
    with pytest.raises(UserError, match="is no number, it is"):
        RecordedRecipe.read({"method": ["sgd", {}], **field})


def test_a_recipe_in_words():
    assert recorded(RECIPES["defaults"]).words() == "sgd: batch 64, 10 epochs"
    assert recorded(RECIPES["tuned"]).words() == (
        "adamw: beta2=0.95, lr=0.00123456789, batch 256, linear:warmup=0.1, 10 passes"
    )
    assert recorded(RECIPES["wrapped"]).name == "ema+svrg+sgd"
    assert recorded(RECIPES["decay"]).parts()["decay"] == "decay of weights alone"
    assert recorded(RECIPES["other first weights"]).words() == (
        "sgd: batch 64, from scaled:bias=0,fc=0.5, 1 passes"
    )
    assert recorded(RECIPES["frontier"]).words() == (
        "sgd: batch 64, under iht:keep=4080, 10 epochs"
    )


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_its_arguments_make_the_recipe_again(recipe):
    found = recorded(recipe)
    assert recipe_from(found.name, found.arguments()) == recipe
    assert (found.name, found.batch_size, found.max_nonzeros) == (
        recipe.name, recipe.batch_size, recipe.max_nonzeros,
    )  # fmt: skip


def test_every_field_of_a_recipe_is_read():
    """A field that a recipe gains is no stranger to its readers."""
    fields = {field.name for field in dataclasses.fields(Recipe)}
    assert set(READERS) == fields
    said = set().union(*(recipe.canonical() for recipe in RECIPES.values()))
    assert said == set(READERS)
    assert all(recorded(recipe).unknown == () for recipe in RECIPES.values())
    assert RecordedRecipe.read({"method": ["sgd", {}], "teacher": "yes"}).unknown == ("teacher",)


def test_a_recipe_as_a_table():
    assert recorded(RECIPES["defaults"]).pairs() == [
        ("method", "sgd"), ("batch size", "64"), ("budget", "10 epochs"),
    ]  # fmt: skip
    assert recorded(RECIPES["parts with settings"]).pairs() == [
        ("method", "adam"), ("batch size", "32, geometric (every = 2, factor = 1.5)"),
        ("schedule", "one-cycle (rise = 0.2)"), ("budget", "10 epochs"),
    ]  # fmt: skip
    assert recorded(RECIPES["other images"]).pairs()[0] == ("problem", "kmnist")
    assert recorded(RECIPES["other first weights"]).pairs()[-1] == (
        "first weights", "scaled (bias = 0, fc = 0.5)",
    )  # fmt: skip
    assert recorded(RECIPES["open"]).pairs()[-1] == ("images", "flip + shift (pixels = 3)")


def test_nets_are_of_a_size_on_a_frontier_alone():
    sizes = {name: recorded(recipe).size for name, recipe in RECIPES.items()}
    assert {name: size for name, size in sizes.items() if size} == {"frontier": "4,080 weights"}


@pytest.mark.parametrize(
    ("damaged", "words"),
    [
        (None, "is no recipe"),
        ({"scenario": "l2"}, "it has no method"),
        ({"method": ["sgd"]}, "the recipe's method cannot be read"),
        ({"method": ["sgd", []]}, "the recipe's method cannot be read"),
        ({"method": ["sgd", {}], "wrappers": [["ema"]]}, "the recipe's wrappers cannot be read"),
        ({"method": ["sgd", {}], "budget": ["hours", 2]}, "the recipe's budget cannot be read"),
        ({"method": ["sgd", {}], "scenario": {}}, "the recipe's scenario cannot be read, it is {}"),
    ],
)
def test_what_is_no_recipe_is_refused_in_a_sentence(damaged, words):
    with pytest.raises(UserError, match=words):
        RecordedRecipe.read(damaged)
