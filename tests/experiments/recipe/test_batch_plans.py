"""Batch plans: fixed sizes from 1 to all, and sizes that grow with the sweeps."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lenetlab.errors import UserError
from lenetlab.experiments.recipe.batch_plans import choose_plan, make_plan
from lenetlab.experiments.recipe.recipe import make_recipe
from lenetlab.experiments.run.training import Training


@pytest.mark.parametrize("size", [0, -1, 60_001, 1.5, float("nan"), "many"])
def test_sizes_out_of_range_are_refused(size):
    with pytest.raises(UserError, match="batch plan fixed: size="):
        choose_plan("fixed", {"size": size})


def test_a_size_is_what_was_asked_for_and_at_most_all():
    for size in (1, 64, 60_000):
        assert make_plan(choose_plan("fixed", {"size": size}), 60_000).batch_size(3.5) == size
    assert make_plan(choose_plan("fixed", {"size": 60_000}), 50_000).batch_size(0) == 50_000


def test_a_geometric_plan_doubles_every_sweep():
    plan = make_plan(choose_plan("geometric", {"size": 10, "largest": 100}), 60_000)
    assert [plan.batch_size(s) for s in (0, 0.99, 1, 2.5, 3, 4, 99)] == [
        10, 10, 20, 40, 80, 100, 100,
    ]  # fmt: skip


def test_many_small_stages_grow_as_far_as_few_large_ones():
    settings = {"size": 10, "factor": 1.01, "every": 0.01, "largest": 5000}
    plan = make_plan(choose_plan("geometric", settings), 60_000)
    assert plan.batch_size(3.005) == int(10 * 1.01**300)
    assert plan.batch_size(9) == 5000


@given(
    size=st.integers(1, 60_000), factor=st.floats(1, 1e6), every=st.floats(1e-6, 100),
    largest=st.integers(1, 60_000), epochs=st.lists(st.floats(0, 1e9), min_size=2, max_size=2),
)  # fmt: skip
def test_a_growing_size_never_shrinks_and_stays_in_bounds(size, factor, every, largest, epochs):
    settings = {"size": size, "factor": factor, "every": every, "largest": largest}
    plan = make_plan(choose_plan("geometric", settings), 60_000)
    early, late = (plan.batch_size(s) for s in sorted(epochs))
    assert 1 <= early <= late <= largest


def test_the_training_draws_what_the_plan_says(runtime):
    train, engine, _, _ = runtime.load("official")
    recipe = make_recipe("sgd", plan="geometric:factor=3,every=1", batch_size=500)
    t = Training(recipe, 0, len(train), engine, runtime.torch_device)
    sizes = []
    for _ in range(5):
        t.step()
        sizes.append(t.oracle.batch_size)
    assert sizes == [500, 500, 500, 1500, 1500]
