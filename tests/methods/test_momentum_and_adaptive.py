"""PNM, Lion, Adan, AdEMAMix, Prodigy, Schedule-Free: what they reduce to, and their warm-ups."""

import math

import pytest
import schedulefree
import torch

from lenetlab.methods.adaptive.ademamix import slow
from tests.methods.training import build, steps
from tests.problems import Softmax, setting

STEPS = 50


def small():
    return setting(Softmax(), 12)


def assert_same(ours, others, tolerance=1e-12):
    for a, b in zip(ours, others, strict=True):
        torch.testing.assert_close(a, b, rtol=tolerance, atol=tolerance)
    assert a.norm() > 0.1


def test_pnm_follows_its_page():
    """All memories by the number of their step; that of odd steps knows odd gradients alone."""
    eta, beta0, beta1, lam = 0.4, 0.7, 0.8, 0.05
    s, w = small(), small().weights.w
    m = {-1: torch.zeros_like(w), 0: torch.zeros_like(w)}
    given = {"lr": eta, "beta0": beta0, "beta1": beta1, "weight_decay": lam}
    for t, found in enumerate(steps("pnm", small(), STEPS, **given), start=1):
        s.oracle.next_step()
        _, g = s.oracle.gradient(s.oracle.batch, at=w)
        m[t] = beta1**2 * m[t - 2] + (1 - beta1**2) * g
        step = ((1 + beta0) * m[t] - beta0 * m[t - 1]) / math.sqrt((1 + beta0) ** 2 + beta0**2)
        w = (1 - eta * lam) * w - eta * step
        torch.testing.assert_close(found, w, rtol=1e-11, atol=1e-12)


def test_pnm_without_either_memory_is_sgd():
    ours = steps("pnm", small(), STEPS, lr=0.3, beta0=0.0, beta1=0.0)
    assert_same(ours, steps("sgd", small(), STEPS, lr=0.3), 0.0)


def test_lion_without_memory_is_sign_descent():
    s, w = small(), small().weights.w
    for found in steps("lion", small(), STEPS, lr=0.01, beta1=0.0):
        s.oracle.next_step()
        _, g = s.oracle.gradient(s.oracle.batch, at=w)
        w = w - 0.01 * g.sign()
        torch.testing.assert_close(found, w, rtol=1e-12, atol=1e-12)


def test_ademamix_without_its_slow_memory_is_adamw():
    given = {"lr": 0.02, "beta1": 0.8, "beta2": 0.99, "weight_decay": 0.1}
    ours = steps("ademamix", small(), STEPS, alpha=0.0, **given)
    assert_same(ours, steps("adamw", small(), STEPS, **given))


def test_ademamix_raises_its_memory_from_the_fast_one_to_the_slow_one():
    assert slow(0.9, 0.999, 0.0) == pytest.approx(0.9)
    assert slow(0.9, 0.999, 1.0) == pytest.approx(0.999)
    half = math.log(2) / -math.log(slow(0.9, 0.999, 0.5))
    ends = [math.log(2) / -math.log(beta) for beta in (0.9, 0.999)]
    assert half == pytest.approx(sum(ends) / 2)


def test_adan_without_differences_is_adam():
    ours = steps("adan", small(), STEPS, lr=0.02, beta1=0.8, beta2=0.0, beta3=0.99)
    assert_same(ours, steps("adam", small(), STEPS, lr=0.02, beta1=0.8, beta2=0.99))


def test_prodigy_with_an_estimate_that_stays_is_adam_without_bias_correction():
    s, w = small(), small().weights.w
    m, v = torch.zeros_like(w), torch.zeros_like(w)
    given = {"lr": 2.0, "d0": 0.01, "d_coef": 1e-6, "beta1": 0.8, "beta2": 0.99, "eps": 1e-4}
    for found in steps("prodigy", small(), STEPS, **given):
        s.oracle.next_step()
        _, g = s.oracle.gradient(s.oracle.batch, at=w)
        m = 0.8 * m + 0.2 * g
        v = 0.99 * v + 0.01 * g * g
        w = w - 0.02 * m / (v.sqrt() + 1e-4)
        torch.testing.assert_close(found, w, rtol=1e-12, atol=1e-12)


