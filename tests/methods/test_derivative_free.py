"""Derivative-free methods: slow references, another library, invariances, closed forms."""

import itertools
import math

import cmaes
import numpy as np
import pytest
import torch
from torch import Tensor

from lenetlab.errors import UserError
from lenetlab.methods import sampling
from lenetlab.methods.derivative_free import spsa
from lenetlab.methods.derivative_free.nes import utilities
from tests.methods.training import build, excess, last, steps
from tests.problems import Problem, Quadratic, Setting, Softmax, setting

VALUES_ONLY = ["random_search", "simulated_annealing", "spsa", "nes", "cross_entropy", "cma_es"]
BY_RANK = ["random_search", "nes", "cross_entropy", "cma_es"]


class Cubed(Softmax):
    """An increasing function of every value of the loss."""

    def value(self, w: Tensor, batch: Tensor) -> Tensor:
        return super().value(w, batch) ** 3


class Recorded(Quadratic):
    """Takes note of the batch of every question."""

    def __init__(self) -> None:
        super().__init__()
        self.batch_size: list[tuple[int, ...]] = []

    def value(self, w: Tensor, batch: Tensor) -> Tensor:
        self.batch_size.append(tuple(batch.tolist()))
        return super().value(w, batch)


class Separable(Problem):
    """½ Σ a_i w_i², a_i from 1 to 10⁴, started at 1."""

    def __init__(self) -> None:
        self.shapes = {"weight": (3, 2), "bias": (3,)}
        self.n = 1
        self.curvature = torch.logspace(0, 4, 9, dtype=torch.float64)
        self.least = 0.0

    def value(self, w: Tensor, batch: Tensor) -> Tensor:
        return 0.5 * (self.curvature * w.square()).sum()

    def at_start(self, dtype: torch.dtype) -> Tensor:
        return torch.ones(9, dtype=dtype)


def draws(s: Setting) -> torch.Generator:
    """What the method is about to draw from, apart."""
    return torch.Generator().set_state(s.oracle.rng.get_state())


def randn(rng: torch.Generator, *shape: int) -> np.ndarray:
    return torch.randn(shape, generator=rng, dtype=torch.float64).numpy()


def objective(s: Setting):
    everything = s.oracle.full.indices
    return lambda x: float(s.problem.value(torch.from_numpy(np.array(x)), everything))


# all that ask values alone


@pytest.mark.parametrize("name", VALUES_ONLY)
def test_it_asks_values_alone_and_all_of_a_step_on_one_batch(name):
    s = setting(Recorded(), batch_size=7)
    seen = set()
    for _ in steps(name, s, 20):
        assert len(set(s.problem.batch_size)) == 1  # common random numbers
        seen.add(s.problem.batch_size[0])
        s.problem.batch_size.clear()
    assert len(seen) == 20
    assert s.oracle.ledger.gradients == 0


@pytest.mark.parametrize("name", BY_RANK)
def test_an_increasing_function_of_the_loss_gives_the_same_bits(name):
    plain, cubed = setting(Softmax(), 30), setting(Cubed(), 30)
    for a, b in zip(steps(name, plain, 60), steps(name, cubed, 60), strict=True):
        assert a.equal(b)


# random search, simulated annealing


@pytest.mark.parametrize("name", ["random_search", "simulated_annealing"])
def test_every_step_is_that_of_a_slow_reference(name):
    s = setting(Quadratic())
    rng, f = draws(s), objective(s)
    w, sigma, t = np.zeros(9), 0.3, 2.0
    given = {"sigma": sigma, "d": 3.0}
    if name == "simulated_annealing":
        given |= {"temperature": t, "gamma": 0.95}
    uphill = 0
    for found in steps(name, s, 200, **given):
        child = w + sigma * randn(rng, 9)
        delta = f(child) - f(w)
        accepted = delta <= 0
        if not accepted and name == "simulated_annealing":
            accepted = torch.rand((), generator=rng).item() < math.exp(-delta / t)
            uphill += accepted
        w = child if accepted else w
        sigma *= math.exp((0.8 if accepted else -0.2) / 3.0)
        t *= 0.95
        np.testing.assert_allclose(found.numpy(), w, rtol=1e-12, atol=1e-12)
    assert (uphill > 5) == (name == "simulated_annealing")


