"""Whole runs under a constraint or with augmentation: records, resumes, what counts."""

import signal

import pytest
import torch
from safetensors.torch import load_file

from lenetlab.analysis.targets import counting, spent_to
from lenetlab.errors import Interrupted
from lenetlab.experiments.recipe.recipe import make_recipe
from lenetlab.experiments.run.in_memory import FIGURES
from lenetlab.experiments.run.on_disk import execute
from lenetlab.problem.evaluation import evaluate
from lenetlab.problem.model import CONSTRAINED, flatten
from lenetlab.records import run_folder
from tests.experiments.run.test_on_disk import bits, fresh, stop_at

SPARSE = make_recipe(
    "ema+adamw", {"constraint.begin": 0.0, "constraint.end": 0.5}, epochs=2, batch_size=100,
    scenario="sparse", constraint="magnitude",
)  # fmt: skip


def test_on_the_way_it_is_measured_as_the_constraint_would_leave_it(runtime):
    """Another calendar changes nothing of what is measured before either has cut."""
    seen = {}

    def watch(t, loss):
        if t.steps == 3:
            w = t.optimizer.eval_weights(t.weights.w).clone()
            ranks = w[:CONSTRAINED].abs().argsort(descending=True)
            w[ranks[24_480:]] = 0
            seen["largest"] = w

    run = execute(SPARSE, 0, runtime, [0.2, 0.6, 1, 1.5], on_step=watch)
    late = make_recipe(
        "ema+adamw", {"constraint.begin": 0.6, "constraint.end": 0.8}, epochs=2, batch_size=100,
        scenario="sparse", constraint="magnitude",
    )  # fmt: skip
    unpruned = execute(late, 0, runtime, [0.2, 0.6, 1, 1.5], on_step=watch)
    _, _, test, engine = runtime.load("official")
    expected = evaluate(engine.logits(seen["largest"]), test.labels)
    assert unpruned.evaluations[0]["loss"] == expected.loss
    for found in (run, unpruned):
        assert [evaluation["nonzeros"] for evaluation in found.evaluations] == [24_480] * 5
        assert found.result.nonzeros == 24_480
        w = flatten(load_file(found.path / run_folder.WEIGHTS))
        assert int(w[:CONSTRAINED].count_nonzero()) == 24_480
        assert {key: getattr(found.result, key) for key in FIGURES} | {"images": len(test)} == vars(
            evaluate(engine.logits(w), test.labels)
        )
    assert run.recorded.max_nonzeros == 24_480
    assert list(counting(run)) == run.evaluations
    assert spent_to(run, 0.0, "passes") == run.evaluations[0]["passes"]


def test_every_look_of_an_unconstrained_run_counts(runtime):
    run = execute(make_recipe("sgd", epochs=1, batch_size=100), 0, runtime, [0.5])
    assert run.recorded.max_nonzeros is None
    assert len(list(counting(run))) == len(run.evaluations) == 2
    assert run.evaluations[0]["nonzeros"] == CONSTRAINED


def test_a_run_that_ends_before_its_constraint_is_in_force_is_an_error(runtime):
    late = "magnitude:begin=0.9,end=0.95"
    recipe = make_recipe("full_batch", passes=0.03, scenario="sparse", constraint=late)
    run = execute(recipe, 0, runtime)
    assert run.status == "error"
    assert "before its constraint was in force at 24480" in run.result.reason
    assert run.result.accuracy is None


@pytest.mark.parametrize("constraint", ["magnitude", "rewind", "rigl"])
def test_interrupted_under_a_constraint_it_ends_with_the_same_bits(runtime, constraint):
    recipe = make_recipe(
        "ema+nesterov", epochs=2, batch_size=100, scenario="sparse", constraint=constraint,
        schedule="cosine",
    )  # fmt: skip
    whole = execute(recipe, 0, fresh(runtime))
    for step in (4, 17):
        with pytest.raises(Interrupted):
            execute(recipe, 0, runtime, on_step=stop_at(step, signal.SIGTERM))
    assert bits(execute(recipe, 0, runtime)) == bits(whole)


@pytest.fixture
def open_runtime(runtime):
    runtime.engine = "torch"
    return runtime


def test_interrupted_with_augmentation_it_ends_with_the_same_bits(open_runtime):
    runtime = open_runtime
    recipe = make_recipe(
        "adamw", epochs=3, batch_size=100, rules="open", augment="flip+shift:pixels=1"
    )
    whole = execute(recipe, 0, fresh(runtime, engine="torch"))
    for step in (7, 15, 31):  # inside sweeps, and at the end of one
        with pytest.raises(Interrupted):
            execute(recipe, 0, runtime, on_step=stop_at(step, signal.SIGTERM))
    assert bits(execute(recipe, 0, runtime)) == bits(whole)
    strict = execute(make_recipe("adamw", epochs=3, batch_size=100), 0, runtime)
    assert not (strict.losses == whole.losses).all()


def test_augmentation_trains_on_other_images_and_measures_on_the_given_ones(open_runtime):
    """Turned by p = 1, the mirrored images are trained on; evaluation knows nothing of it."""
    train, _, test, engine = open_runtime.load("official")
    before = train.images.clone(), test.images.clone()
    run = execute(
        make_recipe("sgd", epochs=1, batch_size=100, rules="open", augment="flip:p=1"),
        0, open_runtime, [],
    )  # fmt: skip
    w = flatten(load_file(run.path / run_folder.WEIGHTS))
    right = int((engine.logits(w).argmax(1) == test.labels).sum())
    assert run.result.correct == right
    assert train.images.equal(before[0])
    assert test.images.equal(before[1])
    assert torch.isfinite(w).all()
