"""SAM and ASAM: reductions, the paper's formula, another package step by step, the bill."""

import pytest
import pytorch_optimizer
import torch

from tests.methods.training import last, steps
from tests.problems import Quadratic, Softmax, setting

BASES = ["sgd", "heavy_ball", "adamw"]


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("name", ["sam", "asam"])
def test_at_radius_zero_it_is_the_method_inside_bit_for_bit(name, base):
    ours, plain = setting(Softmax(), 12), setting(Softmax(), 12)
    pairs = zip(
        steps(f"{name}+{base}", ours, 60, **{f"{name}_rho": 0.0}), steps(base, plain, 60),
        strict=True,
    )  # fmt: skip
    assert all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize(("name", "adaptive"), [("sam", False), ("asam", True)])
def test_another_package_agrees_step_by_step(name, adaptive):
    ours, s = setting(Softmax(), 12), setting(Softmax(), 12)
    p = s.problem
    # the package's ASAM has T = |w| without η, and starts nowhere from w = 0
    for one in (ours, s):
        one.weights.w.copy_(torch.linspace(-1, 1, 15, dtype=torch.float64))
    w = torch.nn.Parameter(s.weights.w.clone())
    theirs = pytorch_optimizer.SAM(
        [w], base_optimizer=torch.optim.SGD, rho=0.3, adaptive=adaptive, lr=0.2, momentum=0.9
    )
    given = {f"{name}_rho": 0.3} | ({"asam_eta": 0.0} if adaptive else {})
    for found in steps(f"{name}+heavy_ball", ours, 60, lr=0.2, momentum=0.9, **given):
        i = s.oracle.order.take(12)

        def closure(i=i):
            with torch.enable_grad():
                w.grad = None
                loss = p.losses(p.outputs(w, i), p.targets(i)).mean()
                loss.backward()
            return loss

        closure()
        theirs.step(closure)
        # the package sums the norm in float32, whatever the weights are in
        torch.testing.assert_close(found, w.detach(), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", ["sam", "asam"])
def test_the_gradient_is_that_of_the_neighbour(name):
    """On a quadratic: v = A (w + ε) − b."""
    s = setting(Quadratic())
    s.weights.w.copy_(torch.linspace(-1, 1, 9, dtype=torch.float64))
    w, g = s.weights.w.clone(), s.problem.a @ (s.weights.w - s.problem.minimum)
    t = torch.ones(9, dtype=torch.float64) if name == "sam" else w.abs() + 0.1
    epsilon = 0.3 * t * t * g / (t * g).norm()
    given = {f"{name}_rho": 0.3} | ({"asam_eta": 0.1} if name == "asam" else {})
    found = last(f"{name}+sgd", s, 1, lr=1.0, **given)
    torch.testing.assert_close(found, w - (g + s.problem.a @ epsilon), rtol=1e-11, atol=1e-12)


def test_where_the_gradient_is_zero_there_is_no_worst_neighbour():
    s = setting(Quadratic(noise=0.0))
    s.weights.w.copy_(s.problem.minimum)
    for name in ("sam", "asam"):
        assert last(f"{name}+sgd", s, 1).isfinite().all()


@pytest.mark.parametrize("name", ["sam", "asam"])
def test_it_costs_two_gradients_and_reports_the_loss_at_w(name):
    s, plain = setting(Softmax(), 12), setting(Softmax(), 12)
    last(f"{name}+sgd", s, 1)
    last("sgd", plain, 1)
    assert s.oracle.ledger.gradients == 2 * plain.oracle.ledger.gradients == 24
    assert s.oracle.loss == plain.oracle.loss
