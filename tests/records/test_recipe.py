"""A recorded recipe as a command: read by the lab's own parser it is the same recipe again."""

import json
import shlex
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

import lenetlab.cli.run as command_of_run
from lenetlab.cli.app import app
from lenetlab.experiments.recipe.recipe import Recipe, make_recipe
from lenetlab.records.recipe import command, method_of, parts, words

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
}  # fmt: skip


def recorded(recipe: Recipe) -> dict[str, Any]:
    """As it comes back from a file."""
    return json.loads(json.dumps(recipe.canonical()))


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
    (found,) = parsed(command(recorded(recipe), 7), monkeypatch)
    assert found[1] == 7
    assert found[0].canonical() == recipe.canonical()


def test_a_command_for_all_seeds(monkeypatch):
    found = parsed(command(recorded(RECIPES["tuned"]), 0, 3), monkeypatch)
    assert [seed for _, seed in found] == [0, 1, 2]


def test_another_engine_is_named():
    text = command({"method": ["sgd", {}]}, 0, 1, {"engine": "torch", "threads": 2})
    assert "--engine torch --threads 2" in text
    assert "--engine" not in command({"method": ["sgd", {}]}, 0, 1, {"engine": "native"})


def test_a_recipe_in_words():
    assert words(recorded(RECIPES["defaults"])) == "sgd: batch 64, 10 epochs"
    assert words(recorded(RECIPES["tuned"])) == (
        "adamw: beta2=0.95, lr=0.00123456789, batch 256, linear:warmup=0.1, 10 passes"
    )
    assert method_of(recorded(RECIPES["wrapped"])) == "ema+svrg+sgd"
    assert parts(recorded(RECIPES["decay"]))["decay"] == "decay of weights alone"
    assert words(recorded(RECIPES["frontier"])) == ("sgd: batch 64, under iht:keep=4080, 10 epochs")
