"""Noise, curvature, layers and planes against brute force, in float64 on small problems."""

import math
from itertools import combinations

import numpy as np
import pytest
import torch

from lenetlab.errors import UserError
from lenetlab.inspection.directions import filter_normalised, plane_through, principal_plane
from lenetlab.inspection.landscape import grid, line, spaced
from lenetlab.inspection.layers import angles, norms
from lenetlab.inspection.noise import noise_scale
from lenetlab.inspection.probe import probe
from lenetlab.inspection.spectrum import eigenvalues
from lenetlab.inspection.trace import hessian_trace
from lenetlab.oracle.oracle import Batch
from lenetlab.oracle.torch_engine import TorchEngine
from lenetlab.problem.model import SHAPES, initial_weights, views
from tests.methods.drive import CPU
from tests.problems import LinearNet, Softmax, setting


def point(problem) -> torch.Tensor:
    rng = torch.Generator().manual_seed(5)
    shape = problem.at_start(torch.float64).shape
    return torch.randn(shape, generator=rng, dtype=torch.float64)


def gradients(oracle, batch, w):
    """Every example's, one question each."""
    return torch.stack([oracle.gradient(Batch(i.unsqueeze(0)), at=w)[1] for i in batch.indices])


def dense(oracle, batch, w):
    return oracle.hessian(batch, at=w) @ torch.eye(len(w), dtype=w.dtype)


# noise


def test_noise_scale_is_that_of_all_per_example_gradients():
    s = setting(Softmax())
    w = point(s.problem)
    each = gradients(s.oracle, s.oracle.full, w)
    variance = float(each.var(0).sum())
    squared_norm = float(each.mean(0).square().sum()) - variance / len(each)
    found = noise_scale(s.oracle, s.oracle.full, w)
    assert found.variance == pytest.approx(variance, rel=1e-10)
    assert found.squared_norm == pytest.approx(squared_norm, rel=1e-10)
    assert found.scale == pytest.approx(variance / squared_norm, rel=1e-10)


@pytest.mark.parametrize("n", [3, 4, 12])
def test_few_examples_have_a_noise_scale_too(n):
    s = setting(Softmax(n=n))
    w = point(s.problem)
    found = noise_scale(s.oracle, s.oracle.full, w)
    each = gradients(s.oracle, s.oracle.full, w)
    assert found.variance == pytest.approx(float(each.var(0).sum()), rel=1e-10)


def test_both_parts_are_unbiased():
    """Their means over all samples of 4 from 8 examples are what all 8 have."""
    s = setting(Softmax(n=8))
    w = point(s.problem)
    whole = noise_scale(s.oracle, s.oracle.full, w, groups=2)
    parts = [
        noise_scale(s.oracle, Batch(torch.tensor(chosen)), w, groups=2)
        for chosen in combinations(range(8), 4)
    ]
    for name in ("variance", "squared_norm"):
        mean = np.mean([getattr(part, name) for part in parts])
        assert mean == pytest.approx(getattr(whole, name), rel=1e-10)


def test_error_of_the_noise_scale_is_its_spread_over_samples():
    s = setting(Softmax(n=4000))
    w = point(s.problem)
    found = [
        noise_scale(s.oracle, Batch(indices), w)
        for indices in torch.split(torch.randperm(4000), 200)
    ]
    spread = np.std([one.scale for one in found], ddof=1)
    assert np.mean([one.error for one in found]) == pytest.approx(spread, rel=0.5)


def test_noise_without_signal_has_no_scale():
    s = setting(Softmax())
    w = s.problem.at_start(torch.float64)
    optimum = torch.linalg.pinv(dense(s.oracle, s.oracle.full, w))
    for _ in range(30):
        w = w - optimum @ s.oracle.gradient(s.oracle.full, at=w)[1]
    found = noise_scale(s.oracle, s.oracle.full, w)
    assert found.squared_norm < 0
    assert found.scale is None
    assert found.error is None
    assert found.steps(64) is None


