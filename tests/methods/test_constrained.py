"""Constrained and regularised methods: closed forms, bounds of the theorems, reductions."""

import math

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

from lenetlab.errors import UserError
from lenetlab.methods.constrained.frank_wolfe import EXTREME, spectral
from lenetlab.methods.constrained.projections import ONTO, hard_threshold
from lenetlab.methods.registry import methods
from lenetlab.oracle.ledger import Ledger
from lenetlab.oracle.linalg import LinearAlgebra
from lenetlab.oracle.torch_engine import TorchEngine
from lenetlab.problem.model import views
from tests.methods.drive import CPU, training
from tests.methods.training import build, excess, last, steps
from tests.problems import Quadratic, Softmax, setting

LAM = 0.15  # two of the nine weights of the quadratic are zero at the minimum


def penalised(s, w, lam=LAM):
    return float(s.problem.value(w, s.oracle.full.indices) + lam * w.abs().sum())


def lasso(s, lam=LAM):
    """The minimum of F + λ‖w‖₁ by coordinate descent, in closed form along every axis; that makes
    it blind to the scale of the axes."""
    a, b = s.problem.a.numpy(), (s.problem.a @ s.problem.minimum).numpy()
    w = np.zeros(len(b))
    for _ in range(300):
        for i in range(len(b)):
            rho = b[i] - a[i] @ w + a[i, i] * w[i]
            w[i] = np.sign(rho) * max(abs(rho) - lam, 0) / a[i, i]
    return torch.from_numpy(w)


def smoothness(s):
    return float(torch.linalg.eigvalsh(s.problem.a)[-1])


@pytest.mark.parametrize("name", ["ista", "fista"])
def test_proximal_gradient_finds_the_lasso(name):
    s = setting(Quadratic())
    found = last(name, s, 1000, lr=1 / smoothness(s), l1=LAM)
    expected = lasso(s)
    assert 0 < int((expected == 0).sum()) < 9
    torch.testing.assert_close(found, expected, rtol=1e-8, atol=1e-9)
    assert torch.equal(found == 0, expected == 0)


@pytest.mark.parametrize(("name", "bound"), [
    ("ista", lambda k, size, distance: size * distance / (2 * k)),
    ("fista", lambda k, size, distance: 2 * size * distance / (k + 1) ** 2),
])  # fmt: skip
def test_the_bound_of_the_theorem_holds_in_every_step(name, bound):
    """Beck and Teboulle 2009, Theorems 3.1 and 4.4, on a quadratic that is nearly flat."""
    s = setting(Quadratic())
    s.problem.x *= torch.logspace(0, -2, 9, dtype=torch.float64)
    least, size = lasso(s, 1e-4), smoothness(s)
    distance = float((s.weights.w - least).square().sum())
    momentum = {"momentum": 1.0} if name == "fista" else {}
    for k, w in enumerate(steps(name, s, 200, lr=1 / size, l1=1e-4, **momentum), start=1):
        gap = penalised(s, w, 1e-4) - penalised(s, least, 1e-4)
        assert gap <= bound(k, size, distance)


@pytest.mark.parametrize(
    ("name", "neutral"),
    [
        ("ista", {"l1": 0.0}),
        ("fista", {"l1": 0.0, "momentum": 0.0}),
        ("projected_gradient", {"radius": 1e9}),
        ("iterative_hard_thresholding", {"keep": 1.0}),
    ],
)
def test_without_bound_or_penalty_it_is_sgd_bit_for_bit(name, neutral):
    ours, plain = setting(Softmax(), 12), setting(Softmax(), 12)
    pairs = zip(
        steps(name, ours, 60, lr=0.3, **neutral), steps("sgd", plain, 60, lr=0.3), strict=True
    )
    assert all(torch.equal(a, b) for a, b in pairs)


def test_fista_without_penalty_is_nesterovs_method():
    """y form, t_k by hand."""
    ours, s = setting(Softmax(), 12), setting(Softmax(), 12)
    x = y = s.weights.w.clone()
    t = 1.0
    for found in steps("fista", ours, 60, lr=0.3, momentum=1.0):
        s.oracle.next_step()
        _, g = s.oracle.gradient(s.oracle.batch, at=y)
        after = y - 0.3 * g
        following = (1 + math.sqrt(1 + 4 * t * t)) / 2
        y, x, t = after + (t - 1) / following * (after - x), after, following
        torch.testing.assert_close(found, x, rtol=1e-11, atol=1e-13)


