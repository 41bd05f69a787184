"""Lookahead, cautious and sphere: reductions, the paper's steps by hand, other packages, state."""

import pytest
import pytorch_optimizer
import torch

from lenetlab.errors import UserError
from lenetlab.methods.wrappers import Composed, find_wrapper, wrappers
from tests.methods.training import build, excess, last, steps
from tests.problems import Quadratic, Softmax, setting

UPDATES = [name for name, entry in wrappers().items() if entry.kind == "update"]


def trained(spec, s, n, **given):
    """The trained weights after each step, not the answer."""
    for _ in steps(spec, s, n, **given):
        yield s.weights.w.clone()


@pytest.mark.parametrize("base", ["sgd", "heavy_ball", "adamw"])
def test_lookahead_with_alpha_one_trains_as_the_method_inside(base):
    ours, plain = setting(Softmax(), 12), setting(Softmax(), 12)
    given = {"lookahead_alpha": 1.0, "lookahead_k": 3}
    pairs = zip(
        trained(f"lookahead+{base}", ours, 60, **given), trained(base, plain, 60), strict=True
    )
    assert all(torch.equal(a, b) for a, b in pairs)


def closure_of(p, w, s):
    """The loss on the next twelve examples, with the gradient in `w.grad`, by autograd."""
    i = s.oracle.order.take(12)

    def closure():
        with torch.enable_grad():
            w.grad = None
            loss = p.losses(p.outputs(w, i), p.targets(i)).mean()
            loss.backward()
        return loss

    return closure


def test_lookahead_agrees_with_another_package_step_by_step():
    """Theirs keeps the fast weights in the model; both agree where fast and slow meet, and fast
    weights agree in between."""
    ours, s = setting(Softmax(), 12), setting(Softmax(), 12)
    w = torch.nn.Parameter(s.weights.w.clone())
    theirs = pytorch_optimizer.Lookahead(
        torch.optim.SGD([w], lr=0.3, momentum=0.9), k=4, alpha=0.3, pullback_momentum="none"
    )
    given = {"lr": 0.3, "momentum": 0.9, "lookahead_k": 4, "lookahead_alpha": 0.3}
    for fast in trained("lookahead+heavy_ball", ours, 60, **given):
        theirs.step(closure_of(s.problem, w, s))
        torch.testing.assert_close(fast, w.detach(), rtol=1e-12, atol=1e-12)


def test_the_answer_of_lookahead_is_the_slow_weights():
    s = setting(Softmax(), 12)
    answers = list(steps("lookahead+sgd", s, 12, lookahead_k=4))
    start = s.problem.at_start(torch.float64)
    assert all(torch.equal(a, start) for a in answers[:3])
    assert all(torch.equal(a, answers[3]) for a in answers[4:7])
    assert torch.equal(answers[11], s.weights.w)
    assert not torch.equal(answers[7], answers[3])


