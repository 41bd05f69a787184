"""Estimators: linear convergence where SGD stalls, slow references, reductions, state."""

from functools import cache

import pytest
import torch

from lenetlab.experiments.recipe.recall import recall
from lenetlab.experiments.recipe.recipe import make_recipe
from lenetlab.methods.lookup import find
from lenetlab.methods.wrappers import Composed, Estimator, compose, wrappers
from lenetlab.oracle.torch_engine import TorchEngine
from tests.methods.drive import CPU, N, training, users_engine
from tests.methods.drive import steps as steps_of
from tests.methods.training import build, excess, last, steps
from tests.problems import Quadratic, Softmax, setting

PROBLEMS = {"quadratic": Quadratic, "softmax": Softmax}
ESTIMATORS = [name for name, entry in wrappers().items() if entry.kind == "estimator"]
RATE = {"quadratic": 0.1, "softmax": 0.3}


@pytest.mark.parametrize("name", ["svrg", "saga", "sag", "sarah"])
@pytest.mark.parametrize("problem", PROBLEMS)
def test_converges_at_a_constant_rate_where_sgd_stalls(problem, name):
    assert reached(problem, "sgd") > 1e-4
    assert reached(problem, f"{name}+sgd") < 1e-9


@cache
def reached(problem: str, spec: str) -> float:
    """The excess after 1,500 steps."""
    s = setting(PROBLEMS[problem](), batch_size=12)
    return excess(s, last(spec, s, 1500, lr=RATE[problem]))


@pytest.mark.parametrize("name", ["svrg", "saga", "sag"])
def test_the_rate_is_linear(name):
    s = setting(Quadratic(), batch_size=12)
    curve = [excess(s, w) for w in steps(f"{name}+sgd", s, 600, lr=0.1)]
    assert curve[399] < 1e-2 * curve[199]
    assert curve[599] < 1e-2 * curve[399]


def test_storm_has_less_noise_than_its_batches():
    def reached(spec, **given):
        s = setting(Quadratic(), batch_size=12)
        tail = list(steps(spec, s, 1500, lr=0.05, **given))[1000:]
        return sum(excess(s, w) for w in tail) / len(tail)

    assert reached("storm+sgd", storm_a=0.1) < 0.5 * reached("sgd")


# What a wrapper asks elsewhere than at w, even of all examples, is moved there; what changes the
# full gradient as well leaves it alone.
AT_W = {
    "sam": {"sam_rho": 0.0},
    "asam": {"asam_rho": 0.0},
    "lpf": {"lpf_gamma": 0.0},
    "clip_norm": {"clip_norm_bound": 1e6},
    "clip_value": {"clip_value_bound": 1e6},
}


