"""Wrappers and plans in a recipe and a run: written, hashed, refused, resumed, observed."""

import json

import pytest
import torch

from lenetlab.errors import UserError
from lenetlab.experiments.recipe.batch_plans import NormTest, choose_plan, make_plan
from lenetlab.experiments.recipe.recipe import make_recipe
from lenetlab.experiments.run.training import Training
from lenetlab.oracle.torch_engine import TorchEngine
from lenetlab.problem.data import Split
from tests.methods.training import build
from tests.problems import Quadratic, Softmax, setting


def training(spec, settings=None, **options):
    rng = torch.Generator().manual_seed(0)
    images = torch.randint(256, (96, 28, 28), generator=rng, dtype=torch.uint8)
    split = Split(images, torch.randint(10, (96,), generator=rng), "", "", None)
    recipe = make_recipe(spec, settings, batch_size=16, epochs=5, **options)
    cpu = torch.device("cpu")
    return Training(recipe, 0, 96, TorchEngine(split, cpu), cpu)


def test_a_recipe_without_wrappers_keeps_its_canonical_form():
    assert make_recipe("sgd").canonical() == {"method": ["sgd", {}]}


def test_wrappers_are_written_set_and_labelled():
    recipe = make_recipe("ema+svrg+sgd", {"ema.decay": 0.9, "lr": 0.1})
    assert recipe.canonical() == {
        "method": ["sgd", {"lr": 0.1}],
        "wrappers": [["ema", {"decay": 0.9}], ["svrg", {}]],
    }
    assert recipe.label() == "ema:decay=0.9+svrg+sgd:lr=0.1"


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ("svrg+lbfgs", "asks the oracle more than one question"),
        ("svrg+ema+sgd", "write ema\\+svrg\\+sgd"),
        ("lookahead+ema+sgd", "an average goes around an update, not inside; write ema"),
        ("sam+ema+lookahead+sgd", "write ema\\+lookahead\\+sam\\+sgd"),
        ("ema+sam+lookahead+sgd", "an update goes around an estimator"),
        ("lookahead+cautious+sgd", "both updates"),
        ("sam+lbfgs", "sam answers exactly one, oracle"),
        ("lookahead+trust_region", "more than one question a step; lookahead moves"),
        ("svrg+saga+sgd", "both estimators"),
        ("ema+swa+sgd", "both averages"),
        ("emma+sgd", "did you mean 'ema'"),
    ],
)
def test_what_does_not_compose_is_refused_with_the_reason(spec, reason):
    with pytest.raises(UserError, match=reason):
        make_recipe(spec)


def test_settings_of_a_wrapper_are_checked():
    with pytest.raises(UserError, match="unknown part of a recipe 'ema'"):
        make_recipe("sgd", {"ema.decay": 0.9})
    with pytest.raises(UserError, match="average ema: decay=2 is out of range"):
        make_recipe("ema+sgd", {"ema.decay": 2})


@pytest.mark.parametrize(
    ("spec", "plan"),
    [
        ("ema+svrg+sgd", "fixed"),
        ("ema+lookahead+sam+adamw", "fixed"),
        ("swa+saga+adamw", "fixed"),
        ("sgd", "norm_test:every=2"),
    ],
)
def test_a_resumed_training_has_the_same_bits(spec, plan):
    whole = training(spec, plan=plan)
    for _ in range(14):
        whole.step()
    first = training(spec, plan=plan)
    for _ in range(7):
        first.step()
    second = training(spec, plan=plan)
    second.restore(first.state())
    for _ in range(7):
        second.step()
    assert torch.equal(second.eval_weights(), whole.eval_weights())
    assert torch.equal(second.weights.w, whole.weights.w)
    assert second.oracle.ledger.counts() == whole.oracle.ledger.counts()


def test_the_norm_test_grows_the_batch_as_its_formula_says():
    s = setting(Quadratic(), batch_size=12)
    s.oracle.gradient(s.oracle.batch, out=s.oracle.g)
    plan = NormTest(size=12, theta=0.5, every=1, largest=120)
    rows = s.oracle.per_example_gradients(s.oracle.batch)
    variance, square = rows.var(0).sum(), rows.mean(0).square().sum()
    wanted = float(variance / (0.25 * square))
    plan.observe(s.oracle)
    assert wanted > 12
    assert plan.batch_size(0) == min(int(wanted) + 1, 120)


def test_a_norm_test_costs_a_gradient_and_norms_of_its_batch_under_a_mask_too():
    s = setting(Softmax(), batch_size=12, l2=0.1)
    s.oracle.mask = (torch.arange(15) % 3 > 0).double()
    plan = NormTest(size=12, every=1, largest=120)
    plan.observe(s.oracle)
    assert s.oracle.ledger.passes * 60_000 == pytest.approx(2.4 * 12)
    assert s.oracle.ledger.gradients == s.oracle.ledger.layers == 12


def test_the_norm_test_ends_with_all_data_near_the_minimum():
    s = setting(Quadratic(), batch_size=12)
    plan = NormTest(size=12, every=1, largest=120)
    s.oracle._batch_size = lambda: plan.batch_size(0)
    optimizer = build("sgd", s, lr=0.2)
    sizes = []
    for _ in range(300):
        s.oracle.next_step()
        optimizer.step(s.oracle)
        plan.observe(s.oracle)
        sizes.append(plan.batch_size(0))
    assert sizes == sorted(sizes)
    assert sizes[-1] == 120
    assert (s.weights.w - s.problem.minimum).norm() < 1e-4


def test_a_plan_of_a_smaller_split_stays_inside_it():
    plan = make_plan(choose_plan("norm_test", {"size": 64}), 40)
    assert plan.batch_size(0) == 40


def test_the_command_line_lists_and_describes_wrappers(capsys):
    from lenetlab.cli.methods import methods

    methods(None, False)
    listed = capsys.readouterr().out
    assert "averages" in listed
    assert "  svrg " in listed
    methods("svrg", True)
    assert json.loads(capsys.readouterr().out)["kind"] == "estimator"
    methods("ema", False)
    assert "average; around a method: ema+sgd" in capsys.readouterr().out
