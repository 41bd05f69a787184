"""Muon and Muon on spheres: the polar factor against an SVD, PyTorch's class, slow references."""

import math

import pytest
import torch
from torch import Tensor

from lenetlab.methods.matrix.polar import STEPS as QUINTICS
from lenetlab.oracle.ledger import Ledger
from lenetlab.oracle.linalg import LinearAlgebra
from lenetlab.oracle.native_engine import NativeEngine
from lenetlab.oracle.newton_schulz import newton_schulz
from lenetlab.oracle.torch_engine import TorchEngine
from tests.methods.training import build
from tests.problems import Quadratic, setting

from .drive import CPU, N, training

SHAPES = [(120, 256), (84, 120), (16, 150), (6, 25), (25, 6), (40, 40), (1, 7)]
STEPS = 50


def polar(g: Tensor) -> Tensor:
    return newton_schulz(g, QUINTICS)


def lifted(s: Tensor) -> Tensor:
    """What five steps make of singular values."""
    for _ in range(5):
        s = 3.4445 * s - 4.7750 * s**3 + 2.0315 * s**5
    return s


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("shape", SHAPES)
def test_newton_schulz_turns_nothing_and_levels_the_singular_values(shape):
    g = random(*shape)
    u, s, vt = torch.linalg.svd(g, full_matrices=False)
    levelled = lifted(s / s.norm())
    torch.testing.assert_close(polar(g), u @ levelled.diag() @ vt, rtol=1e-10, atol=1e-10)
    seen = s / s.norm() > 0.0015
    assert ((levelled[seen] > 0.68) & (levelled[seen] < 1.21)).all()


def test_the_band_that_the_page_names():
    s = torch.logspace(math.log10(0.0015), 0, 100_001, dtype=torch.float64)
    assert lifted(s).min() > 0.679
    assert lifted(s).max() < 1.21
    assert lifted(torch.tensor(0.0010)) < 0.6


@pytest.mark.parametrize("shape", SHAPES)
def test_in_single_precision_it_is_the_same_to_a_hundred_thousandth(shape):
    g = random(*shape)
    assert (polar(g.float()).double() - polar(g)).norm() < 1e-5 * polar(g).norm()


@pytest.fixture(scope="module")
def native():
    images = torch.zeros(1, 28, 28, dtype=torch.uint8)
    return NativeEngine(images, torch.zeros(1, dtype=torch.int64))