def test_a_batch_of_the_noise_scale_takes_twice_the_fewest_of_both():
    s = setting(Softmax())
    found = noise_scale(s.oracle, s.oracle.full, point(s.problem))
    assert found.steps(found.scale) == pytest.approx(2)
    assert found.examples(found.scale) == pytest.approx(2)
    assert found.steps(found.scale / 9) == pytest.approx(10)


# curvature


@pytest.mark.parametrize("end", ["largest", "least"])
def test_eigenvalues_are_the_dense_hessians(end):
    s = setting(LinearNet())
    w = point(s.problem)
    values, vectors = np.linalg.eigh(dense(s.oracle, s.oracle.full, w).numpy())
    assert values[0] < 0  # indefinite, so that the two ends are different things
    found = eigenvalues(s.oracle, s.oracle.full, w, 3, end, tolerance=1e-10)
    expected = values[::-1][:3] if end == "largest" else values[:3]
    np.testing.assert_allclose(found.values, expected, rtol=1e-8)
    first = vectors[:, -1 if end == "largest" else 0]
    assert abs(first @ found.vectors[:, 0]) == pytest.approx(1, abs=1e-8)


def test_eigenvalues_of_lenet_in_float32_are_those_in_float64(train):
    """ARPACK over products with the rounding of float32."""
    few = train.take(0, 40)
    w = initial_weights(torch.Generator().manual_seed(1))
    p = probe(TorchEngine(few, CPU), few.labels, 40, 40)
    one = eigenvalues(p.oracle, p.batch, w)
    two = eigenvalues(p.oracle, p.batch, w.double(), tolerance=1e-6)
    np.testing.assert_allclose(one.values, two.values, rtol=1e-3)


def test_a_known_eigenvector_saves_products(train):
    few = train.take(0, 100)
    w = initial_weights(torch.Generator().manual_seed(1))
    p = probe(TorchEngine(few, CPU), few.labels, 100, 100)
    cold = eigenvalues(p.oracle, p.batch, w)
    before = p.oracle.ledger.hessian_products
    warm = eigenvalues(p.oracle, p.batch, w, start=cold.vectors[:, 0])
    assert p.oracle.ledger.hessian_products - before == 100 * warm.products
    assert warm.products <= cold.products
    assert warm.values[0] == pytest.approx(cold.values[0], rel=2e-3)


def test_trace_is_within_its_error_of_the_dense_one():
    s = setting(LinearNet())
    w = point(s.problem)
    exact = float(dense(s.oracle, s.oracle.full, w).trace())
    rng = torch.Generator().manual_seed(0)
    found = [hessian_trace(s.oracle, s.oracle.full, w, rng, samples=30) for _ in range(40)]
    away = np.array([(one.mean - exact) / one.error for one in found])
    assert (abs(away) < 2.05).mean() >= 0.85  # of Student's t with 29 degrees, 95 % are
    assert abs(away.mean()) < 3 / math.sqrt(40)  # no bias
    off = dense(s.oracle, s.oracle.full, w)
    variance = 2 * float((off - off.diag().diag()).square().sum())
    assert np.mean([one.error**2 for one in found]) == pytest.approx(variance / 30, rel=0.3)


# layers


def test_norms_and_angles_of_layers():
    w = initial_weights(torch.Generator().manual_seed(1))
    turned = w.clone()
    views(turned)["fc2.weight"].neg_()
    views(turned)["conv1.bias"].mul_(3)
    a, b = views(turned)["fc3.bias"], torch.randn(10)
    b -= a.dot(b) / a.dot(a) * a
    a.mul_(math.cos(1e-6)).add_(b / b.norm() * a.norm() * math.sin(1e-6))
    found = angles(w.double(), turned.double())
    assert found["fc2.weight"] == pytest.approx(math.pi)
    assert found["conv1.bias"] == pytest.approx(0, abs=1e-7)  # the angle is not the length
    assert found["fc1.weight"] == 0
    assert norms(turned)["conv1.bias"] == pytest.approx(3 * norms(w)["conv1.bias"])
    assert norms(w)["fc1.weight"] == pytest.approx(float(views(w)["fc1.weight"].norm()))


