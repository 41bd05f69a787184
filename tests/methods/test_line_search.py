"""Line searches, trust region and step rules: the searches, references, reductions."""

import math
from itertools import pairwise

import pytest
import torch
from scipy.optimize import line_search

from lenetlab.methods.line_search.search import agreement, backtrack, strong_wolfe
from lenetlab.methods.line_search.trust_region import steihaug
from lenetlab.oracle.torch_engine import TorchEngine
from tests.methods.drive import CPU, N, training
from tests.methods.drive import steps as steps_of
from tests.methods.training import build, excess, last, steps
from tests.problems import Quadratic, Softmax, setting

FUNCTIONS = {  # φ and φ', descending at 0
    "parabola": (lambda a: (a - 3) ** 2, lambda a: 2 * (a - 3)),
    "quartic": (lambda a: a**4 - 5 * a, lambda a: 4 * a**3 - 5),
    "wave": (
        lambda a: math.sin(3 * a) - 4 * a + a**2 / 8,
        lambda a: 3 * math.cos(3 * a) - 4 + a / 4,
    ),
    "logarithm": (lambda a: math.log1p((a - 2) ** 2), lambda a: 2 * (a - 2) / (1 + (a - 2) ** 2)),
}  # fmt: skip


@pytest.mark.parametrize("alpha", [1e-3, 0.1, 1.0, 10.0, 1e3])
@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("c2", [0.1, 0.9])
def test_strong_wolfe_finds_a_point_with_both_conditions(name, alpha, c2):
    f, df = FUNCTIONS[name]
    found = strong_wolfe(lambda a: (f(a), df(a)), f(0.0), df(0.0), alpha, 1e-4, c2)
    assert f(found) <= f(0) + 1e-4 * found * df(0)
    assert abs(df(found)) <= c2 * abs(df(0))


def test_scipy_finds_such_a_point_too_and_no_better_one_on_softmax():
    s = setting(Softmax())
    f0, g = s.oracle.gradient(s.oracle.full)

    def phi(a):
        value, gradient = s.oracle.gradient(s.oracle.full, at=-a * g)
        return float(value), -float(gradient.dot(g))

    ours = strong_wolfe(phi, float(f0), -float(g.dot(g)), 1.0, 1e-4, 0.1)

    def value(w):
        return float(s.oracle.value(s.oracle.full, at=torch.from_numpy(w)))

    def gradient(w):
        return s.oracle.gradient(s.oracle.full, at=torch.from_numpy(w))[1].numpy()

    theirs, *_ = line_search(value, gradient, 0 * g.numpy(), -g.numpy(), c1=1e-4, c2=0.1)
    assert phi(ours)[0] == pytest.approx(phi(theirs)[0], rel=0.02)


def test_backtracking_takes_the_first_that_passes_and_survives_infinities():
    tried = []

    def phi(a):
        tried.append(a)
        return math.nan if a > 1 else (a - 0.3) ** 2

    assert backtrack(phi, 0.09, -0.6, 4.0, 0.1, 0.5) == 0.5
    assert tried == [4.0, 2.0, 1.0, 0.5]
    assert backtrack(lambda a: 1.0, 0.0, -1.0, 1.0, 0.1, 0.5) == 0.0


@pytest.mark.parametrize("tau", [0.1, 0.5, 0.9, 0.95, 0.99])
def test_backtracking_goes_as_far_whatever_the_factor_is(tau):
    """To a step of 10⁻⁶, and not to one of 10⁻¹²."""

    def good_below(bound):
        return lambda a: -a if a < bound else 1.0

    found = backtrack(good_below(1e-6), 0.0, -1.0, 1.0, 0.1, tau)
    assert tau * 1e-6 <= found < 1e-6
    assert backtrack(good_below(1e-12), 0.0, -1.0, 1.0, 0.1, tau) == 0.0
    assert backtrack(good_below(1e-12), 0.0, -1.0, 0.0, 0.1, tau) == 0.0  # a rate of zero