def test_annealing_at_temperature_zero_is_random_search():
    one, other = setting(Softmax(), 30), setting(Softmax(), 30)
    given = {"sigma": 0.1, "d": 4.0}
    pairs = zip(
        steps("random_search", one, 100, **given),
        steps("simulated_annealing", other, 100, temperature=0.0, **given),
        strict=True,
    )
    for a, b in pairs:
        assert a.equal(b)


def test_at_a_constant_temperature_annealing_has_boltzmanns_mean_energy():
    """E[F − min F] = n T / 2 on a quadratic, whatever its curvatures (equipartition)."""
    t = 0.02
    s = setting(Quadratic())
    s.weights.w.copy_(s.problem.minimum)
    given = {"sigma": 0.12, "d": 1e9, "temperature": t, "gamma": 1.0}
    energies = [excess(s, w) for w in steps("simulated_annealing", s, 6000, **given)]
    # 6000 steps are some 200 independent draws: the standard error is about 4 %
    assert np.mean(energies) == pytest.approx(9 * t / 2, rel=0.15)


# SPSA


def test_spsa_over_all_directions_is_the_gradient_of_a_quadratic(monkeypatch):
    s = setting(Quadratic())
    _, g = s.oracle.gradient(s.oracle.full)
    start, total = s.weights.w.clone(), torch.zeros_like(g)
    given = {"lr": 1.0, "c": 0.1, "A": 0.0}
    for coins in itertools.product((-1.0, 1.0), repeat=9):
        s.weights.w.copy_(start)
        delta = torch.tensor(coins, dtype=torch.float64)
        monkeypatch.setattr(spsa, "signs", lambda oracle, delta=delta: delta)
        total += start - last("spsa", s, 1, **given)
    torch.testing.assert_close(total / 512, g, rtol=1e-9, atol=1e-9)


def test_spsa_follows_its_gain_sequences():
    s = setting(Softmax())
    rng, f = draws(s), objective(s)
    w = np.zeros(15)
    given = {"lr": 2.0, "c": 0.1, "A": 10.0, "alpha": 0.7, "gamma": 0.2}
    for k, found in enumerate(steps("spsa", s, 50, **given)):
        delta = 2.0 * torch.randint(0, 2, (15,), generator=rng).numpy() - 1.0
        c = 0.1 / (k + 1) ** 0.2
        slope = (f(w + c * delta) - f(w - c * delta)) / (2 * c)
        w = w - 2.0 / (10 + k + 1) ** 0.7 * slope / delta
        np.testing.assert_allclose(found.numpy(), w, rtol=1e-9, atol=1e-12)


def test_coins_are_fair_and_independent():
    s = setting(Quadratic())
    tossed = torch.stack([sampling.signs(s.oracle) for _ in range(4000)])
    assert set(tossed.unique().tolist()) == {-1.0, 1.0}
    covariance = tossed.T @ tossed / len(tossed)  # entries with a standard error of 0.016
    torch.testing.assert_close(covariance, torch.eye(9).double(), rtol=0, atol=0.08)
    assert tossed.mean(0).abs().max() < 0.08


# NES


def test_utilities_are_those_of_the_paper():
    """Wierstra et al. 2014, Table 1: ranks alone, the worse half alike, the sum zero."""
    u = utilities(torch.tensor([5.0, 1.0, 9.0, 2.0, 7.0, 8.0], dtype=torch.float64))
    raw = [max(0.0, math.log(4) - math.log(r)) for r in (3, 1, 6, 2, 4, 5)]
    expected = [r / sum(raw) - 1 / 6 for r in raw]
    assert u.tolist() == pytest.approx(expected, abs=1e-15)
    assert float(u.sum()) == pytest.approx(0, abs=1e-15)