def test_prodigy_finds_a_rate_of_the_order_of_the_distance():
    """From d₀ = 10⁻⁶ up to within a factor of ten of max |w − w*|, and never down."""
    s = setting(Softmax())
    optimizer = build("prodigy", s, d_coef=1.0)
    seen = []
    for _ in range(200):
        s.oracle.next_step()
        optimizer.step(s.oracle)
        seen.append(optimizer.base.d)
    assert seen == sorted(seen)
    distance = float(s.weights.w.abs().max())  # it began at zero
    assert seen[0] < 1e-4
    assert 0.1 * distance < seen[-1] < distance


def test_schedule_free_with_beta_zero_is_sgd_judged_at_the_mean_of_its_iterates():
    s, plain = small(), steps("sgd", small(), STEPS, lr=0.3)
    iterates = []
    for eval_weights, w in zip(steps("schedule_free_sgd", s, STEPS, lr=0.3, beta=0.0), plain,
                         strict=True):  # fmt: skip
        iterates.append(w)
        assert s.weights.w.equal(w)
        torch.testing.assert_close(
            eval_weights, torch.stack(iterates).mean(0), rtol=1e-12, atol=1e-12
        )


def test_schedule_free_with_beta_one_takes_gradients_at_its_answer():
    s = small()
    for eval_weights in steps("schedule_free_sgd", s, STEPS, lr=0.3, beta=1.0):
        assert s.weights.w.equal(eval_weights)


def test_schedule_free_adamw_with_beta_zero_walks_as_adam_does():
    s, plain = small(), steps("adam", small(), STEPS, lr=0.02, beta1=0.0, beta2=0.99)
    iterates = []
    for eval_weights, w in zip(
        steps("schedule_free_adamw", s, STEPS, lr=0.02, beta1=0.0, beta2=0.99), plain, strict=True
    ):
        iterates.append(w)
        torch.testing.assert_close(s.weights.w, w, rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(
            eval_weights, torch.stack(iterates).mean(0), rtol=1e-12, atol=1e-12
        )


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("schedule_free_sgd",
         lambda p: schedulefree.SGDScheduleFree(p, lr=0.5, momentum=0.9, warmup_steps=30)),
        ("schedule_free_adamw",
         lambda p: schedulefree.AdamWScheduleFree(p, lr=0.5, warmup_steps=30)),
    ],
)  # fmt: skip
def test_schedule_free_weighs_the_iterates_of_a_warm_up_as_its_package_does(name, make):
    ours, slow_one = small(), small()
    optimizer = build(name, ours, lr=0.5)
    p = torch.nn.Parameter(slow_one.weights.w.clone())
    theirs = make([p])
    for k in range(100):
        optimizer.param_groups[0]["lr"] = 0.5 * min((k + 1) / 30, 1.0)
        ours.oracle.next_step()
        optimizer.step(ours.oracle)
        theirs.train()
        slow_one.oracle.next_step()
        _, p.grad = slow_one.oracle.gradient(slow_one.oracle.batch, at=p)
        theirs.step()
        theirs.eval()
        eval_weights = optimizer.eval_weights(ours.weights.w)
        torch.testing.assert_close(eval_weights, p.detach(), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", ["schedule_free_sgd", "schedule_free_adamw", "prodigy"])
def test_a_first_step_at_rate_zero_moves_nothing_and_is_no_end(name):
    """A warm-up begins at zero."""
    s = small()
    start = s.weights.w.clone()
    optimizer = build(name, s, lr=0.0)
    for rate in (0.0, 0.1):
        assert optimizer.eval_weights(s.weights.w).equal(start)
        optimizer.param_groups[0]["lr"] = rate
        s.oracle.next_step()
        optimizer.step(s.oracle)
    assert s.weights.w.isfinite().all()
    assert not optimizer.eval_weights(s.weights.w).equal(start)
