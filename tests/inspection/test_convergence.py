"""Softmax regression's constants and minimum; methods below theory's bounds, at theory's rates."""

import json
import math

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

from lenetlab.inspection import convergence
from lenetlab.inspection.rates import constant_rate, falling_rate, inexact_newton, svrg_factor
from lenetlab.inspection.softmax import softmax_regression


@pytest.fixture(scope="module")
def known(train):
    return softmax_regression(train, 300)


def dense(known, w):
    _, oracle = known.pose(1)
    return oracle.hessian(oracle.full, at=w) @ torch.eye(len(w), dtype=w.dtype)


def points(known, count=4):
    rng = torch.Generator().manual_seed(0)
    shape = (count, len(known.minimum))
    return [known.minimum, *(5 * torch.randn(shape, generator=rng, dtype=torch.float64))]


# the problem


def test_answers_are_those_of_autograd(known):
    problem = known.problem
    batch = torch.tensor([3, 141, 59])
    for w in points(known):
        leaf = w.clone().requires_grad_()
        losses = problem.losses(problem.outputs(leaf, batch), problem.targets(batch))
        (expected,) = torch.autograd.grad(losses.mean(), leaf)
        found = torch.empty_like(w)
        loss = problem.gradient(w, batch, found)
        torch.testing.assert_close(found, expected)
        assert float(loss) == pytest.approx(float(losses.detach().mean()))
        assert float(loss) == float(problem.value(w, batch))
        _, norms = problem.per_example_norms(w, batch)
        for i, norm in zip(batch, norms, strict=True):
            problem.gradient(w, i.unsqueeze(0), found)
            assert float(norm) == pytest.approx(float(found.norm()))


def test_variance_is_that_of_all_single_gradients(known):
    problem = known.problem
    w = points(known)[1]
    each = torch.stack(
        [
            torch.func.grad(
                lambda w, i=i: problem.losses(problem.outputs(w, i), problem.targets(i)).sum()
            )(w)
            for i in torch.arange(len(problem)).unsqueeze(1)
        ]
    )
    assert known.variance(w) == pytest.approx(float(each.var(0, correction=0).sum()))


def test_curvature_is_between_its_bounds(known):
    for w in points(known):
        values = torch.linalg.eigvalsh(dense(known, w))
        assert known.c * (1 - 1e-9) <= values[0]
        assert values[-1] <= known.smooth
    norms = known.problem.x.norm(dim=1)
    torch.testing.assert_close(norms, torch.ones_like(norms))
    assert known.smooth <= known.smooth_each


def test_the_hessian_changes_no_faster_than_its_bound(known):
    for a, b in zip(points(known), points(known)[1:], strict=False):
        step = (b - a) * 1e-2
        change = torch.linalg.matrix_norm(dense(known, a + step) - dense(known, a), 2)
        assert float(change) <= known.smooth_hessian * float(step.norm())


def test_the_minimum_is_scipys(known):
    _, oracle = known.pose(1)
    loss, g = oracle.gradient(oracle.full, at=known.minimum)
    assert g.norm() <= 1e-12
    assert float(loss) == known.least

    def objective(w):
        loss, g = oracle.gradient(oracle.full, at=torch.from_numpy(w.copy()))
        return float(loss), g.numpy()

    options = {"ftol": 1e-16, "gtol": 1e-9}
    found = minimize(objective, np.ones(len(g)), jac=True, method="L-BFGS-B", options=options)
    assert found.fun == pytest.approx(known.least, abs=1e-12)
    np.testing.assert_allclose(found.x, known.minimum.numpy(), atol=1e-5)
    assert known.excess(known.minimum) == 0


# rates


def test_rates_in_closed_form():
    # one dimension, F = c w²/2, exact gradients: F − F* falls by (1 − αc)², faster than promised
    c, rate, gap = 0.5, 0.4, 2.0
    bound = constant_rate([0, 1, 5], rate, gap, c, c, 0.0)
    assert bound == pytest.approx([gap, gap * 0.8, gap * 0.8**5])
    # with noise of variance M the second moment settles at α²M/(1 − (1 − αc)²), below the bound's
    settled = 0.5 * c * rate**2 * 3 / (1 - (1 - rate * c) ** 2)
    (end,) = constant_rate([10_000], rate, gap, c, c, 3.0)
    assert settled < end == pytest.approx(rate * c * 3 / (2 * c))
    # Bottou et al.: ν is the larger of the two
    assert falling_rate([0], 4.0, 9.0, 2.0, c, c, 0.0) == pytest.approx([2.0])
    assert falling_rate([90], 4.0, 9.0, 0.0, c, c, 3.0) == pytest.approx([16 * c * 3 / 2 / 100])
    # Johnson and Zhang, section 3: η = 0.1/L and m = 50 L/c give a factor of ½
    assert svrg_factor(0.1 / 7, 50 * 7, 1.0, 7.0) == pytest.approx(0.5)
    found = inexact_newton([100.0, 0.1, 9.0], 0.0, 1.0, 2.0)
    assert found == [None, pytest.approx(0.1**2 / 2), pytest.approx(0.01**2 / 2)]


@pytest.fixture(scope="module")
def found(known):
    return {course.title: course for course in convergence.courses(known, seeds=2)}


@pytest.mark.long
def test_every_course_is_below_its_bound(found):
    assert len(found) == 6
    for course in found.values():
        assert len(course.k) == len(course.measured) == len(course.theory)
        for measured, bound in zip(course.measured, course.theory, strict=True):
            assert bound is None or measured <= bound * (1 + 1e-9) + 1e-14, course.title
        assert sum(bound is not None for bound in course.theory) >= 5


@pytest.mark.long
def test_rates_are_those_of_theory(found, known):
    falling = found["SGD, rate 1/t"]
    late = [(k, e) for k, e in zip(falling.k, falling.measured, strict=True) if k > 200]
    slope = np.polyfit(*np.log(np.array(late)).T, 1)[0]
    assert slope == pytest.approx(-1, abs=0.3)
    constant = found["SGD, constant rate"]
    floor = np.mean(constant.measured[-15:])
    assert constant.theory[-1] / 1000 < floor < constant.theory[-1]
    # linear, and no slower than promised
    for name in ("Gradient descent", "SVRG"):
        way = [e for e in found[name].measured if e > 1e-13]
        promised = found[name].theory[: len(way)]
        assert way[-1] / way[0] < promised[-1] / promised[0] < 1
    # quadratic: the number of digits doubles
    exact = [e for e in found["Newton-CG, exact"].measured if e > 1e-14]
    assert len(exact) <= 5
    assert math.log(exact[-1]) / math.log(exact[-2]) > 1.6
    loose = [e for e in found["Newton-CG, residual 0.1"].measured if e > 1e-14]
    ratios = np.array(loose[3:]) / np.array(loose[2:-1])
    assert (ratios < 0.1).all()  # ‖∇F‖ falls to a tenth, its square to a hundredth, times L/c
    assert (ratios > 1e-5).all()  # but is not quadratic


@pytest.mark.long
def test_the_record_is_plain_json(found, known):
    said = convergence.record(known, list(found.values()), 2)
    assert json.loads(json.dumps(said, allow_nan=False)) == said
    assert said["problem"]["c"] == known.c


def test_newtons_method_is_the_laboratorys_own(known):
    """A quick look at one course, without seeds."""
    course = convergence.newton_tight(known, 1)
    exact = [e for e in course.measured if e > 1e-14]
    assert len(exact) <= 5
    for measured, bound in zip(course.measured, course.theory, strict=True):
        assert bound is None or measured <= bound + 1e-14