def constrained_minimum(s, ball, radius):
    """By SLSQP; the l1 and l∞ balls in smooth variables."""
    n, a = len(s.weights.w), s.problem.a.numpy()
    b = a @ s.problem.minimum.numpy()
    split = np.concatenate([np.eye(n), -np.eye(n)], axis=1) if ball == "l1" else np.eye(n)
    inside = {
        "l1": lambda v: radius - v.sum(),
        "l2": lambda v: radius**2 - v @ v,
        "linf": lambda v: 1.0,
    }[ball]
    box = {"l1": (0, None), "l2": (None, None), "linf": (-radius, radius)}[ball]
    found = minimize(
        lambda v: 0.5 * (split @ v) @ a @ (split @ v) - b @ (split @ v),
        np.full(split.shape[1], 1e-3),
        jac=lambda v: split.T @ (a @ (split @ v) - b),
        bounds=[box] * split.shape[1],
        constraints={"type": "ineq", "fun": inside},
        method="SLSQP",
        options={"ftol": 1e-15, "maxiter": 1000},
    )
    return torch.from_numpy(split @ found.x)


@pytest.mark.parametrize("ball", ONTO)
def test_projected_gradient_finds_the_minimum_in_the_ball(ball):
    s = setting(Quadratic())
    norm = {"l2": 2, "l1": 1, "linf": math.inf}[ball]
    radius = 0.5 * float(torch.linalg.vector_norm(s.problem.minimum, norm))
    expected = constrained_minimum(s, ball, radius)
    for w in steps("projected_gradient", s, 500, lr=1 / smoothness(s), ball=ball, radius=radius):
        assert torch.linalg.vector_norm(w, norm) <= radius * (1 + 1e-12)
    torch.testing.assert_close(w, expected, rtol=1e-5, atol=1e-6)


def test_hard_thresholding_recovers_a_sparse_signal():
    """Blumensath and Davies 2009: k nonzeros, measured without noise."""
    s = setting(Quadratic(noise=0.0))
    truth = hard_threshold(s.problem.minimum, 3)
    s.problem.y = s.problem.x @ truth
    for w in steps("iterative_hard_thresholding", s, 500, lr=1 / smoothness(s), keep=0.34):
        assert int((w != 0).sum()) <= 3
    torch.testing.assert_close(w, truth, rtol=1e-8, atol=1e-9)


# Frank-Wolfe

DUAL = {
    "spectral": lambda d: torch.linalg.svdvals(d).sum() if d.dim() > 1 else d.norm(),
    "l2": lambda d: d.norm(),
    "linf": lambda d: d.abs().sum(),
    "l1": lambda d: d.abs().max(),
}
NORM = {
    "spectral": lambda x: torch.linalg.svdvals(x)[0] if x.dim() > 1 else x.norm(),
    "l2": lambda x: x.norm(),
    "linf": lambda x: x.abs().max(),
    "l1": lambda x: x.abs().sum(),
}


@pytest.mark.parametrize("shape", [(7, 4), (4, 7), (5,)])
@pytest.mark.parametrize("ball", EXTREME)
def test_the_extreme_point_attains_the_dual_norm_in_the_unit_ball(ball, shape):
    d = torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    x = EXTREME[ball](d, LinearAlgebra(Ledger()))
    assert float(NORM[ball](x)) == pytest.approx(1)
    assert float((d * x).sum()) == pytest.approx(float(DUAL[ball](d)))


@pytest.mark.parametrize("active", [False, True])
@pytest.mark.parametrize("ball", EXTREME)
def test_frank_wolfe_stays_inside_and_its_excess_falls_as_one_over_k(ball, active):
    """Jaggi 2013, Theorem 1 with γ = 2/(k + 2): excess ≤ 2 C / (k + 2), and the curvature C is at
    most L diam², with the diameter of the product of both balls in the l2 norm."""
    s = setting(Quadratic())
    parts = [s.problem.minimum[:6].view(3, 2), s.problem.minimum[6:]]
    radius = (0.5 if active else 1.2) * max(float(NORM[ball](part)) for part in parts)
    optimizer = build("frank_wolfe", s, lr=1.0, ball=ball, radius=radius, momentum=0.0)
    far = {"spectral": 2 + 1, "l2": 1 + 1, "linf": 6 + 3, "l1": 1 + 1}[ball] * radius**2
    curvature = smoothness(s) * 4 * far
    best = least_in(s, ball, radius)
    weights = [s.weights.w[:6].view(3, 2), s.weights.w[6:]]
    for k in range(400):
        optimizer.param_groups[0]["lr"] = 2 / (k + 2)
        s.oracle.next_step()
        optimizer.step(s.oracle)
        assert all(NORM[ball](part) <= radius * (1 + 1e-9) for part in weights)
        gap = float(s.problem.value(s.weights.w, s.oracle.full.indices)) - best
        assert gap <= 2 * curvature / (k + 3)
    assert gap > -1e-6


def least_in(s, ball, radius):
    """min F over the product of the balls, by projected gradient in each."""

    def project(x):
        if ball != "spectral" or x.dim() < 2:
            return ONTO["l2" if ball == "spectral" else ball](x.reshape(-1), radius).view_as(x)
        u, size, vt = torch.linalg.svd(x, full_matrices=False)
        return u @ torch.diag(size.clamp(max=radius)) @ vt

    w = s.weights.w.clone()
    for _ in range(3000):
        w = w - (s.problem.a @ (w - s.problem.minimum)) / smoothness(s)
        w = torch.cat([project(w[:6].view(3, 2)).reshape(-1), project(w[6:])])
    return float(s.problem.value(w, s.oracle.full.indices))