@pytest.mark.parametrize("adapt", [1.0, 0.0])
def test_nes_is_the_papers_algorithm_6_step_by_step(adapt):
    s = setting(Softmax())
    rng, f = draws(s), objective(s)
    n, k = 15, 6
    w, sigma = np.zeros(n), np.full(n, 0.5)
    eta_sigma = adapt * (3 + math.log(n)) / (5 * math.sqrt(n))
    for found in steps("nes", s, 40, lr=0.8, sigma=0.5, pairs=k, adapt=adapt):
        half = randn(rng, k, n)
        population = sorted([*half, *-half], key=lambda z: f(w + sigma * z))
        raw = [max(0.0, math.log(k + 1) - math.log(r)) for r in range(1, 2 * k + 1)]
        u = [r / sum(raw) - 1 / (2 * k) for r in raw]
        grad_mean = sum(u_i * z for u_i, z in zip(u, population, strict=True))
        grad_sigma = sum(u_i * (z**2 - 1) for u_i, z in zip(u, population, strict=True))
        w = w + 0.8 * sigma * grad_mean
        sigma = sigma * np.exp(eta_sigma / 2 * grad_sigma)
        np.testing.assert_allclose(found.numpy(), w, rtol=1e-9, atol=1e-12)


# cross-entropy


def test_cross_entropy_fits_the_elite_step_by_step():
    s = setting(Softmax())
    rng, f = draws(s), objective(s)
    w, variance = np.zeros(15), np.full(15, 0.25)
    given = {"lr": 0.7, "beta": 0.4, "sigma": 0.5, "population": 20, "elite": 5}
    for found in steps("cross_entropy", s, 40, **given):
        members = sorted(w + np.sqrt(variance) * randn(rng, 20, 15), key=f)
        elite = np.array(members[:5])
        w = 0.7 * elite.mean(0) + 0.3 * w
        variance = 0.4 * elite.var(0) + 0.6 * variance
        np.testing.assert_allclose(found.numpy(), w, rtol=1e-9, atol=1e-12)


def test_an_elite_larger_than_its_population_is_refused():
    with pytest.raises(UserError, match="elite=11 of a population of 10"):
        build("cross_entropy", setting(Quadratic()), population=10, elite=11)


# CMA-ES


class Given:
    """NumPy's generator, as `cmaes` calls it, over draws made elsewhere."""

    def __init__(self, rng: torch.Generator) -> None:
        self.rng = rng
        self.rows = iter(())

    def randn(self, n: int) -> np.ndarray:
        return next(self.rows)


@pytest.mark.parametrize("problem", [Softmax, Separable])
def test_cma_es_is_sep_cma_of_the_package_cmaes_step_by_step(problem):
    s = setting(problem())
    given, f = Given(draws(s)), objective(s)
    start = s.weights.w.numpy().copy()
    theirs = cmaes.SepCMA(mean=start, sigma=0.3, population_size=12)
    theirs._rng = given
    ours = build("cma_es", s, sigma=0.3, population=12)
    for _ in range(150):
        s.oracle.next_step()
        ours.step(s.oracle)
        given.rows = iter(randn(given.rng, 12, len(start)))
        theirs.tell([(x, f(x)) for x in (theirs.ask() for _ in range(12))])
        np.testing.assert_allclose(s.weights.w.numpy(), theirs.mean, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(ours.base.c.numpy(), theirs._C, rtol=1e-9)
        assert ours.base.sigma == pytest.approx(theirs._sigma, rel=1e-9)


def test_cma_es_learns_the_curvatures_of_a_separable_quadratic():
    s = setting(Separable())
    optimizer = build("cma_es", s, sigma=0.3, population=12)
    for _ in range(400):
        s.oracle.next_step()
        optimizer.step(s.oracle)
    scaled = (optimizer.base.c * s.problem.curvature).log()
    assert float(scaled.std()) < 1.0  # the curvatures' own logarithms have 2.8 before
    assert excess(s, s.weights.w) < 1e-12
