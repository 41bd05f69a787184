"""LPF: its noise, the paper's step written out, the filtered gradient in the mean, the bill."""

import math

import pytest
import torch

from lenetlab.methods.estimators.lpf import row_norms
from lenetlab.problem.model import SHAPES, initial_weights, views
from tests.methods.training import last, steps
from tests.problems import Quadratic, Setting, Softmax, setting


def begun(problem=Softmax, batch=12) -> Setting:
    s = setting(problem(), batch)
    s.weights.w.copy_(torch.linspace(-1, 2, len(s.weights.w), dtype=torch.float64))
    return s


@pytest.mark.parametrize("base", ["sgd", "heavy_ball", "adamw"])
def test_without_noise_it_is_the_method_inside_bit_for_bit(base):
    ours, plain = begun(), begun()
    given = {"lpf_gamma": 0.0, "lpf_parts": 1}
    pairs = zip(steps(f"lpf+{base}", ours, 40, **given), steps(base, plain, 40), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def test_it_follows_the_authors_algorithm():
    """Part after part of the batch, noise of deviation γ_t times the norm of each row, taken back
    after the gradient; the weights are a 3 × 4 matrix and a bias."""
    gamma, alpha, eta, n = 0.1, 3.0, 0.2, 40
    s, slow = begun(), begun()
    found = steps("lpf+sgd", s, n, lr=eta, lpf_gamma=gamma, lpf_alpha=alpha, lpf_parts=5)
    matrix, bias = slow.weights.w[:12].view(3, 4).clone(), slow.weights.w[12:].clone()
    p = slow.problem
    for k, w in enumerate(found):
        slow.oracle.next_step()
        i = slow.oracle.batch.indices
        width = gamma * (alpha / 2 * (-math.cos(k / n * math.pi) + 1) + 1)
        g, sizes = 0, []
        for part in (i[:3], i[3:6], i[6:9], i[9:12]):  # 12 in 5 parts: threes
            e = torch.randn(15, generator=slow.oracle.rng, dtype=torch.float64)
            noisy = torch.cat([
                (matrix + width * matrix.norm(dim=1, keepdim=True) * e[:12].view(3, 4)).flatten(),
                bias + width * bias.norm() * e[12:],
            ])  # fmt: skip
            one = torch.func.grad(lambda w, j=part: p.losses(p.outputs(w, j), p.targets(j)).sum())
            g, sizes = g + one(noisy), [*sizes, len(part)]
        g = g / 12
        matrix, bias = matrix - eta * g[:12].view(3, 4), bias - eta * g[12:]
        torch.testing.assert_close(w, torch.cat([matrix.flatten(), bias]), rtol=1e-10, atol=1e-12)
    assert sizes == [3, 3, 3, 3]


def test_parts_of_other_sizes_count_by_their_size():
    """Without noise any cut of the batch gives its gradient: 12 examples as 5 + 5 + 2."""
    ours, plain = begun(), begun()
    given = {"lpf_gamma": 0.0, "lpf_parts": 7}
    for a, b in zip(
        steps("lpf+sgd", ours, 20, lr=0.2, **given), steps("sgd", plain, 20, lr=0.2), strict=True
    ):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-13)


def test_noise_is_scaled_by_filters():
    w = initial_weights(torch.Generator().manual_seed(0)).double()
    found, x = views(row_norms(w, SHAPES)), views(w)
    for name, v in found.items():
        if name == "conv2.weight":
            assert v.shape == (16, 6, 5, 5)
            assert torch.equal(v[3], torch.full_like(v[3], float(x[name][3].norm())))
        if name == "fc3.bias":
            torch.testing.assert_close(v, torch.full_like(v, float(x[name].norm())))
    torch.testing.assert_close(found["fc1.weight"][:, 7], x["fc1.weight"].norm(dim=1))


def test_on_a_quadratic_the_filter_changes_no_gradient_in_the_mean():
    """Its blur is a constant: v = ∇F + A σe, here the mean of 3,000 with 120 parts each."""
    s, plain = begun(Quadratic, None), begun(Quadratic, None)
    start, n = s.weights.w.clone(), 40
    total = torch.zeros(9, dtype=torch.float64)
    for w in steps("lpf+sgd", s, n, lr=1.0, lpf_gamma=0.3, lpf_alpha=0.0, lpf_parts=120):
        total += start - w
        s.weights.w.copy_(start)
    expected = start - last("sgd", plain, 1, lr=1.0)
    sigma = 0.3 * row_norms(start, s.problem.shapes)
    hessians = torch.einsum("ni,nj->nij", s.problem.x, s.problem.x)
    variance = (hessians * sigma).square().sum((0, 2)) / s.problem.n**2 / n
    assert ((total / n - expected).abs() < 4 * variance.sqrt()).all()


def test_it_costs_one_gradient_and_draws_one_batch():
    s, plain = begun(), begun()
    last("lpf+sgd", s, 3, lpf_parts=5)
    last("sgd", plain, 3)
    assert s.oracle.ledger.counts() == plain.oracle.ledger.counts()
    assert s.oracle.order.epochs == plain.oracle.order.epochs