def test_strong_wolfe_asks_no_more_than_it_may_and_returns_the_best():
    f, df = FUNCTIONS["quartic"]
    for tries in range(1, 6):
        batch_size = []

        def phi(a, batch_size=batch_size):
            batch_size.append(a)
            return f(a), df(a)

        found = strong_wolfe(phi, f(0.0), df(0.0), 0.01, 1e-4, 1e-6, tries)
        assert len(batch_size) == tries
        assert found == max(batch_size)  # all of these decrease, and each farther


@pytest.mark.parametrize("sign", [-1, 1])
def test_a_gain_that_rounding_hides_is_as_good_as_promised(sign):
    assert agreement(sign * 1e-7, 1e-12, 2.3) == pytest.approx(1, abs=0.1)
    assert agreement(0.5, 1.0, 2.3) == pytest.approx(0.5, abs=1e-4)
    assert agreement(sign * 0.5, -1.0, 2.3) == -math.inf


@pytest.mark.parametrize("sample", ["batch", "fresh"])
@pytest.mark.parametrize("name", ["armijo", "strong_wolfe"])
def test_on_all_data_no_step_increases_the_loss(name, sample):
    s = setting(Softmax())
    curve = [excess(s, w) for w in steps(name, s, 50, sample=sample)]
    assert all(b <= a + 1e-12 for a, b in pairwise(curve))


@pytest.mark.parametrize("name", ["armijo", "sls"])
def test_a_step_that_is_always_accepted_is_sgd(name):
    ours, plain = setting(Quadratic(), 12), setting(Quadratic(), 12)
    # below c = 1/2 and 1/L no trial fails on a quadratic
    pairs = zip(
        steps(name, ours, 50, lr=0.01, c=0.1), steps("sgd", plain, 50, lr=0.01), strict=True
    )
    assert all(torch.equal(a, b) for a, b in pairs)


def test_hypergradient_follows_its_formula_and_is_sgd_without():
    s, plain = setting(Softmax(), 12), setting(Softmax(), 12)
    pairs = zip(
        steps("hypergradient", s, 50, lr=0.1, beta=0.0),
        steps("sgd", plain, 50, lr=0.1),
        strict=True,
    )
    assert all(torch.equal(a, b) for a, b in pairs)

    ours, slow = setting(Softmax(), 12), setting(Softmax(), 12)
    w, eta, before = slow.weights.w.clone(), 0.1, torch.zeros(15, dtype=torch.float64)
    for found in steps("hypergradient", ours, 50, lr=0.1, beta=0.05):
        slow.oracle.next_step()
        _, g = slow.oracle.gradient(slow.oracle.batch, at=w)
        eta += 0.05 * float(g @ before)
        w = w - eta * g
        before = g
        torch.testing.assert_close(found, w, rtol=1e-12, atol=1e-13)


def scheduled(name, s, factors, **given):
    """The answers of steps whose rate is a schedule's."""
    optimizer = build(name, s, **given)
    (group,) = optimizer.param_groups
    initial = group["lr"]
    for factor in factors:
        group["lr"] = initial * factor
        s.oracle.next_step()
        optimizer.step(s.oracle)
        yield s.weights.w.clone()


def test_hypergradient_learns_the_rate_that_a_schedule_scales():
    """It goes on until the schedule ends, and without learning is SGD on that schedule."""
    factors = [0.0, 0.5, 1.0, *(1 - k / 40 for k in range(40))]
    s, plain = setting(Softmax(), 12), setting(Softmax(), 12)
    pairs = zip(
        scheduled("hypergradient", s, factors, lr=0.3, beta=0.0),
        scheduled("sgd", plain, factors, lr=0.3),
        strict=True,
    )
    assert all(torch.equal(a, b) for a, b in pairs)

    ours, slow = setting(Softmax(), 12), setting(Softmax(), 12)
    w, eta = slow.weights.w.clone(), 0.3
    before, f_before, rates = torch.zeros(15, dtype=torch.float64), 1.0, []
    found = list(scheduled("hypergradient", ours, factors, lr=0.3, beta=0.2))
    for f, answer in zip(factors, found, strict=True):
        slow.oracle.next_step()
        _, g = slow.oracle.gradient(slow.oracle.batch, at=w)
        eta = max(eta + 0.2 * f_before * float(g @ before), 0.0)
        w, before, f_before = w - f * eta * g, g, f
        rates.append(f * eta)
        torch.testing.assert_close(answer, w, rtol=1e-11, atol=1e-12)
    assert rates[0] == 0.0
    assert min(rates[1:]) > 0.0
    assert abs(eta - 0.3) > 0.01  # it has learned something


