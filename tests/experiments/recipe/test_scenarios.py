"""Whole runs under a constraint or with augmentation: records, resumes, what counts."""

import signal

import pytest
import torch
from safetensors.torch import load_file

from lenetlab.analysis.targets import bound_of, counting, passes_to, seconds_to
from lenetlab.experiments.recipe.recipe import make_recipe
from lenetlab.experiments.run.on_disk import Interrupted, execute
from lenetlab.problem.model import CONSTRAINED, flatten
from lenetlab.records import run_folder
from tests.experiments.run.test_on_disk import bits, fresh, stop_at

SPARSE = make_recipe(
    "ema+adamw", {"constraint.begin": 0.0, "constraint.end": 0.5}, epochs=2, batch_size=100,
    scenario="sparse", constraint="magnitude",
)  # fmt: skip


def test_the_count_is_recorded_at_every_look_and_only_looks_in_force_count(runtime):
    run = execute(SPARSE, 0, runtime, [0.2, 0.6, 1, 1.5])
    counts = [evaluation["nonzeros"] for evaluation in run.evaluations]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > 24_480
    assert counts[-3:] == [24_480] * 3
    assert run.result["nonzeros"] == 24_480
    w = flatten(load_file(run.path / run_folder.WEIGHTS))
    assert int(w[:CONSTRAINED].count_nonzero()) == 24_480
    assert bound_of(run) == 24_480
    assert [evaluation["at"] for evaluation in counting(run)] == [1, 1.5, 2]
    assert seconds_to(run, 0.0) == run.evaluations[2]["seconds"]
    assert passes_to(run, 0.0) == run.evaluations[2]["passes"]


def test_every_look_of_an_unconstrained_run_counts(runtime):
    run = execute(make_recipe("sgd", epochs=1, batch_size=100), 0, runtime, [0.5])
    assert bound_of(run) is None
    assert len(list(counting(run))) == len(run.evaluations) == 2
    assert run.evaluations[0]["nonzeros"] == CONSTRAINED


def test_a_run_that_ends_before_its_constraint_is_in_force_is_an_error(runtime):
    late = "magnitude:begin=0.9,end=0.95"
    recipe = make_recipe("full_batch", passes=0.03, scenario="sparse", constraint=late)
    run = execute(recipe, 0, runtime)
    assert run.status == "error"
    assert "before its constraint was in force at 24480" in run.result["reason"]
    assert run.result["final"]["accuracy"] is None


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
    assert run.result["final"]["correct"] == right
    assert train.images.equal(before[0])
    assert test.images.equal(before[1])
    assert torch.isfinite(w).all()
