"""Schedules against their closed forms, and against PyTorch's where it has the same one."""

import json
import math
import shlex
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lenetlab.errors import UserError
from lenetlab.experiments.recipe.recall import recall
from lenetlab.experiments.recipe.recipe import make_recipe
from lenetlab.experiments.recipe.schedules import choose_schedule, make_schedule, schedules
from lenetlab.experiments.run import checkpoint
from lenetlab.experiments.run.on_disk import execute
from lenetlab.experiments.run.training import Training

SGD, LR = torch.optim.SGD, torch.optim.lr_scheduler


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


@given(PROGRESS)
def test_more_closed_forms(p):
    assert factor("polynomial", p, power=3.0, floor=0.2) == pytest.approx(0.2 + 0.8 * (1 - p) ** 3)
    assert factor("polynomial", p, power=1.0) == factor("linear", p)
    assert factor("linear", p, length=2.0) == pytest.approx(1 - p / 2)
    assert factor("linear", p, length=0.5) == pytest.approx(max(1 - 2 * p, 0.0))
    assert factor("multi-step", p) == pytest.approx(0.01 if p >= 0.75 else 0.1 if p >= 0.5 else 1)
    if min(abs(p - 1 / 7), abs(p - 3 / 7), 1 - p) > 1e-8:  # a restart is found within rounding
        inside = p * 7 if p < 1 / 7 else (p - 1 / 7) * 7 / 2 if p < 3 / 7 else (p - 3 / 7) * 7 / 4
        assert factor("restarts", p) == pytest.approx(math.cos(math.pi * inside / 2) ** 2, abs=1e-6)