def test_a_search_from_the_rate_zero_asks_nothing():
    """As at the start of a warm-up: doubling zero thirty times would be paid thirty times."""
    s = setting(Softmax(), 12)
    begin = s.weights.w.clone()
    list(scheduled("strong_wolfe", s, [0.0]))
    assert torch.equal(s.weights.w, begin)
    assert s.oracle.ledger.gradients == 12


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_conjugate_gradients_end_at_a_point_that_was_asked_about(dtype):
    """To the bit, or the oracle would not know it again, and the step would be paid twice."""
    s = setting(Softmax(), dtype=dtype)
    optimizer = build("nonlinear_cg", s, lr=3.7)
    asked = []
    gradient = s.oracle.gradient

    def heard(batch, at=None, **how):
        asked.append(at)
        return gradient(batch, at=at, **how)

    s.oracle.gradient = heard
    for _ in range(8):
        s.oracle.next_step()
        optimizer.step(s.oracle)
        assert any(torch.equal(at, s.weights.w) for at in asked if at is not None)
        asked.clear()


def test_polyak_step_follows_its_formula():
    ours, slow = setting(Softmax(), 12), setting(Softmax(), 12)
    w, bound = slow.weights.w.clone(), 2.0
    for found in steps("sps", ours, 60, lr=2.0, c=0.5):
        slow.oracle.next_step()
        f, g = slow.oracle.gradient(slow.oracle.batch, at=w)
        gamma = min(float(f / (0.5 * g.square().sum())), bound, 2.0)
        bound = gamma * 2 ** (12 / 120)
        w = w - gamma * g
        torch.testing.assert_close(found, w, rtol=1e-12, atol=1e-13)


def test_polyak_step_with_the_true_minimum_needs_no_rate():
    s = setting(Quadratic())
    w = last("sps", s, 300, lr=100.0, c=1.0, least=s.problem.least, tau=1e9)
    assert excess(s, w) < 1e-9


@pytest.mark.parametrize("variant", ["long", "short"])
def test_barzilai_borwein_is_the_secant_step(variant):
    ours, slow = setting(Quadratic()), setting(Quadratic())
    w, alpha, before = slow.weights.w.clone(), 0.1, None
    for found in steps("barzilai_borwein", ours, 50, lr=0.1, variant=variant, longest=1e9):
        _, g = slow.oracle.gradient(slow.oracle.full, at=w)
        if before is not None and g.norm() > 1e-8:
            s, y = w - before[0], g - before[1]
            alpha = float(s @ s / (s @ y) if variant == "long" else s @ y / (y @ y))
        before = (w, g)
        w = w - alpha * g
        torch.testing.assert_close(found, w, rtol=1e-6, atol=1e-8)


class Hills(Quadratic):
    """Σ cos w_i: concave around the top at zero, where the search begins; least at ±π."""

    def value(self, w, batch):
        return w.cos().sum()

    def gradient(self, w, batch, out, uniform=None):
        torch.neg(w.sin(), out=out)
        return self.value(w, batch)

    def at_start(self, dtype):
        return torch.linspace(0.1, 0.3, 9, dtype=dtype)


@pytest.mark.parametrize("variant", ["long", "short"])
def test_barzilai_borwein_leaves_a_hill_though_its_first_step_was_tiny(variant):
    """There sᵀy < 0, and g ≈ −w, so that ‖s‖/‖y‖ is about 1; no step is longer than told."""
    s = setting(Hills())
    before = s.weights.w.clone()
    for found in steps("barzilai_borwein", s, 30, lr=1e-3, variant=variant, longest=2.0):
        assert (found - before).norm() <= 2.0 * (1 + 1e-12)
        before = found
    torch.testing.assert_close(found, torch.full_like(found, math.pi), rtol=0, atol=1e-6)