@pytest.mark.parametrize("name", ESTIMATORS)
def test_with_a_full_inner_batch_it_is_gradient_descent(name):
    ours, plain = setting(Softmax()), setting(Softmax())
    ours_steps = steps(f"{name}+sgd", ours, 50, **AT_W.get(name, {}))
    pairs = zip(ours_steps, steps("sgd", plain, 50), strict=True)
    for a, b in pairs:
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("name", "neutral"), [("svrg", {"svrg_alpha": 0.0}), ("storm", {"storm_a": 1.0})]
)
def test_the_neutral_setting_is_the_method_inside(name, neutral):
    ours, plain = setting(Softmax(), 12), setting(Softmax(), 12)
    for a, b in zip(
        steps(f"{name}+heavy_ball", ours, 50, **neutral),
        steps("heavy_ball", plain, 50),
        strict=True,
    ):
        torch.testing.assert_close(a, b, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("name", ["svrg", "saga"])
def test_the_estimate_is_unbiased(name):
    """Its mean over one sweep at a fixed point is the full gradient there."""
    s = setting(Quadratic(), batch_size=12)
    last(f"{name}+sgd", s, 25, lr=0.05)  # a snapshot or a table to speak of
    s = setting(Quadratic(), batch_size=12)
    optimizer = build(f"{name}+sgd", s, lr=0.05)
    for _ in range(20):  # two sweeps: every row of the table has been visited
        s.oracle.next_step()
        optimizer.step(s.oracle)
    saved = {k: v.clone() if isinstance(v, torch.Tensor) else v
             for k, v in optimizer.estimator.state_dict().items()}  # fmt: skip
    saved.pop("due", None)
    total, n = torch.zeros_like(s.weights.w), 4000
    for _ in range(n):
        optimizer.estimator.load_state_dict(
            optimizer.estimator.state_dict()
            | {k: v.clone() if isinstance(v, torch.Tensor) else v for k, v in saved.items()}
            | ({"due": 1e9} if name == "svrg" else {})
        )
        s.oracle.next_step()
        optimizer.estimator.estimate(s.oracle, s.oracle.g)
        total += s.oracle.g
    _, exact = s.oracle.gradient(s.oracle.full)
    # a mean of 4,000 noisy gradients: SAGA's was 0.029 off, a bias would be of the order of 1
    assert (total / n - exact).norm() < 0.05 * exact.norm()


def by_hand_svrg(s, lr, alpha, n):
    """Figure 1 of the paper with autograd of its own, a snapshot every sweep."""
    w, p = s.problem.at_start(torch.float64), s.problem

    def grad(w, i):
        return torch.func.grad(lambda w: p.losses(p.outputs(w, i), p.targets(i)).mean())(w)

    everything = torch.arange(p.n)
    for k in range(n):
        i = s.oracle.order.take(12)
        if k % 10 == 0:
            snapshot, mu = w.clone(), grad(w, everything)
        w = w - lr * (grad(w, i) - alpha * (grad(snapshot, i) - mu))
        yield w


def by_hand_saga(s, lr, n):
    """Equation 7, the mean of the table formed anew in every step."""
    w, p = s.problem.at_start(torch.float64), s.problem
    parts = torch.arange(p.n).split(12)
    phi = torch.zeros(len(parts), len(w), dtype=torch.float64)
    for _ in range(n):
        j = int(s.oracle.order.take(12)[0]) // 12
        i = parts[j]
        g = torch.func.grad(lambda w, i=i: p.losses(p.outputs(w, i), p.targets(i)).mean())(w)
        w = w - lr * (g - phi[j] + phi.mean(0))
        phi[j] = g
        yield w


@pytest.mark.parametrize("name", ["svrg", "saga"])
def test_a_slow_reference_agrees_step_by_step(name):
    ours, slow = setting(Softmax(), 12), setting(Softmax(), 12)
    given = {"svrg_alpha": 0.7} if name == "svrg" else {}
    reference = by_hand_svrg(slow, 0.3, 0.7, 60) if name == "svrg" else by_hand_saga(slow, 0.3, 60)
    for a, b in zip(steps(f"{name}+sgd", ours, 60, lr=0.3, **given), reference, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_state_survives_in_its_own_dtype(name):
    whole, first = setting(Softmax(), 12), setting(Softmax(), 12)
    expected = last(f"{name}+heavy_ball", whole, 40, lr=0.1)
    optimizer = build(f"{name}+heavy_ball", first, lr=0.1)

    def go(optimizer: Composed, s, begin):
        for k in range(begin, begin + 20):
            s.oracle.next_step()
            s.oracle.progress = k / 40
            optimizer.step(s.oracle)

    go(optimizer, first, 0)
    second = setting(Softmax(), 12)
    again = build(f"{name}+heavy_ball", second, lr=0.1)
    again.load_state_dict(optimizer.state_dict())
    second.weights.w.copy_(first.weights.w)
    second.oracle.restore(first.oracle.state())
    go(again, second, 20)
    assert torch.equal(second.weights.w, expected)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [("sgd", 0.4), ("saga+sgd", 0.1), ("sag+sgd", 0.1), ("sarah+sgd", 0.05),
     ("storm+sgd", 0.75 * 0.4), ("ema+saga+adam", 0.25), ("svrg+sgd", 0.4)],
)  # fmt: skip
def test_an_estimator_may_ask_for_a_smaller_rate_inside(spec, expected):
    usual = find("adam").defaults["lr"] if spec.endswith("adam") else 1.0
    recipe = make_recipe(spec)
    assert recipe.method.settings["lr"] == expected * usual
    assert recipe.canonical()["method"][1] == {}
    assert recall(recipe.canonical()) == recipe
    given = make_recipe(spec, {"lr": 0.3})
    assert given.method.settings["lr"] == 0.3
    assert recall(given.canonical()) == given


def test_a_step_that_never_asks_is_an_error():
    class Deaf:
        param_groups = [{"lr": 0.1}]  # noqa: RUF012

        def step(self, oracle):
            oracle.gradient(oracle.batch)

    class Twice(Deaf):
        def step(self, oracle):
            oracle()
            return oracle()

    class Same(Estimator):
        def estimate(self, oracle, g):
            return oracle.gradient(oracle.batch, out=g)[0]

    s = setting(Softmax(), 12)
    with pytest.raises(RuntimeError, match="never asked"):
        Composed(Deaf(), s.weights.w, estimator=Same()).step(s.oracle)
    with pytest.raises(RuntimeError, match="twice"):
        Composed(Twice(), s.weights.w, estimator=Same()).step(s.oracle)


def test_what_it_asks_is_on_the_bill():
    s = setting(Softmax(), 12)
    last("svrg+sgd", s, 10)
    assert s.oracle.ledger.gradients == 120 + 10 * 24
    s = setting(Softmax(), 12)
    last("saga+sgd", s, 10)
    assert s.oracle.ledger.gradients == 120


def test_compose_without_wrappers_changes_nothing():
    s = setting(Softmax(), 12)
    entry = find("sgd")
    base = entry.optimizer(s.weights.params("flat"), entry.settings({}).settings)
    assert compose(base, [], s.weights).param_groups is base.param_groups


@pytest.mark.parametrize("name", ["svrg+sgd", "sarah+sgd"])
def test_a_mask_that_changes_often_is_not_paid_with_full_gradients(train, name):
    """It changes sixty times; until the next snapshot is due the batch gradient has to do."""
    engine = users_engine(train.take(0, N))
    passes = {}
    for scenario, given in (("plain", {}), ("sparse", {"constraint": "magnitude"})):
        t = training(engine, name, scenario=scenario, batch_size=10, epochs=10, **given)
        steps_of(t, 10 * N // 10)
        passes[scenario] = t.oracle.ledger.passes
    batches = 10 * N / 60_000  # what plain batches cost: the rest are snapshots, two or more
    assert passes["sparse"] >= batches + 2 * N / 60_000
    assert passes["sparse"] <= passes["plain"]


def test_an_estimate_under_another_mask_is_the_batch_gradient_until_a_snapshot():
    s = setting(Quadratic(), batch_size=12)
    estimator = build("svrg+sgd", s).estimator
    s.oracle.next_step()
    estimator.estimate(s.oracle, g := s.weights.w.clone())
    s.oracle.next_step()
    s.weights.w.add_(0.1)
    estimator.estimate(s.oracle, g)
    _, plain = s.oracle.gradient(s.oracle.batch)
    assert not g.allclose(plain)
    estimator.masked(s.weights.w, torch.ones_like(s.weights.w))
    estimator.estimate(s.oracle, g)
    assert g.equal(plain)
    for _ in range(20):  # two sweeps
        s.oracle.next_step()
        estimator.estimate(s.oracle, g)
    s.weights.w.add_(0.1)
    s.oracle.next_step()
    estimator.estimate(s.oracle, g)
    _, plain = s.oracle.gradient(s.oracle.batch)
    assert not g.allclose(plain)


@pytest.mark.parametrize("name", ["svrg+sgd", "sarah+sgd"])
def test_the_budget_is_used_to_its_end(train, name):
    """Snapshots are taken while they fit, then small steps go on: a pass over the data and a sweep
    at two gradients make three passes, and the budget is two such rounds and not quite a pass."""
    sweep = N / 60_000
    t = training(TorchEngine(train.take(0, N), CPU), name, passes=6.7 * sweep, batch_size=10)
    before = t.position
    while t.position < 6.7 * sweep - 1e-9:
        before = t.position
        t.step()
    assert before > 6.6 * sweep
    assert 2.6 < t.oracle.order.epochs < 2.9


def test_what_is_left_is_known_where_the_budget_is_in_passes(train):
    engine = TorchEngine(train.take(0, N), CPU)
    t = training(engine, "armijo", passes=0.01, batch_size=100)
    assert t.oracle.left == 600
    t.step()
    assert t.oracle.left == pytest.approx(600 - 60_000 * t.oracle.ledger.passes, abs=1e-3)
    assert t.oracle.left < 500
    assert training(engine, "armijo", epochs=1).oracle.left == float("inf")