EPOCHS = 10
# PyTorch's schedulers as scripts step them, once an epoch for ten epochs, and ours.
STEPPED = {
    "StepLR": (lambda o: LR.StepLR(o, 3, 0.5), "step", {"gamma": 0.5, "every": 0.3}),
    "ExponentialLR": (lambda o: LR.ExponentialLR(o, 0.9), "step", {"gamma": 0.9, "every": 0.1}),
    "MultiStepLR": (
        lambda o: LR.MultiStepLR(o, [3, 7, 7], 0.2),
        "multi-step",
        {"milestones": (0.3, 0.7, 0.7), "gamma": 0.2},
    ),
    "PolynomialLR": (lambda o: LR.PolynomialLR(o, 10, 2.0), "polynomial", {"power": 2.0}),
    "PolynomialLR, short": (
        lambda o: LR.PolynomialLR(o, 6, 0.5),
        "polynomial",
        {"power": 0.5, "length": 0.6},
    ),
    "CosineAnnealingLR": (lambda o: LR.CosineAnnealingLR(o, 10, 0.1), "cosine", {"floor": 0.1}),
    "CosineAnnealingLR, long": (
        lambda o: LR.CosineAnnealingLR(o, 50), "cosine", {"length": 5.0},
    ),
    "CosineAnnealingLR, short": (
        lambda o: LR.CosineAnnealingLR(o, 4), "cosine", {"length": 0.4},
    ),
    "CosineAnnealingWarmRestarts": (
        lambda o: LR.CosineAnnealingWarmRestarts(o, 2, 2, 0.1),
        "restarts",
        {"first": 0.2, "mult": 2, "floor": 0.1},
    ),
    "CosineAnnealingWarmRestarts, equal": (
        lambda o: LR.CosineAnnealingWarmRestarts(o, 3), "restarts", {"first": 0.3, "mult": 1},
    ),
    "LinearLR, down": (
        lambda o: LR.LinearLR(o, 1.0, 0.1, 8), "linear", {"floor": 0.1, "length": 0.8},
    ),
    "LinearLR, up": (
        lambda o: LR.LinearLR(o, 0.25, 1.0, 4), "constant", {"warmup": 0.4, "warmup_from": 0.25},
    ),
    "LinearLR, then cosine": (
        lambda o: LR.SequentialLR(
            o, [LR.LinearLR(o, 0.25, 1.0, 4), LR.CosineAnnealingLR(o, 6)], [4]
        ),
        "cosine",
        {"warmup": 0.4, "warmup_from": 0.25},
    ),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:The epoch parameter")
@pytest.mark.parametrize("name", STEPPED)
def test_a_scheduler_stepped_once_an_epoch_has_our_factors(name):
    make, ours, settings = STEPPED[name]
    optimizer = SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    theirs = make(optimizer)
    for epoch in range(EPOCHS):
        for share in (0.0, 0.3, 0.999):  # of the epoch
            found = factor(ours, (epoch + share) / EPOCHS, stages=EPOCHS, **settings)
            assert found == pytest.approx(optimizer.param_groups[0]["lr"], abs=1e-12)
        optimizer.step()
        theirs.step()


@pytest.mark.parametrize(
    ("make", "ours", "settings"),
    [
        (lambda o, n: LR.CosineAnnealingLR(o, n), "cosine", {}),
        (lambda o, n: LR.PolynomialLR(o, n, 1.5), "polynomial", {"power": 1.5}),
        (lambda o, n: LR.LinearLR(o, 0.1, 1.0, n // 4), "constant",
         {"warmup": 0.25, "warmup_from": 0.1}),
        (lambda o, n: LR.CosineAnnealingWarmRestarts(o, n // 7, 2), "restarts", {}),
    ],
)  # fmt: skip
def test_a_scheduler_stepped_once_a_batch_has_our_factors(make, ours, settings):
    n = 700
    optimizer = SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    theirs = make(optimizer, n)
    for k in range(n):
        assert factor(ours, k / n, **settings) == pytest.approx(
            optimizer.param_groups[0]["lr"], abs=1e-9
        )
        optimizer.step()
        theirs.step()


LOSSES = st.lists(st.floats(0.1, 2.0), min_size=1, max_size=30)


@given(LOSSES, st.integers(0, 3), st.sampled_from([0.0, 1e-4, 0.05]), st.sampled_from([0.0, 0.03]))
def test_plateau_is_pytorchs_on_the_mean_training_loss(losses, patience, threshold, floor):
    optimizer = SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    theirs = LR.ReduceLROnPlateau(
        optimizer, factor=0.3, patience=patience, threshold=threshold, min_lr=floor, eps=0.0
    )
    n = len(losses)
    settings = {"gamma": 0.3, "patience": patience, "threshold": threshold, "floor": floor}
    ours = make_schedule(choose_schedule("plateau", {"every": 1 / n, **settings}))
    for epoch, loss in enumerate(losses):
        # four steps an epoch, whose mean is the loss that a script would hand over
        for k, part in enumerate((loss + 1, loss - 1, loss, loss)):
            assert ours((epoch + k / 4) / n, 0) == pytest.approx(optimizer.param_groups[0]["lr"])
            ours.observe((epoch + (k + 1) / 4) / n, part)
        theirs.step((loss + 1 + (loss - 1) + loss + loss) / 4)


def test_a_plateau_begins_anew_with_every_round_of_a_constraint():
    ours = make_schedule(choose_schedule("plateau", {"every": 0.25, "patience": 0}))
    for p in (0.25, 0.5, 0.75, 1.0):
        ours.observe(p, 1.0)
    assert ours(1.0, 0) == pytest.approx(1e-3)
    ours.observe(0.25, 5.0)
    assert ours(0.25, 0) == 1.0
    ours.observe(0.5, 4.0)
    assert ours(0.5, 0) == 1.0


def test_a_plateau_goes_on_after_a_resume_as_if_nothing_had_happened(runtime, tmp_path):
    train, engine, _, _ = runtime.load("official")
    recipe = make_recipe("sgd", {"lr": 0.5, "schedule.gamma": 0.5, "schedule.patience": 0,
                                 "schedule.every": 0.05, "schedule.threshold": 0.02},
                         epochs=1, batch_size=15, schedule="plateau")  # fmt: skip

    def training() -> Training:
        return Training(recipe, 0, len(train), engine, runtime.torch_device)

    whole, first, second = training(), training(), training()
    rates = [(whole.step(), whole.rate) for _ in range(100)]
    assert len({rate for _, rate in rates}) > 3, "the rate never fell"
    again = [(first.step(), first.rate) for _ in range(47)]  # between two looks at the mean
    checkpoint.write(tmp_path / "state", first.state())
    second.restore(checkpoint.read(tmp_path / "state"))
    again += [(second.step(), second.rate) for _ in range(53)]
    assert again == rates


def test_only_the_training_loss_decides_on_a_plateau(runtime):
    recipe = make_recipe("sgd", epochs=0.2, batch_size=15, schedule="plateau")
    often = execute(recipe, 0, runtime, eval_at=[0.05, 0.1, 0.15])
    seldom = execute(recipe, 0, replace(runtime, out=runtime.out / "seldom"), eval_at=[])
    assert often.losses.tolist() == seldom.losses.tolist()


@given(name=st.sampled_from(list(schedules())), p=PROGRESS, warmup=st.floats(0, 0.9))
def test_every_factor_lies_in_the_unit_interval(name, p, warmup):
    assert 0 <= factor(name, p, 10, warmup=warmup) <= 1


@pytest.mark.parametrize("name", [name for name in schedules() if name != "1/t"])
def test_warm_up_rises_to_one_and_the_whole_course_follows(name):
    assert factor(name, 0, warmup=0.2) == 0
    assert factor(name, 0.05, warmup=0.2) == pytest.approx(0.25)
    for p in (0.0, 0.25, 0.5, 0.9):
        assert factor(name, 0.2 + 0.8 * p, warmup=0.2) == pytest.approx(factor(name, p))


def test_the_loop_applies_it_to_the_initial_value(runtime):
    train, engine, _, _ = runtime.load("official")
    recipe = make_recipe("heavy_ball", {"lr": 0.1}, epochs=1, batch_size=150, schedule="linear")
    t = Training(recipe, 0, len(train), engine, runtime.torch_device)
    rates = []
    for _ in range(10):
        t.step()
        rates.append(t.rate)
    assert rates == pytest.approx([0.1 * (1 - k / 10) for k in range(10)])


def test_another_hyperparameter_can_be_scheduled(runtime):
    train, engine, _, _ = runtime.load("official")
    recipe = make_recipe("heavy_ball", {"schedule.of": "momentum"}, epochs=1, batch_size=150,
                         schedule="linear")  # fmt: skip
    t = Training(recipe, 0, len(train), engine, runtime.torch_device)
    for _ in range(6):
        t.step()
    assert t.optimizer.param_groups[0]["momentum"] == pytest.approx(0.45)
    assert t.rate == 0.04


def test_milestones_in_a_recipe_are_a_tuple_however_they_are_written():
    typed = make_recipe("sgd", schedule="multi-step:milestones=(0.3,0.6),gamma=0.5")
    listed = make_recipe("sgd", {"schedule.milestones": [0.3, 0.6], "schedule.gamma": 0.5},
                         schedule="multi-step")  # fmt: skip
    assert typed.canonical() == listed.canonical()
    assert recall(json.loads(json.dumps(typed.canonical()))) == typed
    words = shlex.split(typed.recorded().command())
    assert "schedule.milestones=(0.3, 0.6)" in words


def test_new_settings_of_schedules_change_no_recorded_recipe():
    assert make_recipe("sgd", schedule="cosine").canonical()["schedule"] == ["cosine", {}]


def test_mistakes_are_refused():
    for wrong in ("soon", (0.5, 1.5), True, (None,)):
        with pytest.raises(UserError, match="expected shares of the budget"):
            choose_schedule("multi-step", {"milestones": wrong})
    with pytest.raises(UserError, match=r"stages=1\.5 is not whole"):
        choose_schedule("cosine", {"stages": 1.5})
    with pytest.raises(UserError, match="did you mean 'cosine'"):
        choose_schedule("cosin", {})
    with pytest.raises(UserError, match="every=0 is out of range"):
        choose_schedule("step", {"every": 0})
    with pytest.raises(UserError, match="unknown setting of schedule constant: 'gamma'"):
        choose_schedule("constant", {"gamma": 1})