def test_frank_wolfe_takes_no_step_along_the_rounding_of_a_gradient(train):
    """A softmax does not see what all rows of fc3 have in common: the gradient has rank nine, and
    that row only shrinks with all the others."""
    t = training(TorchEngine(train.take(0, 2000), CPU), "frank_wolfe")
    before = views(t.weights.w)["fc3.weight"].mean(0)
    for k in range(60):
        t.step()
        after = views(t.weights.w)["fc3.weight"].mean(0)
        torch.testing.assert_close(after, before * (1 - 0.001) ** (k + 1), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("rank", [1, 9, 10])
@pytest.mark.parametrize("shape", [(10, 84), (84, 10)])
def test_frank_wolfes_polar_factor_in_single_precision_is_exact(shape, rank):
    """Singular values span four decades; it is as near as a float32 SVD or nearer."""
    rng = torch.Generator().manual_seed(rank)
    u, _ = torch.linalg.qr(torch.randn(shape[0], 10, generator=rng, dtype=torch.float64))
    v, _ = torch.linalg.qr(torch.randn(shape[1], 10, generator=rng, dtype=torch.float64))
    sizes = torch.logspace(-3, 1, 10, dtype=torch.float64).flip(0)[:rank]
    d = ((u[:, :rank] * sizes) @ v[:, :rank].T).float()
    ledger = Ledger()
    found = EXTREME["spectral"](d, LinearAlgebra(ledger))
    assert (ledger.factorizations, ledger.factorized) == (1, 1000)
    u, _, vt = torch.linalg.svd(d.double(), full_matrices=False)
    exact = u[:, :rank] @ vt[:rank]
    u, _, vt = torch.linalg.svd(d, full_matrices=False)
    error = float((found - exact).norm())
    assert error < 2e-6
    assert error <= float((u[:, :rank] @ vt[:rank] - exact).norm()) + 1e-7


def test_frank_wolfe_does_not_move_where_there_is_no_gradient():
    s = setting(Quadratic(noise=0.0))
    s.weights.w.copy_(s.problem.minimum)
    s.problem.y = s.problem.x @ s.problem.minimum
    s.problem.x.zero_()
    s.problem.y.zero_()
    before = s.weights.w.clone()
    assert torch.equal(last("frank_wolfe", s, 5), before)


@pytest.mark.parametrize("name", ["projected_gradient", "frank_wolfe"])
def test_an_unknown_ball_gets_the_nearest(name):
    with pytest.raises(UserError, match="unknown ball 'linff'; did you mean 'linf'"):
        build(name, setting(Softmax()), ball="linff")


@pytest.mark.parametrize("name", [n for n, e in methods().items() if e.neutral])
def test_the_neutral_setting_is_no_stand_in_for_the_method(name):
    """At its defaults or harder, the bound does something."""
    tight = {"radius": 0.1, "keep": 0.2}
    bound = {key: tight[key] for key in methods()[name].neutral}
    bounded, free = setting(Softmax()), setting(Softmax())
    given = {"lr": 0.3}
    w = last(name, bounded, 60, **given, **bound)
    v = last(name, free, 60, **given, **methods()[name].neutral)
    assert excess(bounded, w) > 2 * excess(free, v)


def test_frank_wolfe_on_the_spectral_ball_is_muon_with_decay(train, monkeypatch):
    """w ← (1 − γ) w − γ r U Vᵀ is Muon at rate γ r with decoupled decay 1/r: LeNet-5's weights and
    real images, both by the SVD, and without momentum, which Muon lets look ahead. Each step is
    from the same weights, for a small singular value of the gradient turns the last bit of a weight
    into a direction; within a step they differ by the rounding of single precision, 6e-8."""
    engine = TorchEngine(train.take(0, 300), CPU)

    def exact(directions, linalg):
        return [spectral(d, linalg) for d in directions]

    monkeypatch.setattr("lenetlab.methods.matrix.muon.polar", exact)
    gamma, r = 0.005, 8.0
    ball = training(engine, "frank_wolfe", {"lr": gamma, "radius": r, "momentum": 0.0})
    decay = {"lr": gamma * r, "weight_decay": 1 / r, "momentum": 0.0}
    muon = training(engine, "muon", decay, scenario="l2")
    for _ in range(20):
        before = muon.weights.w.clone()
        ball.weights.w.copy_(before)
        ball.step()
        muon.step()
        assert (muon.weights.w - before).norm() > 0.1
        torch.testing.assert_close(ball.weights.w, muon.weights.w, rtol=2e-7, atol=2e-7)
