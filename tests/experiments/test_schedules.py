"""Schedules against their closed forms, and against PyTorch's where it has the same one."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lenetlab.errors import UserError
from lenetlab.experiments.recipe import make_recipe
from lenetlab.experiments.schedules import SCHEDULES, choose_schedule, make_schedule
from lenetlab.experiments.training import Training


def factor(name: str, progress: float, steps: int = 0, **settings) -> float:
    schedule = make_schedule(choose_schedule(name, settings))
    return 1.0 if schedule is None else schedule(progress, steps)


PROGRESS = st.floats(0, 1, exclude_max=True)


@given(PROGRESS)
def test_closed_forms(p):
    assert factor("constant", p) == 1
    assert factor("linear", p, floor=0.2) == pytest.approx(1 - 0.8 * p)
    assert factor("cosine", p) == pytest.approx(math.cos(math.pi * p / 2) ** 2)
    assert factor("cosine", p, floor=0.1) == pytest.approx(
        0.1 + 0.9 * math.cos(math.pi * p / 2) ** 2
    )


@given(st.integers(0, 10**6))
def test_one_over_t_counts_steps(t):
    assert factor("1/t", 0.5, t, tau=100) == pytest.approx(1 / (1 + t / 100))


def test_a_staircase():
    stairs = [factor("step", k / 10, gamma=0.5, every=0.3) for k in range(10)]
    assert stairs == [1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125]
    assert factor("step", 1 / 3) == pytest.approx(0.1)


def test_one_cycle_is_pytorchs():
    steps = 1000
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1)
    theirs = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=1, total_steps=steps, cycle_momentum=False
    )
    for k in range(steps):
        # PyTorch's last step has progress 1, ours ends a step earlier
        assert factor("one-cycle", k / (steps - 1)) == pytest.approx(
            theirs.get_last_lr()[0], abs=5e-3
        )
        optimizer.step()
        theirs.step()


@given(name=st.sampled_from(SCHEDULES), p=PROGRESS, warmup=st.floats(0, 0.9))
def test_every_factor_lies_in_the_unit_interval(name, p, warmup):
    assert 0 <= factor(name, p, 10, warmup=warmup) <= 1


@pytest.mark.parametrize("name", [name for name in SCHEDULES if name != "1/t"])
def test_warm_up_rises_to_one_and_the_whole_course_follows(name):
    assert factor(name, 0, warmup=0.2) == 0
    assert factor(name, 0.05, warmup=0.2) == pytest.approx(0.25)
    for p in (0.0, 0.25, 0.5, 0.9):
        assert factor(name, 0.2 + 0.8 * p, warmup=0.2) == pytest.approx(factor(name, p))


def test_the_loop_applies_it_to_the_initial_value(bench):
    train, engine, _, _ = bench.load("official")
    recipe = make_recipe("heavy_ball", {"lr": 0.1}, epochs=1, batch_size=150, schedule="linear")
    t = Training(recipe, 0, len(train), engine, bench.where)
    rates = []
    for _ in range(10):
        t.step()
        rates.append(t.rate)
    assert rates == pytest.approx([0.1 * (1 - k / 10) for k in range(10)])


def test_another_hyperparameter_can_be_scheduled(bench):
    train, engine, _, _ = bench.load("official")
    recipe = make_recipe("heavy_ball", {"schedule.of": "momentum"}, epochs=1, batch_size=150,
                         schedule="linear")  # fmt: skip
    t = Training(recipe, 0, len(train), engine, bench.where)
    for _ in range(6):
        t.step()
    assert t.optimizer.param_groups[0]["momentum"] == pytest.approx(0.45)
    assert t.rate == 0.04


def test_mistakes_are_refused():
    with pytest.raises(UserError, match="did you mean 'cosine'"):
        choose_schedule("cosin", {})
    with pytest.raises(UserError, match="every=0 is out of range"):
        choose_schedule("step", {"every": 0})
    with pytest.raises(UserError, match="unknown setting of schedule constant: 'gamma'"):
        choose_schedule("constant", {"gamma": 1})