def test_the_first_search_of_nonlinear_cg_tries_a_step_of_the_right_size(train):
    t = training(TorchEngine(train.take(0, N), CPU), "nonlinear_cg")
    t.step()
    assert t.oracle.ledger.gradients <= 3 * N  # one at w, and two trials


@pytest.mark.parametrize(
    ("name", "given", "width"),
    [
        ("trust_region", {"radius": 1e-8}, lambda base: base.delta),
        ("gauss_newton", {"damping": 1e9}, lambda base: 1 / base.lam),
        ("gauss_newton", {"damping": 0.0}, lambda base: base.lam),
    ],
)
def test_no_step_is_so_short_and_no_damping_so_wrong_that_it_stays_so(train, name, given, width):
    t = training(TorchEngine(train.take(0, N), CPU), name, given)
    first = width(t.optimizer.base)
    steps_of(t, 10)
    assert width(t.optimizer.base) > 10 * first


def test_nonlinear_cg_with_an_exact_search_is_the_linear_method():
    """On a quadratic in 9 dimensions it ends after 9 steps, along linear CG's iterates."""
    s = setting(Quadratic())
    a, w = s.problem.a, s.weights.w.clone()
    r = a @ s.problem.minimum
    d = r.clone()
    for found in steps("nonlinear_cg", s, 9, lr=0.5, c2=1e-7):
        alpha = (r @ r) / (d @ a @ d)
        w = w + alpha * d
        after = r - alpha * a @ d
        d = after + (after @ after) / (r @ r) * d
        r = after
        torch.testing.assert_close(found, w, rtol=1e-4, atol=1e-5)
    assert excess(s, s.weights.w) < 1e-9


def test_steihaug_solves_inside_and_stops_at_the_surface():
    s = setting(Quadratic())
    _, g = s.oracle.gradient(s.oracle.full)
    operator = s.oracle.hessian(s.oracle.full)
    far = s.problem.minimum.norm()
    p, promised = steihaug(operator, g, 10 * float(far), 9)
    # it stops when the residual has fallen to min(1/2, √‖g‖) of the gradient
    assert (operator @ p + g).norm() <= 0.5 * g.norm()
    assert promised == pytest.approx(
        float(s.oracle.value(s.oracle.full) - s.oracle.value(s.oracle.full, at=p))
    )
    p, _ = steihaug(operator, g, 0.1, 9)
    assert p.norm() == pytest.approx(0.1)
    cosine = float(-g @ p / (g.norm() * p.norm()))
    assert steihaug(operator, g, 1e-6, 9)[0].norm() == pytest.approx(1e-6)
    assert cosine > 0.8


def test_steihaug_goes_to_the_surface_along_negative_curvature():
    class Saddle:
        def __matmul__(self, v):
            return v * torch.tensor([1.0, -2.0], dtype=torch.float64)

    g = torch.tensor([0.1, 0.1], dtype=torch.float64)
    p, promised = steihaug(Saddle(), g, 3.0, 10)
    assert p.norm() == pytest.approx(3.0)
    assert promised > 0


def test_trust_region_converges_like_newton():
    s = setting(Softmax())
    curve = [excess(s, w) for w in steps("trust_region", s, 30, curvature=120)]
    assert curve[-1] < 1e-12


STATEFUL = ("sls", "sps", "barzilai_borwein", "nonlinear_cg", "trust_region", "hypergradient")


@pytest.mark.parametrize("name", STATEFUL)
def test_state_survives(name):
    whole = setting(Softmax(), 12)
    expected = last(name, whole, 20)
    first, second = setting(Softmax(), 12), setting(Softmax(), 12)
    optimizer = build(name, first)
    for _ in range(10):
        first.oracle.next_step()
        optimizer.step(first.oracle)
    again = build(name, second)
    again.load_state_dict(optimizer.state_dict())
    second.weights.w.copy_(first.weights.w)
    second.oracle.restore(first.oracle.state())
    for _ in range(10):
        second.oracle.next_step()
        again.step(second.oracle)
    assert torch.equal(second.weights.w, expected)