def test_small_angles_are_exact():
    a = torch.tensor([1.0, 0.0], dtype=torch.float64)
    for angle in (1e-9, 1e-3, 1.0, 3.0):
        b = 7 * torch.tensor([math.cos(angle), math.sin(angle)], dtype=torch.float64)
        assert angles(a, b, {"a": (2,)})["a"] == pytest.approx(angle, rel=1e-6)
    assert angles(a, 0 * a, {"a": (2,)})["a"] is None


# directions and planes


def test_filters_of_a_random_direction_are_as_long_as_the_weights_own():
    w = initial_weights(torch.Generator().manual_seed(1))
    views(w)["fc1.weight"][7] = 0
    d = filter_normalised(w, torch.Generator().manual_seed(0))
    for name, part in views(d).items():
        if len(SHAPES[name]) == 1:
            assert not part.any()
        else:
            own = views(w)[name].flatten(1).norm(dim=1)
            torch.testing.assert_close(part.flatten(1).norm(dim=1), own)
    assert abs(torch.cosine_similarity(d, w, dim=0)) < 0.1


def test_a_plane_has_its_three_points():
    a, b, c, other = torch.randn(4, 50, dtype=torch.float64)
    plane = plane_through(a, b, c)
    points = torch.stack([a, b, c, other])
    where = plane.coordinates(points)
    for i in range(3):
        torch.testing.assert_close(plane.at(*where[i].tolist()), points[i])
    torch.testing.assert_close(where[0], torch.zeros(2, dtype=torch.float64))
    assert where[1, 1] == pytest.approx(0, abs=1e-12)
    assert plane.distances(points)[:3].max() < 1e-12
    assert plane.distances(points)[3] > 1
    with pytest.raises(UserError, match="one line"):
        plane_through(a, b, a + 3 * (b - a))


def test_the_principal_plane_is_the_nearest():
    rng = torch.Generator().manual_seed(0)
    flat = torch.randn(20, 2, generator=rng, dtype=torch.float64) @ torch.randn(
        2, 40, generator=rng, dtype=torch.float64
    )
    plane, share = principal_plane(flat)
    assert share == pytest.approx(1)
    assert plane.distances(flat).max() < 1e-10
    noisy = flat + 0.3 * torch.randn(20, 40, generator=rng, dtype=torch.float64)
    plane, share = principal_plane(noisy)
    centred = noisy - noisy.mean(0)
    lost = plane.distances(noisy).square().sum() / centred.square().sum()
    assert share == pytest.approx(1 - float(lost))
    other = plane_through(noisy[0], noisy[1], noisy[2])
    assert plane.distances(noisy).norm() < other.distances(noisy).norm()


def test_lines_and_grids_are_losses_of_their_points():
    problem = Softmax()
    a, b = point(problem), problem.at_start(torch.float64)
    p = probe(problem, problem.y, 50, 50, like=b, shapes=problem.shapes)
    found = line(p, a, b - a, spaced(0, 1, 5))
    for t, loss in zip(found.t, found.loss, strict=True):
        assert loss == pytest.approx(float(problem.value(a + t * (b - a), torch.arange(50))))
    assert found.barrier == pytest.approx(0)  # the loss is convex
    plane = plane_through(a, b, torch.ones_like(a))
    values = grid(p, plane, [0.0, 1.0, 2.0], [-1.0, 3.0], a)
    assert np.shape(values) == (2, 3)
    expected = float(problem.value(plane.at(2.0, -1.0), torch.arange(50)))
    assert values[0][2] == pytest.approx(expected)
