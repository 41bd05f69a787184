"""Projections and proximal operators: against a solver, by their definitions, and at ties."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from lenetlab.methods.constrained.projections import (
    ONTO,
    hard_threshold,
    onto_l1,
)
from lenetlab.methods.sparsity import soft_threshold

NORM = {"l2": lambda x: x.norm(), "l1": lambda x: x.abs().sum(), "linf": lambda x: x.abs().max()}
few = settings(max_examples=40)
NUMBER = st.floats(-10, 10, allow_subnormal=False).map(lambda x: round(x, 3))  # ties are likely
VECTOR = st.lists(NUMBER, min_size=1, max_size=12).map(
    lambda values: torch.tensor(values, dtype=torch.float64)
)
RADIUS = st.floats(0.0, 20)


@pytest.mark.parametrize("ball", ONTO)
@few
@given(w=VECTOR, r=RADIUS)
def test_a_projection_is_inside_idempotent_and_leaves_what_is_inside(ball, w, r):
    x = ONTO[ball](w, r)
    assert NORM[ball](x) <= r + 1e-13 * w.abs().sum()
    torch.testing.assert_close(ONTO[ball](x, r), x, rtol=1e-12, atol=1e-12)
    if NORM[ball](w) <= r:
        assert torch.equal(x, w)


@pytest.mark.parametrize("ball", ONTO)
@few
@given(w=VECTOR, r=RADIUS, seed=st.integers(0, 1000))
def test_no_point_of_the_ball_lies_beyond_the_projection(ball, w, r, seed):
    """The nearest point x of a convex set C is the one with ⟨w − x, y − x⟩ ≤ 0 for all y in C."""
    x = ONTO[ball](w, r)
    y = torch.randn(200, len(w), generator=torch.Generator().manual_seed(seed)).double()
    vertices = torch.cat([y, torch.eye(len(w)).double(), -torch.eye(len(w)).double(), y.sign()])
    points = torch.stack([r * v / NORM[ball](v).clamp(min=1e-9) for v in vertices])
    assert ((points - x) @ (w - x)).max() <= 1e-9


def by_sorting(w, r):
    """Figure 1 of Duchi et al. 2008."""
    size = np.sort(np.abs(w))[::-1]
    if size.sum() <= r:
        return w
    total = np.cumsum(size) - r
    rho = np.nonzero(size - total / np.arange(1, len(w) + 1) > 0)[0][-1]
    return np.sign(w) * np.maximum(np.abs(w) - total[rho] / (rho + 1), 0)


@few
@given(w=VECTOR, r=st.floats(0.01, 20))
def test_the_l1_ball_is_reached_as_by_sorting(w, r):
    expected = torch.from_numpy(np.array(by_sorting(w.numpy(), r)))
    torch.testing.assert_close(onto_l1(w, r), expected, rtol=1e-10, atol=1e-12)


@settings(max_examples=15)
@given(w=VECTOR.filter(lambda w: len(w) < 6), r=st.floats(0.1, 5))
def test_a_solver_finds_the_same_point_of_the_l1_ball(w, r):
    """Split into positive and negative parts, the ball is a simplex and the problem smooth."""
    n, target = len(w), w.numpy()
    found = minimize(
        lambda v: 0.5 * np.sum((v[:n] - v[n:] - target) ** 2),
        np.full(2 * n, r / (4 * n)),
        jac=lambda v: np.concatenate([v[:n] - v[n:] - target, target - v[:n] + v[n:]]),
        bounds=[(0, None)] * (2 * n),
        constraints={"type": "ineq", "fun": lambda v: r - v.sum()},
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 500},
    )  # fmt: skip
    expected = torch.from_numpy(found.x[:n] - found.x[n:])
    torch.testing.assert_close(onto_l1(w, r), expected, rtol=1e-4, atol=1e-5)


def test_the_l1_ball_in_float32_and_44426_dimensions():
    w = torch.randn(44_426, generator=torch.Generator().manual_seed(0)) * 0.05
    expected = torch.from_numpy(np.array(by_sorting(w.double().numpy(), 300.0))).float()
    torch.testing.assert_close(onto_l1(w, 300.0), expected, rtol=1e-4, atol=1e-6)


@few
@given(w=VECTOR, tau=st.floats(0, 5))
def test_soft_thresholding_is_the_proximal_operator(w, tau):
    """0 ∈ x − w + τ ∂|x|: w − x is τ sign x where x is not zero, and at most τ where it is."""
    x = soft_threshold(w, tau)
    slack = w - x
    torch.testing.assert_close(slack[x != 0], tau * x[x != 0].sign(), rtol=1e-9, atol=1e-9)
    assert (slack[x == 0].abs() <= tau).all()
    assert (x * w >= 0).all()


@few
@given(w=VECTOR, k=st.integers(0, 14))
def test_hard_thresholding_keeps_the_k_largest_and_of_equals_the_first(w, k):
    x = hard_threshold(w, k)
    order = sorted(range(len(w)), key=lambda i: (-abs(float(w[i])), i))
    expected = torch.zeros_like(w)
    for i in order[:k]:
        expected[i] = w[i]
    assert torch.equal(x, expected)
    assert int((x != 0).sum()) <= k
