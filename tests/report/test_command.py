"""The command behind a row: it is pasted into a shell, and must come to the row's own recipe."""

import json
import shlex

import pytest
from click import Context
from typer.main import get_command

from lenetlab.cli.run import _parse_set
from lenetlab.experiments.recipe.recall import recall
from lenetlab.experiments.recipe.recipe import make_recipe
from lenetlab.records.recipe import RecordedRecipe

RECIPES = [
    make_recipe("sgd"),
    make_recipe("sgd", {"lr": 0.1}, batch_size=1, epochs=0.5),
    make_recipe("single_sample"),  # whose own batch size is not the one that goes unsaid
    make_recipe("single_sample", batch_size=64),
    make_recipe("lbfgs", {"weight_decay": 1e-3}, scenario="l2", split="inner", epochs=3),
    make_recipe("ema+svrg+sgd", {"lr": 0.1, "svrg.alpha": 0.5}, plan="geometric:factor=3"),
    make_recipe("adamw", {"weight_decay": 0.1}, scenario="l2", schedule="step:gamma=0.5",
                warmup=0.05, passes=7, decay="weights"),
    make_recipe("adamw", scenario="frontier", constraint="magnitude:keep=4080"),
    make_recipe("nesterov", initialisation="orthogonal:gain=1.6667"),
    make_recipe("adamw", rules="open", augment="flip+shift:pixels=1"),
]  # fmt: skip


def said_by(line: str) -> dict[str, object]:
    """What `lenetlab run` would make of the words."""
    from lenetlab.cli.app import app, load

    words = shlex.split(line)
    assert words[:2] == ["lenetlab", "run"]
    run = load("run")
    return run.make_context("run", words[2:], parent=Context(get_command(app))).params


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.label())
def test_the_command_comes_to_the_recorded_recipe(recipe):
    canonical = json.loads(json.dumps(recipe.canonical()))
    given = said_by(RecordedRecipe.read(canonical).command(seed=7))
    assert (given.pop("seed"), given.pop("seeds")) == (7, 1)
    (method,) = given.pop("methods")
    settings = _parse_set(given.pop("settings"))
    kept = ("epochs", "passes", "batch_size", "plan", "schedule", "warmup", "scenario",
            "constraint", "decay", "initialisation", "rules", "augment", "split")  # fmt: skip
    again = make_recipe(
        method, settings, **{key: given[key] for key in kept if given[key] is not None}
    )
    assert again == recipe
    assert again.canonical() == canonical
    assert recall(canonical) == recipe


def test_words_of_a_stranger_stay_one_word():
    evil = {"method": ["my file.py:A; rm -rf ~", {}]}
    assert said_by(RecordedRecipe.read(evil).command())["methods"] == ["my file.py:A; rm -rf ~"]


def test_the_engine_is_said_where_it_is_not_what_auto_would_choose():
    recipe = RecordedRecipe.read({"method": ["sgd", {}]})
    torch = said_by(recipe.command(seeds=10, numerics={"engine": "torch", "threads": 2}))
    assert (torch["seeds"], torch["engine"], torch["threads"]) == (10, "torch", 2)
    assert said_by(recipe.command(numerics={"engine": "native"}))["engine"] == "auto"
