"""Curvature against dense float64 matrices, by hand and by curvlinops."""

import resource

import pytest
import torch

from lenetlab.oracle import second_order
from lenetlab.oracle.native_engine import NativeEngine
from lenetlab.oracle.oracle import Batch, Oracle
from lenetlab.oracle.order import DataOrder
from lenetlab.oracle.torch_engine import TorchEngine
from lenetlab.oracle.weights import Weights
from lenetlab.problem.data import Split
from lenetlab.problem.model import SHAPES, SIZE, initial_weights, logits, views
from tests.problems import Problem, Quadratic, Softmax, setting

L2 = 0.1
BATCH = Batch(torch.tensor([3, 1, 4, 15, 9, 2, 6]))


def lenet(n=40, dtype=torch.float64):
    rng = torch.Generator().manual_seed(0)
    images = torch.randint(256, (n, 28, 28), generator=rng, dtype=torch.uint8)
    split = Split(images, torch.randint(10, (n,), generator=rng), "", "", None)
    engine = TorchEngine(split, torch.device("cpu"))
    weights = Weights(initial_weights(rng).to(dtype))
    order = DataOrder(torch.Generator().manual_seed(0), n)
    return Oracle(engine, weights, order, lambda: 8, rng), weights, engine


def at_random(problem: Problem, masked: bool, l2: float = L2):
    s = setting(problem, l2=l2)
    rng = torch.Generator().manual_seed(5)
    s.weights.w.copy_(torch.randn(len(s.weights.w), generator=rng))
    if masked:
        s.oracle.mask = (torch.rand(len(s.weights.w), generator=rng) < 0.6).double()
    return s


def dense(problem, w, kind, targets=None):
    """The matrices of the module's page, written down."""
    i = BATCH.indices
    targets = problem.targets(i) if targets is None else targets

    def loss(w):
        return problem.losses(problem.outputs(w, i), targets).mean()

    if kind == "hessian":
        return torch.func.jacrev(torch.func.grad(loss))(w)
    jacobian = torch.func.jacrev(lambda w: problem.outputs(w, i))(w)  # (b, c, n)
    z = problem.outputs(w, i)

    def one(z, t):
        return problem.losses(z.unsqueeze(0), t.unsqueeze(0))[0]

    if kind == "ggn":
        middle = torch.func.vmap(torch.func.jacrev(torch.func.grad(one)))(z, targets)
    else:
        r = torch.func.vmap(torch.func.grad(one))(z, targets)
        middle = r.unsqueeze(2) * r.unsqueeze(1)
    return (jacobian.mT @ middle @ jacobian).mean(0)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("kind", ["hessian", "ggn", "fisher"])
@pytest.mark.parametrize("problem", [Quadratic(), Softmax()], ids=["quadratic", "softmax"])
def test_products_are_those_of_the_dense_matrix(problem, kind, masked):
    s = at_random(problem, masked)
    w, m = s.weights.w, s.oracle.mask
    m = torch.ones_like(w) if m is None else m
    eye = torch.eye(len(w), dtype=torch.float64)
    expected = m * (dense(problem, m * w, kind) + L2 * eye) * m.unsqueeze(1)
    operator = getattr(s.oracle, kind)(BATCH)
    torch.testing.assert_close(operator @ eye, expected)
    torch.testing.assert_close(operator @ eye[:, 2], expected[:, 2])


def test_the_operator_stays_at_the_point_where_it_was_made():
    s = at_random(Softmax(), masked=False)
    v = torch.ones_like(s.weights.w)
    for kind in ("hessian", "ggn", "fisher"):
        operator = getattr(s.oracle, kind)(BATCH)
        before = operator @ v
        s.weights.w.add_(1)
        assert torch.equal(operator @ v, before)