def test_natively_it_is_at_least_as_close_to_double_precision(native):
    matrices = [
        random(*shape, seed=k) for k, shape in enumerate([*SHAPES, (10, 84), (33, 65), (120,)])
    ]
    lengths = [0.01, 1.0, 100.0]  # of a matrix, which must not matter
    found = native.newton_schulz(
        [length * g.float() for g in matrices for length in lengths], QUINTICS
    )
    errors = torch.zeros(2)
    for k, u in enumerate(found):
        g = matrices[k // 3].float()
        exact = polar(g.double())
        errors += torch.tensor([float((x - exact).norm() / exact.norm()) for x in (u, polar(g))])
        assert (u - exact).norm() < 3e-6 * exact.norm()
    assert errors[0] < errors[1]
    again = native.newton_schulz([matrices[3].float(), matrices[0].float()], QUINTICS)
    assert again[1].equal(found[1])  # whatever was computed before it
    assert again[0].equal(found[10])


def test_natively_of_nothing_of_low_rank_and_of_nan(native):
    zero, vector = native.newton_schulz([torch.zeros(3, 4), torch.zeros(3)], QUINTICS)
    assert zero.equal(torch.zeros(3, 4))
    assert vector.equal(torch.zeros(3))
    low = random(40, 2) @ random(2, 70, seed=1)
    bad = torch.full((40, 70), math.nan)
    nan, found = native.newton_schulz([bad, low.float()], QUINTICS)
    assert nan.isnan().all()
    torch.testing.assert_close(found.double(), polar(low.float().double()), rtol=0, atol=3e-5)
    with pytest.raises(TypeError, match="float32"):
        native.newton_schulz([low], QUINTICS)


def test_of_a_vector_and_of_nothing():
    v = random(9)
    torch.testing.assert_close(polar(v), v / v.norm())
    assert polar(torch.zeros(3, 4)).equal(torch.zeros(3, 4))
    assert polar(torch.zeros(3)).equal(torch.zeros(3))


def stepped(name: str, w: Tensor, gradients: list[Tensor], **given) -> list[Tensor]:
    """The matrix `w` after each step along given gradients, in the quadratic's one matrix."""
    s = setting(Quadratic())
    rows, columns = s.weights.shapes["weight"]
    s.weights.w[: rows * columns] = w.flatten()
    optimizer = build(name, s, **given)
    seen = []
    for g in gradients:

        def eval_weights(g: Tensor = g) -> Tensor:
            s.weights.g[: rows * columns] = g.flatten()
            return torch.tensor(1.0)

        eval_weights.linalg = LinearAlgebra(Ledger())
        optimizer.base.step(eval_weights)
        seen.append(s.weights.w[: rows * columns].view(rows, columns).clone())
    return seen


def test_a_step_along_an_orthogonal_gradient_is_along_it():
    q, _ = torch.linalg.qr(random(3, 2))
    (after,) = stepped("muon", torch.zeros(3, 2), [5 * q], lr=0.1, momentum=0.9)
    length = lifted(torch.tensor(1 / math.sqrt(2), dtype=torch.float64))
    torch.testing.assert_close(after, -0.1 * math.sqrt(3 / 2) * length * q)
    assert 0.68 < length < 1.21


@pytest.fixture
def in_double(monkeypatch):
    """PyTorch's Muon iterates in bfloat16; here in the precision of what it is compared with."""
    monkeypatch.setattr(torch.Tensor, "bfloat16", torch.Tensor.double)


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_on_a_tall_matrix_a_step_is_pytorchs(in_double, decay):
    gradients = [random(3, 2, seed=k) for k in range(STEPS)]
    p = torch.nn.Parameter(random(3, 2, seed=99))
    ours = stepped("muon", p.detach(), gradients, lr=0.02, momentum=0.9, weight_decay=decay)
    theirs = torch.optim.Muon([p], lr=0.02, momentum=0.9, weight_decay=decay)
    for mine, g in zip(ours, gradients, strict=True):
        p.grad = g
        theirs.step()
        torch.testing.assert_close(mine, p.detach(), rtol=1e-12, atol=1e-12)


@pytest.fixture(scope="module")
def engine(train):
    return TorchEngine(train.take(0, N), CPU)


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_on_lenets_layers_it_is_pytorchs_and_biases_move_by_the_rate(engine, in_double, decay):
    scenario = "l2" if decay else "plain"
    settings = {"lr": 0.01, "momentum": 0.9, "weight_decay": decay}
    t = training(engine, "muon", settings, scenario=scenario)
    layers = t.optimizer.base.layers
    copies = [w.double().requires_grad_() for w, _ in layers]
    matrices = [p for p in copies if p.dim() == 2]
    assert sorted(tuple(p.shape) for p in matrices) == [
        (6, 25), (10, 84), (16, 150), (84, 120), (120, 256),
    ]  # fmt: skip
    theirs = torch.optim.Muon(matrices, lr=0.01, momentum=0.9, weight_decay=decay)
    momenta = [torch.zeros_like(p) for p in copies]
    for _ in range(STEPS):
        t.step()
        for p, (_, g) in zip(copies, layers, strict=True):
            p.grad = g.double()
        theirs.step()
        for p, m, (w, _) in zip(copies, momenta, layers, strict=True):
            if p.dim() == 1:
                with torch.no_grad():
                    m.copy_(0.9 * m + 0.1 * p.grad)
                    u = 0.1 * p.grad + 0.9 * m
                    p.copy_((1 - 0.01 * decay) * p - 0.01 * u / u.norm())
            # rounding of 24 bits in every step, 50 times
            assert (w.double() - p.detach()).norm() < 1e-5 * p.detach().norm()


@pytest.mark.parametrize("norm", [0.5, 1.0, 3.0])
def test_hyperball_holds_every_matrix_at_its_norm(engine, norm):
    plain = training(engine, "sgd").optimizer.param_groups[0]["params"][0].detach().clone()
    t = training(engine, "muon_hyperball", {"norm": norm})
    layers, start = t.optimizer.base.layers, t.weights.w.clone()
    biases = sum(w.numel() for w, _ in layers if w.dim() == 1)
    torch.testing.assert_close(start[:-biases], norm * plain[:-biases])
    assert start[-biases:].equal(plain[-biases:])
    before = [w.norm() for w, _ in layers]
    for _ in range(30):
        t.step()
        for (w, _), radius in zip(layers, before, strict=True):
            if w.dim() == 2:
                assert float(w.norm()) == pytest.approx(float(radius), rel=1e-6)
    assert not t.weights.w[-biases:].equal(start[-biases:])


def test_hyperball_follows_its_formula():
    gradients = [random(3, 2, seed=k) for k in range(STEPS)]
    w, m = random(3, 2, seed=99), torch.zeros(3, 2, dtype=torch.float64)
    ours = stepped("muon_hyperball", w, gradients, lr=0.1, momentum=0.9, norm=2.0)
    radius = 2 * w.norm()
    w = 2 * w
    for g, found in zip(gradients, ours, strict=True):
        m = 0.9 * m + 0.1 * g
        u = polar(0.1 * g + 0.9 * m)
        v = w - 0.1 * radius * u / u.norm()
        w = radius * v / v.norm()
        torch.testing.assert_close(found, w, rtol=1e-12, atol=1e-12)


def test_hyperball_leaves_a_matrix_that_begins_at_zero_free():
    (after,) = stepped("muon_hyperball", torch.zeros(3, 2), [random(3, 2)], lr=0.1)
    (muon,) = stepped("muon", torch.zeros(3, 2), [random(3, 2)], lr=0.1)
    assert after.equal(muon)
    assert after.norm() > 0
