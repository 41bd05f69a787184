"""EMA, SWA, Polyak-Ruppert: what they average, when, and that they never touch the training."""

import pytest
import torch

from lenetlab.methods.wrappers import wrappers
from tests.methods.training import build, excess, last, steps
from tests.problems import Quadratic, Softmax, setting

AVERAGES = [name for name, entry in wrappers().items() if entry.kind == "average"]


def iterates(n=60):
    return list(steps("sgd", setting(Softmax(), 12), n))


@pytest.mark.parametrize("name", AVERAGES)
def test_the_training_is_unchanged(name):
    s = setting(Softmax(), 12)
    last(f"{name}+sgd", s, 60)
    assert torch.equal(s.weights.w, iterates()[-1])


def test_ema_is_the_weighted_mean_without_its_start():
    w = torch.stack(iterates())
    weight = 0.9 ** torch.arange(59, -1, -1, dtype=torch.float64)
    expected = (weight.unsqueeze(1) * w).sum(0) / weight.sum()
    found = last("ema+sgd", setting(Softmax(), 12), 60, ema_decay=0.9)
    torch.testing.assert_close(found, expected)


def test_ema_with_decay_zero_is_the_method_inside():
    found = list(steps("ema+sgd", setting(Softmax(), 12), 60, ema_decay=0.0))
    assert all(torch.equal(a, b) for a, b in zip(found, iterates(), strict=True))


def test_polyak_ruppert_is_the_mean_since_its_start():
    found = last("polyak_ruppert+sgd", setting(Softmax(), 12), 60, polyak_ruppert_start=0.5)
    torch.testing.assert_close(found, torch.stack(iterates()[29:]).mean(0))


def test_swa_is_the_mean_of_every_tenth():
    found = last("swa+sgd", setting(Softmax(), 12), 60, swa_start=0.5, swa_every=10)
    torch.testing.assert_close(found, torch.stack(iterates()[29::10]).mean(0))


def test_lawa_is_the_mean_of_the_last_few_checkpoints():
    found = list(steps("lawa+sgd", setting(Softmax(), 12), 60, lawa_k=4, lawa_every=10))
    w = torch.stack(iterates())
    torch.testing.assert_close(found[-1], w[[29, 39, 49, 59]].mean(0))
    torch.testing.assert_close(found[-2], w[[19, 29, 39, 49]].mean(0))
    torch.testing.assert_close(found[25], w[[9, 19]].mean(0))  # there are no more
    assert torch.equal(found[7], w[7])


def test_lawa_of_one_checkpoint_a_step_is_the_method_inside():
    found = list(steps("lawa+sgd", setting(Softmax(), 12), 60, lawa_k=1, lawa_every=1))
    assert all(torch.equal(a, b) for a, b in zip(found, iterates(), strict=True))


def test_lawa_that_forgets_nothing_is_swa_from_the_start():
    """SWA's first model is that of the first step; LAWA's that of the first `every`."""
    lawa = last("lawa+sgd", setting(Softmax(), 12), 60, lawa_k=60, lawa_every=1)
    swa = last("swa+sgd", setting(Softmax(), 12), 60, swa_start=0.0, swa_every=1)
    torch.testing.assert_close(lawa, swa)


def test_torch_averages_the_same():
    s = setting(Softmax(), 12)
    model = torch.nn.Module()
    model.w = torch.nn.Parameter(s.weights.w.clone())
    averaged = torch.optim.swa_utils.AveragedModel(model)
    for w in steps("sgd", s, 60):
        model.w.data.copy_(w)
        averaged.update_parameters(model)
    found = last("polyak_ruppert+sgd", setting(Softmax(), 12), 60, polyak_ruppert_start=0.0)
    torch.testing.assert_close(found, averaged.module.w.detach())


@pytest.mark.parametrize("name", AVERAGES)
def test_the_mean_is_nearer_to_the_minimum(name):
    s = setting(Quadratic(), 6)
    averaged = last(f"{name}+sgd", s, 2000, lr=0.3)
    assert excess(s, averaged) < 0.3 * excess(s, s.weights.w)


@pytest.mark.parametrize("name", AVERAGES)
def test_looking_changes_nothing_and_state_survives(name):
    s = setting(Softmax(), 12)
    optimizer = build(f"{name}+sgd", s)
    for k in range(60):
        s.oracle.next_step()
        optimizer.step(s.oracle)
        optimizer.observe(s.weights.w, (k + 1) / 60)
    eval_weights = optimizer.eval_weights(s.weights.w).clone()
    assert torch.equal(optimizer.eval_weights(s.weights.w), eval_weights)
    again = build(f"{name}+sgd", setting(Softmax(), 12))
    again.load_state_dict(optimizer.state_dict())
    assert torch.equal(again.eval_weights(s.weights.w), eval_weights)