def test_a_streamed_batch_gives_the_same_products(monkeypatch):
    s = at_random(Softmax(), masked=True)
    v = torch.randn(15, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    kept = [getattr(s.oracle, k)(s.oracle.full) @ v for k in ("hessian", "ggn", "fisher")]
    monkeypatch.setattr(second_order, "CHUNK", 7)
    monkeypatch.setattr(second_order, "KEPT", 14)
    streamed = [getattr(s.oracle, k)(s.oracle.full) @ v for k in ("hessian", "ggn", "fisher")]
    for a, b in zip(kept, streamed, strict=True):
        torch.testing.assert_close(a, b)


def test_the_sampled_fisher_is_the_ggn_on_average():
    s = at_random(Softmax(), masked=False, l2=0.0)
    eye = torch.eye(15, dtype=torch.float64)
    n = 400
    mean = sum(s.oracle.fisher(BATCH, sampled=True) @ eye for _ in range(n)) / n
    exact = s.oracle.ggn(BATCH) @ eye
    assert (mean - exact).norm() < 4 * exact.norm() / n**0.5
    one = s.oracle.fisher(BATCH, sampled=True)
    assert torch.equal(one @ eye, one @ eye)


@pytest.mark.parametrize("problem", [Quadratic, Softmax])
def test_sampled_gradients_estimate_the_diagonal_of_the_ggn(problem, monkeypatch):
    monkeypatch.setattr(second_order, "CHUNK", 3)
    s = at_random(problem(), masked=True)
    n, b = 500, len(BATCH)
    g = torch.stack([s.oracle.sampled_gradient(BATCH) for _ in range(n)])
    exact = s.oracle.mask * dense(s.problem, s.oracle.mask * s.weights.w, "ggn").diagonal()
    assert (b * g.square().mean(0) - exact).norm() < 5 * exact.norm() / n**0.5
    assert (g.mean(0).norm() * b**0.5) < 5 * (exact.sum() / n).sqrt()
    assert s.oracle.ledger.gradients == n * b


def test_per_example_gradients_go_through_mask_and_l2():
    s = at_random(Softmax(), masked=True)
    rows = s.oracle.per_example_gradients(BATCH)
    loss, norms = s.oracle.per_example_norms(BATCH)
    for i, row, norm in zip(BATCH.indices, rows, norms, strict=True):
        _, g = s.oracle.gradient(Batch(i.unsqueeze(0)))
        torch.testing.assert_close(row, g)
        torch.testing.assert_close(norm, g.norm())
    torch.testing.assert_close(loss, s.oracle.value(BATCH))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_lenet_agrees_with_differences_and_with_single_gradients(dtype):
    oracle, weights, _engine = lenet(dtype=dtype)
    loose = {"rtol": 1e-3, "atol": 1e-4} if dtype == torch.float32 else {}
    rows = oracle.per_example_gradients(BATCH)
    mean, g = oracle.gradient(BATCH)
    torch.testing.assert_close(rows.mean(0), g, **loose)
    loss, norms = oracle.per_example_norms(BATCH)
    torch.testing.assert_close(norms, rows.norm(dim=1), **loose)
    torch.testing.assert_close(loss, mean, **loose)
    v = torch.randn(SIZE, generator=oracle.rng, dtype=torch.float64).to(dtype)
    v /= v.norm()
    product = oracle.fisher(BATCH) @ v
    torch.testing.assert_close(product, rows.T @ (rows @ v) / len(BATCH), **loose)
    if dtype == torch.float64:
        w, eps = weights.w.clone(), 1e-6  # small: max-pooling has kinks
        up, down = (oracle.gradient(BATCH, at=w + s * eps * v)[1] for s in (1, -1))
        torch.testing.assert_close(
            oracle.hessian(BATCH) @ v, (up - down) / (2 * eps), rtol=1e-4, atol=1e-6
        )


def test_layers_make_up_the_gradient():
    oracle, _weights, _ = lenet()
    layers = oracle.layers(BATCH)
    loss, g = oracle.gradient(BATCH)
    named, b = views(g), len(BATCH)
    torch.testing.assert_close(layers.loss, loss)
    for name in ("fc1", "fc2", "fc3"):
        product = layers.output_gradients[name].T @ layers.inputs[name] / b
        torch.testing.assert_close(product, named[f"{name}.weight"])
    for name in ("conv1", "conv2"):
        a = torch.nn.functional.unfold(layers.inputs[name], 5)
        delta = layers.output_gradients[name].flatten(2)
        product = (delta @ a.mT).mean(0).view_as(named[f"{name}.weight"])
        torch.testing.assert_close(product, named[f"{name}.weight"])
        torch.testing.assert_close(delta.sum(2).mean(0), named[f"{name}.bias"])
    assert layers.inputs["conv2"].shape == (b, 6, 12, 12)
    assert layers.output_gradients["conv1"].shape == (b, 6, 24, 24)


def test_labels_are_drawn_with_the_models_probabilities():
    oracle, weights, engine = lenet()
    batch = Batch(BATCH.indices[:1].repeat(3000))
    p = torch.softmax(engine.outputs(weights.w, BATCH.indices[:1]), 1)[0]
    deltas = oracle.layers(batch, sampled=True).output_gradients["fc3"]
    assert oracle.ledger.counts()["layers"] == len(batch)
    labels = (p - deltas).round()
    torch.testing.assert_close(p - labels, deltas)
    assert torch.equal(labels.sum(1), torch.ones(len(batch), dtype=torch.float64))
    frequency = labels.mean(0)
    assert ((frequency - p).abs() < 4 * (p * (1 - p) / len(batch)).sqrt()).all()
    assert not torch.equal(oracle.layers(batch, sampled=True).output_gradients["fc3"], deltas)


def test_sampled_layers_propagate_the_drawn_label():
    oracle, weights, engine = lenet()
    uniform = torch.rand(len(BATCH), generator=torch.Generator().manual_seed(3))
    found = engine.layers(weights.w, BATCH.indices, uniform)
    z = engine.outputs(weights.w, BATCH.indices)
    labels = (z.softmax(1).cumsum(1) <= uniform.double().unsqueeze(1)).sum(1)
    _, _, other = lenet()
    other._split.labels[BATCH.indices] = labels
    expected = other.layers(weights.w, BATCH.indices)
    for name in found.inputs:
        torch.testing.assert_close(found.output_gradients[name], expected.output_gradients[name])
    torch.testing.assert_close(found.loss, oracle.value(BATCH))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_curvlinops_agrees_on_lenet():
    curvlinops = pytest.importorskip("curvlinops")
    oracle, weights, engine = lenet()
    i = BATCH.indices
    data = [(engine._images(i, weights.w), engine.targets(i))]
    params = [view.clone().requires_grad_() for view in views(weights.w).values()]

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weights = torch.nn.ParameterList(params)

        def forward(self, x):
            return logits(dict(zip(SHAPES, self.weights, strict=True)), x)

    v = torch.randn(SIZE, generator=oracle.rng, dtype=torch.float64)
    for ours, theirs in (
        (oracle.hessian(BATCH), curvlinops.HessianLinearOperator),
        (oracle.ggn(BATCH), curvlinops.GGNLinearOperator),
        (oracle.fisher(BATCH), curvlinops.EFLinearOperator),
    ):
        net = Net()
        operator = theirs(
            net,
            torch.nn.CrossEntropyLoss(),
            list(net.parameters()),
            data,
            check_deterministic=False,
        )
        torch.testing.assert_close(ours @ v, operator @ v)


def test_every_product_is_charged():
    s = at_random(Softmax(), masked=False)
    v = torch.ones(15, 3, dtype=torch.float64)
    ledger, b = s.oracle.ledger, len(BATCH)
    h = s.oracle.hessian(BATCH)
    assert ledger.passes == 0
    _ = h @ v
    assert ledger.hessian_products == 3 * b
    _ = s.oracle.ggn(BATCH) @ v[:, 0]
    _ = s.oracle.fisher(BATCH, sampled=True) @ v[:, 0]
    assert ledger.gauss_newton_products == 2 * b
    assert ledger.forwards == ledger.gradients == 0
    s.oracle.sampled_gradient(BATCH)
    assert (ledger.gradients, ledger.forwards) == (b, 0)
    s.oracle.per_example_gradients(BATCH)
    assert ledger.per_example_gradients == b
    with pytest.raises(ValueError, match="expected \\(15,\\)"):
        _ = h @ torch.ones(4)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("l2", [0.0, 0.3])
def test_norms_of_examples_cost_layers_through_mask_and_l2(masked, l2):
    oracle, weights, engine = lenet()
    order = DataOrder(torch.Generator().manual_seed(0), 40)
    o = Oracle(engine, weights, order, lambda: 8, oracle.rng, l2, weights.matrices)
    if masked:
        rng = torch.Generator().manual_seed(2)
        o.mask = (torch.rand(SIZE, generator=rng) < 0.5).double()
    loss, norms = o.per_example_norms(BATCH)
    assert o.ledger.layers == len(BATCH)
    assert 60_000 * o.ledger.passes == pytest.approx(1.4 * len(BATCH))
    torch.testing.assert_close(norms, o.per_example_gradients(BATCH).norm(dim=1))
    torch.testing.assert_close(loss, o.gradient(BATCH)[0])


@pytest.mark.parametrize("masked", [False, True])
def test_the_native_engine_and_pytorch_give_the_same_curvature(masked):
    """Through mask and L2, for true and for drawn labels, and charged the same."""
    _, weights, engine = lenet(dtype=torch.float32)
    data, w = engine._split, weights.w
    native = NativeEngine(data.images, data.labels, threads=2)
    v = torch.randn(SIZE, 2, generator=torch.Generator().manual_seed(1))
    mask = (torch.rand(SIZE, generator=torch.Generator().manual_seed(2)) < 0.5).float()
    batch, found = Batch(torch.arange(33)), []
    for one in (engine, native):
        order = DataOrder(torch.Generator().manual_seed(0), len(data))
        rng = torch.Generator().manual_seed(3)
        o = Oracle(one, weights, order, lambda: 64, rng, L2, weights.matrices)
        o.mask = mask if masked else None
        answers = [
            o.hessian(batch) @ v, o.ggn(batch, at=0.9 * w) @ v, o.fisher(batch) @ v[:, 1],
            o.fisher(batch, sampled=True) @ v[:, 0], o.sampled_gradient(batch),
            o.per_example_gradients(batch), o.per_example_gradients(batch, sampled=True),
        ]  # fmt: skip
        found.append((answers, o.ledger.counts()))
    for a, b in zip(found[0][0], found[1][0], strict=True):
        assert (a - b).norm() < 2e-5 * a.norm()
    assert found[0][1] == found[1][1]


def test_memory_is_flat_over_many_products():
    oracle, weights, _ = lenet(dtype=torch.float32)
    v = torch.ones(SIZE)

    def products(n):
        for k in range(n):
            _ = getattr(oracle, ("hessian", "ggn", "fisher")[k % 3])(BATCH) @ v
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    before = products(60)
    assert products(200) - before < 8000  # kB; one kept graph a product would be 140,000
    assert weights.g.eq(0).all()