@pytest.mark.parametrize("base", ["sgd", "full_batch"])
def test_cautious_around_a_step_along_the_gradient_changes_nothing(base):
    """All signs agree, and then the bits are the method's."""
    ours, plain = setting(Softmax(), 12), setting(Softmax(), 12)
    for s in (ours, plain):  # at zero, a balanced batch has components that are exactly zero
        s.weights.w.copy_(torch.linspace(-1, 1, 15, dtype=torch.float64))
    pairs = zip(steps(f"cautious+{base}", ours, 60), steps(base, plain, 60), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def test_cautious_heavy_ball_by_hand():
    ours, s = setting(Softmax(), 12), setting(Softmax(), 12)
    w, v, held = s.weights.w.clone().requires_grad_(), 0.0, 0
    for found in steps("cautious+heavy_ball", ours, 60, lr=0.3, momentum=0.9):
        closure_of(s.problem, w, s)()
        v = 0.9 * v + w.grad
        m = (v * w.grad > 0).double()
        w = (w - 0.3 * v * m / m.mean()).detach().requires_grad_()
        held += int((m == 0).sum())
        torch.testing.assert_close(found, w.detach(), rtol=1e-10, atol=1e-12)
    assert held > 100  # the mask had something to do


def test_cautious_takes_its_mean_over_the_weights_that_a_mask_leaves():
    """Pruned weights agree with nobody: with them in the mean, the others' steps would grow."""
    s = setting(Softmax(), 12)
    mask = torch.tensor([1.0, 0, 0] * 5, dtype=torch.float64)
    optimizer = build("cautious+sgd", s, lr=0.3)
    s.oracle.mask = mask
    optimizer.masked(s.weights.w, mask)
    s.weights.w.copy_(torch.linspace(-1, 1, 15, dtype=torch.float64) * mask)
    for _ in range(3):
        s.oracle.next_step()
        before = s.weights.w.clone()
        optimizer.step(s.oracle)
        _, g = s.oracle.gradient(s.oracle.batch, at=before)
        torch.testing.assert_close(s.weights.w, before - 0.3 * g, rtol=1e-13, atol=1e-15)


def test_cautious_compares_with_the_gradient_that_the_method_received():
    """Around an estimator, the estimator's."""
    s = setting(Softmax(), 12)
    optimizer = build("cautious+sam+heavy_ball", s, lr=0.3, sam_rho=0.5)
    seen = []
    correct = optimizer.update.correct
    optimizer.update.correct = lambda before, g, w: (seen.append(g), correct(before, g, w))
    for _ in range(3):
        s.oracle.next_step()
        at = s.weights.w.clone()
        optimizer.step(s.oracle)
        _, g = s.oracle.gradient(s.oracle.batch, at=at)
        _, expected = s.oracle.gradient(s.oracle.batch, at=at + 0.5 * g / g.norm())
        torch.testing.assert_close(seen[-1], expected, rtol=1e-9, atol=1e-12)


def test_cautious_is_not_misled_by_a_method_that_works_in_its_gradient():
    class Scribbler:
        param_groups = [{"lr": 0.3}]  # noqa: RUF012

        def step(self, oracle):
            loss = oracle()
            oracle.g.neg_()
            oracle.w.add_(oracle.g, alpha=0.3)
            return loss

    ours, plain = setting(Softmax(), 12), setting(Softmax(), 12)
    for s in (ours, plain):
        s.weights.w.copy_(torch.linspace(-1, 1, 15, dtype=torch.float64))
    update = find_wrapper("cautious").build()
    Composed(Scribbler(), ours.weights.w, update=update).step(ours.oracle)
    assert torch.equal(ours.weights.w, last("sgd", plain, 1, lr=0.3))


def tilted(s):
    """Weights that are not zero: at zero there is no norm to be held at."""
    s.weights.w.copy_(torch.linspace(-1, 1, 15, dtype=torch.float64))
    return s


def test_on_a_sphere_sgd_is_projected_gradient_descent():
    """By hand: the matrix back to its norm after every step, the bias free."""
    ours, s = tilted(setting(Softmax(), 12)), tilted(setting(Softmax(), 12))
    w, g = s.weights.w.clone(), torch.empty_like(s.weights.w)
    radius = 2 * w[:12].norm()
    for found in trained("sphere+sgd", ours, 40, lr=0.3, sphere_norm=2.0):
        s.problem.gradient(w, s.oracle.order.take(12), g)
        w -= 0.3 * g
        w[:12] *= radius / w[:12].norm()
        torch.testing.assert_close(found, w, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("average", ["ema", "lawa", "polyak_ruppert", "swa"])
def test_an_average_is_judged_on_the_sphere(average):
    """The nearest point of it; the bias is the mean as it is."""
    held, free = tilted(setting(Softmax(), 12)), tilted(setting(Softmax(), 12))
    optimizer = build(f"{average}+sphere+sgd", held, lr=0.3, sphere_norm=2.0)
    radius = 2 * free.weights.w[:12].norm()
    for k in range(30):
        held.oracle.next_step()
        optimizer.step(held.oracle)
        optimizer.observe(held.weights.w, (k + 1) / 30)
        mean, judged = optimizer.average.eval_weights(), optimizer.eval_weights(held.weights.w)
        torch.testing.assert_close(judged[:12].norm(), radius)
        torch.testing.assert_close(judged[:12], mean[:12] * radius / mean[:12].norm())
        assert torch.equal(judged[12:], mean[12:])


@pytest.mark.parametrize("base", ["kfac", "gauss_newton", "newton_cg", "armijo"])
def test_a_sphere_goes_around_methods_that_ask_more_than_one_question(base):
    """And changes nothing but the norm: a first step is the method's own, back on the sphere."""
    ours, plain = tilted(setting(Softmax(), 12)), tilted(setting(Softmax(), 12))
    (held,) = steps(f"sphere+{base}", ours, 1, sphere_norm=2.0)
    (free,) = steps(base, plain, 1)
    radius = 2 * torch.linspace(-1, 1, 15, dtype=torch.float64)[:12].norm()
    torch.testing.assert_close(held[:12], free[:12] * radius / free[:12].norm())
    assert torch.equal(held[12:], free[12:])


def test_what_begins_at_zero_or_is_masked_away_is_on_no_sphere():
    s, plain = setting(Softmax(), 12), setting(Softmax(), 12)
    pairs = zip(trained("sphere+sgd", s, 20), trained("sgd", plain, 20), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    s = tilted(setting(Softmax(), 12))
    optimizer = build("sphere+sgd", s, lr=0.3)
    s.oracle.mask = torch.zeros(15, dtype=torch.float64)
    s.weights.w.zero_()
    optimizer.step(s.oracle)
    assert torch.equal(s.weights.w, torch.zeros(15, dtype=torch.float64))


@pytest.mark.parametrize("name", UPDATES)
def test_it_still_comes_down(name):
    s = setting(Quadratic())
    assert excess(s, last(f"{name}+heavy_ball", s, 500, lr=0.1)) < 1e-8


@pytest.mark.parametrize("name", UPDATES)
def test_state_survives(name):
    spec, given = f"ema+{name}+sam+heavy_ball", {"lr": 0.1}
    expected = last(spec, setting(Softmax(), 12), 23, **given)
    first, second = setting(Softmax(), 12), setting(Softmax(), 12)
    optimizer, again = build(spec, first, **given), build(spec, second, **given)

    def go(optimizer, s, ks):
        for k in ks:
            s.oracle.next_step()
            optimizer.step(s.oracle)
            optimizer.observe(s.weights.w, (k + 1) / 23)

    go(optimizer, first, range(11))
    again.load_state_dict(optimizer.state_dict())
    second.weights.w.copy_(first.weights.w)
    second.oracle.restore(first.oracle.state())
    go(again, second, range(11, 23))
    assert torch.equal(again.eval_weights(second.weights.w), expected)


@pytest.mark.parametrize("name", UPDATES)
def test_a_method_with_an_answer_of_its_own_is_refused(name):
    with pytest.raises(UserError, match="whose evaluation weights are not those"):
        build(f"{name}+asgd", setting(Softmax()))
