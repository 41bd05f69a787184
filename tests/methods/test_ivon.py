"""IVON: the paper's Algorithm 1 written out, its estimate of the curvature, what noise costs."""

import pytest
import torch

from lenetlab.errors import UserError
from tests.methods.training import build, last, steps
from tests.problems import Quadratic, Softmax, setting

STEPS = 50


@pytest.mark.parametrize(("delta", "samples"), [(0.0, 1), (0.05, 1), (0.05, 3)])
def test_it_follows_algorithm_1(delta, samples):
    """With the paper's symbols: α is the rate, rescaled by h₀ + δ as in its first line."""
    alpha, beta1, beta2, h0, lam = 0.2, 0.8, 0.95, 0.5, 120.0
    s, slow = setting(Softmax(), 12), setting(Softmax(), 12)
    found = steps("ivon", s, STEPS, lr=alpha, beta1=beta1, beta2=beta2, hessian=h0, ess=lam,
                  samples=samples, weight_decay=delta)  # fmt: skip
    m = slow.weights.w.clone()
    h, g = torch.full_like(m, h0), torch.zeros_like(m)
    sigma = 1 / (lam * (h + delta)).sqrt()
    for t, mean in enumerate(found, start=1):
        slow.oracle.next_step()
        g_hat, h_hat = torch.zeros_like(m), torch.zeros_like(m)
        for _ in range(samples):
            noise = torch.randn(15, generator=slow.oracle.rng, dtype=torch.float64)
            theta = m + sigma * noise
            _, one = slow.oracle.gradient(slow.oracle.batch, at=theta)
            g_hat += one / samples
            h_hat += one * (theta - m) / sigma**2 / samples
        g = beta1 * g + (1 - beta1) * g_hat
        h = beta2 * h + (1 - beta2) * h_hat + (1 - beta2) ** 2 / 2 * (h - h_hat) ** 2 / (h + delta)
        m = m - alpha * (h0 + delta) * (g / (1 - beta1**t) + delta * m) / (h + delta)
        sigma = 1 / (lam * (h + delta)).sqrt()
        torch.testing.assert_close(mean, m, rtol=1e-9, atol=1e-11)
    assert m.norm() > 0.5


def test_on_a_quadratic_the_estimate_is_the_diagonal_in_the_mean():
    """At the minimum ĝ = A σe, so ĥᵢ has mean aᵢᵢ, and a variance below 2 (A²)ᵢᵢ for equal σ."""
    s = setting(Quadratic(noise=0.0))
    s.weights.w.copy_(s.problem.minimum)
    optimizer = build("ivon", s, lr=0.0, beta2=0.0, hessian=1.0, samples=4000).base
    s.oracle.next_step()
    root = torch.full((9,), 60.0, dtype=torch.float64)
    s.oracle.draw(s.problem.n)
    _, _, h_hat = optimizer._estimate(s.oracle, root)
    a = s.problem.a
    deviation = (2 * (a @ a).diagonal() / 4000).sqrt()
    assert ((h_hat - a.diagonal()).abs() < 4 * deviation).all()
    assert a.diagonal().max() > 1.5 * a.diagonal().min()


def test_curvature_stays_positive_however_rough_the_estimate():
    s = setting(Softmax(), 1)
    optimizer = build("ivon", s, beta2=0.1, hessian=1e-3, ess=10.0)
    before = optimizer.base.h.clone()
    for _ in range(STEPS):
        s.oracle.next_step()
        optimizer.step(s.oracle)
        h = optimizer.base.h
        assert (h >= before / 2 * (1 - 1e-9)).all()
        before = h.clone()
    assert s.weights.w.isfinite().all()


def test_without_noise_to_speak_of_it_is_momentum_at_the_rescaled_rate():
    """ess → ∞ at β₂ → 1: h stays h₀, and a step is the corrected mean gradient times the rate."""
    s, slow = setting(Softmax(), 12), setting(Softmax(), 12)
    found = last("ivon", s, STEPS, lr=0.3, beta1=0.9, beta2=1 - 1e-14, ess=1e16)
    w, g = slow.weights.w.clone(), torch.zeros(15, dtype=torch.float64)
    for t in range(1, STEPS + 1):
        slow.oracle.next_step()
        _, one = slow.oracle.gradient(slow.oracle.batch, at=w)
        g = 0.9 * g + 0.1 * one
        w = w - 0.3 * g / (1 - 0.9**t)
    torch.testing.assert_close(found, w, rtol=1e-5, atol=1e-6)


def test_every_sample_is_billed_and_the_mean_is_what_is_judged():
    s = setting(Softmax(), 12)
    optimizer = build("ivon", s, samples=3)
    s.oracle.next_step()
    optimizer.step(s.oracle)
    assert (s.oracle.ledger.gradients, s.oracle.ledger.forwards) == (36, 0)
    assert torch.equal(optimizer.eval_weights(s.weights.w), s.weights.w)


def test_curvature_begins_above_zero():
    with pytest.raises(UserError, match="hessian=0 is out of range"):
        build("ivon", setting(Softmax()), hessian=0.0)
