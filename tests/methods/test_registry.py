"""The registry: what it holds and what it refuses."""

import math

import pytest
import torch

from lenetlab.component import log_uniform
from lenetlab.errors import UserError
from lenetlab.experiments.recipe.recipe import make_recipe
from lenetlab.experiments.run.training import Training
from lenetlab.methods.lookup import find, norms_of
from lenetlab.methods.registry import FAMILIES, method, methods
from lenetlab.oracle.torch_engine import TorchEngine

from .drive import CPU

EXPECTED = {
    "sgd", "single_sample", "full_batch", "heavy_ball", "nesterov", "asgd", "adagrad", "adadelta",
    "rmsprop", "rprop", "adam", "amsgrad", "adamax", "nadam", "radam", "adamw", "adafactor",
    "lbfgs",
}  # fmt: skip


def test_all_of_torch_optim_that_applies_is_there():
    assert set(methods()) >= EXPECTED


@pytest.mark.parametrize("name", methods())
def test_every_entry_is_complete(name):
    entry = find(name)
    assert entry.family in FAMILIES
    assert 10 < len(entry.summary) <= 100
    assert "Source:" in entry.page
    assert "Cost:" in entry.page
    assert entry.reference
    assert entry.cost
    for key, span in entry.space.items():
        assert span.low < span.high
        assert not span.log or span.low > 0
        default = entry.defaults[key]
        # no decay is the default everywhere, and what decays is searched in l2 alone
        assert key == "weight_decay" or span.low <= default <= span.high
        for edge in (span.low, span.high):  # every point that tuning may try is allowed
            entry.settings({key: type(default)(edge)})


@pytest.mark.parametrize("name", methods())
def test_wrong_settings_are_refused_for_every_method(name):
    entry = find(name)
    for key, default in entry.defaults.items():
        if type(default) is float:
            with pytest.raises(UserError, match="out of range"):
                entry.settings({key: math.nan})
            with pytest.raises(UserError, match="is not a number"):
                entry.settings({key: "fast"})
    with pytest.raises(UserError, match="unknown setting"):
        entry.settings({"no_such_thing": 1})


WORDS = [(name, key) for name, entry in methods().items()
         for key, default in entry.defaults.items() if isinstance(default, str)]  # fmt: skip


@pytest.mark.parametrize(("name", "key"), WORDS)
def test_a_misspelt_word_is_refused_and_never_runs_as_another(name, key, train):
    right = find(name).defaults[key]
    recipe = make_recipe(name, {key: right[:-1]}, epochs=1)
    with pytest.raises(UserError, match=f"unknown .*'{right[:-1]}'; did you mean '{right}'"):
        Training(recipe, 0, 64, TorchEngine(train.take(0, 64), CPU), CPU)


def build(params, *, lr):
    return torch.optim.SGD(params, lr=lr)


GOOD = {
    "family": "basic",
    "reference": "nobody",
    "defaults": {"lr": 0.1},
    "space": {"lr": log_uniform(0.01, 1)},
    "cost": "nothing",
}


@pytest.mark.parametrize(
    ("name", "changed", "message"),
    [
        ("sgd", {}, "'sgd' is registered twice"),
        ("new", {"family": "magic"}, "no family 'magic'"),
        ("new", {"space": {"mu": log_uniform(0.1, 1)}}, "'mu'} searched but no hyperparameter"),
        ("new", {"decay": "coupled"}, "does not fit its hyperparameters"),
        ("new", {"defaults": {"lr": 0.1, "weight_decay": 0.0}}, "does not fit"),
        ("new", {"defaults": {"lr": 0.1, "weight_decay": 0.01}, "decay": "coupled"},
         "decays weights by default"),
    ],
)  # fmt: skip
def test_incomplete_or_double_registrations_are_refused(name, changed, message):
    methods()
    with pytest.raises(ValueError, match=message):
        method(name, **(GOOD | changed))(build)
    assert "new" not in methods()


def test_a_misspelt_name_gets_the_nearest():
    with pytest.raises(UserError, match="did you mean 'nesterov'"):
        find("nestrov")


NORMED = {"ista": "decay", "fista": "decay", "frank_wolfe": "ball", "projected_gradient": "ball",
          "muon_hyperball": "sphere"}  # fmt: skip


def test_a_registration_says_what_a_method_does_to_norms():
    own = {name: entry.norms for name, entry in methods().items() if entry.norms != "free"}
    assert {name: own[name] for name in NORMED} == NORMED
    assert norms_of("ema+frank_wolfe") == "ball"
    assert norms_of("ema+svrg") == norms_of("muon") == "free"


def test_a_ball_that_leaves_norms_free_is_refused():
    with pytest.raises(ValueError, match="'free' does not fit 'ball'"):
        method("x", family="basic", reference="-", defaults={}, space={}, cost="-", within="ball")(
            torch.optim.SGD
        )
