"""Second-order methods: dense float64 references, closed forms, reductions."""

import math

import pytest
import torch
import torch.nn.functional as F
from scipy.sparse.linalg import cg

from lenetlab.methods.second_order.conjugate import conjugate_gradients
from lenetlab.methods.second_order.kfac import factors
from lenetlab.methods.second_order.multibatch_lbfgs import two_loop
from lenetlab.methods.second_order.statistics import Jacobian, Rows, per_example_gradients
from lenetlab.oracle import second_order
from lenetlab.oracle.oracle import Batch
from lenetlab.oracle.torch_engine import TorchEngine
from lenetlab.problem.model import SHAPES, SIZE, initial_weights, views
from tests.methods.training import build, last, steps
from tests.problems import LinearNet, Quadratic, Softmax, setting
from tests.reference import LeNet5

HUGE = 1e12
EXACT = {"rtol": 1e-9, "atol": 1e-11}


def somewhere(problem, batch_size=0, **options):
    """A setting away from the origin, where the gradient is not small."""
    s = setting(problem, batch_size, **options)
    s.weights.w.add_(torch.linspace(-0.5, 0.7, len(s.weights.w), dtype=torch.float64))
    return s


# reductions


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("newton_cg", {}),
        ("gauss_newton", {}),
        ("natural_gradient", {"lr": 1.0, "kl": HUGE}),
        ("kfac", {"lr": 1.0, "kl": HUGE}),
    ],
)
def test_with_much_damping_it_is_gradient_descent(name, given):
    s = setting(Softmax())
    _, g = s.oracle.gradient(s.oracle.full)
    w = last(name, s, 1, damping=HUGE, **given)
    # K-FAC's factors are damped by √λ each: what is left of them is 1/√λ
    torch.testing.assert_close(w * HUGE, -g, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "products"),
    [
        ("newton_cg", "hessian_products"),
        ("gauss_newton", "gauss_newton_products"),
        ("trust_region", "hessian_products"),
    ],
)
def test_a_step_pays_a_gradient_an_example_products_and_values(name, products):
    s = somewhere(Softmax(), 20)
    optimizer = build(name, s, curvature=5)
    before = dict.fromkeys(s.oracle.ledger.counts(), 0)
    for _ in range(6):
        s.oracle.next_step()
        optimizer.step(s.oracle)
        now = s.oracle.ledger.counts()
        paid = {kind: now[kind] - before[kind] for kind in now}
        before = now
        assert paid["gradients"] == 20
        assert paid["per_example_gradients"] == (5 if name == "gauss_newton" else 0)
        assert paid[products] >= 5
        assert paid["forwards"] >= 20
        assert paid["forwards"] % 20 == paid[products] % 5 == 0
        assert not set(paid) - {k for k in paid if not paid[k]} - {
            "gradients", "per_example_gradients", "forwards", products,
        }  # fmt: skip


def test_gauss_newtons_preconditioner_is_a_mean_over_its_examples():
    """After one iteration from zero p lies along −M⁻¹ ∇F."""
    s, other = (somewhere(Softmax(), 40) for _ in range(2))
    before = s.weights.w.clone()
    w = last("gauss_newton", s, 1, damping=0.05, iterations=1, curvature=30, warm=0.0)
    batch = other.oracle.batch
    rows = other.oracle.per_example_gradients(Batch(batch.indices[:30]))
    _, g = other.oracle.gradient(batch)
    direction = -g / (rows.square().mean(0) + 0.05) ** 0.75
    step = w - before
    assert step.norm() > 0.01
    torch.testing.assert_close(step / step.norm(), direction / direction.norm())


def test_gauss_newton_without_damping_solves_a_quadratic_in_one_step():
    s = setting(Quadratic())
    w = last("gauss_newton", s, 1, damping=0.0, curvature=120, iterations=30)
    torch.testing.assert_close(w, s.problem.minimum, rtol=1e-6, atol=1e-8)


def test_newton_cg_is_newtons_method_where_the_equations_are_solved():
    s = somewhere(Softmax())
    h = s.oracle.hessian(s.oracle.full) @ torch.eye(15, dtype=torch.float64)
    _, g = s.oracle.gradient(s.oracle.full)
    before = s.weights.w.clone()
    w = last("newton_cg", s, 1, damping=0.05, curvature=120, iterations=60, rho=1e-12)
    expected = torch.linalg.solve(h + 0.05 * torch.eye(15, dtype=torch.float64), -g)
    torch.testing.assert_close(w - before, expected, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_newton_cg_never_raises_the_loss_of_its_batch(seed):
    s = somewhere(Softmax(seed=seed), 20)
    optimizer = build("newton_cg", s, damping=0.0, curvature=5)
    for _ in range(30):
        s.oracle.next_step()
        loss = optimizer.step(s.oracle)
        assert s.oracle.value(s.oracle.batch) <= loss


def test_kfac_on_a_linear_net_is_the_block_diagonal_gauss_newton_step():
    s = setting(LinearNet())
    before = s.weights.w.clone()
    ggn = s.oracle.ggn(s.oracle.full) @ torch.eye(34, dtype=torch.float64)
    _, g = s.oracle.gradient(s.oracle.full)
    places = views(torch.arange(34), s.problem.shapes)
    expected = torch.zeros_like(g)
    for layer in ("one", "two"):
        i = torch.cat([places[f"{layer}.weight"].flatten(), places[f"{layer}.bias"]])
        expected[i] = torch.linalg.solve(ggn[i][:, i], -g[i])
    w = last("kfac", s, 1, lr=1.0, momentum=0.0, damping=1e-12, kl=HUGE)
    # each factor is damped by about √λ = 10⁻⁶
    torch.testing.assert_close(w - before, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "name", ["newton_cg", "gauss_newton", "natural_gradient", "kfac", "multibatch_lbfgs"]
)
def test_what_the_mask_takes_out_stays_where_it_is(name):
    s = somewhere(Softmax(), 20)
    s.oracle.mask = (torch.arange(15) % 3 > 0).double()
    before = s.weights.w.clone()
    w = last(name, s, 8)
    assert torch.equal(w == before, s.oracle.mask == 0)


# conjugate gradients


class Dense:
    """An operator from a matrix."""

    def __init__(self, matrix):
        self.matrix = matrix

    def __matmul__(self, v):
        return self.matrix @ v


@pytest.mark.parametrize("iterations", [1, 2, 5, 13])
@pytest.mark.parametrize("preconditioned", [False, True])
def test_conjugate_gradients_are_scipys(iterations, preconditioned):
    rng = torch.Generator().manual_seed(iterations)
    root, b, start, m = (torch.rand(s, generator=rng, dtype=torch.float64) for s in
                         ((12, 12), (12,), (12,), (12,)))  # fmt: skip
    c, m = root @ root.T, m + 0.5
    x, cx = conjugate_gradients(
        Dense(c), b, 0.3, iterations, start=start, preconditioner=m if preconditioned else None
    )
    theirs, _ = cg(
        (c + 0.3 * torch.eye(12, dtype=torch.float64)).numpy(), b.numpy(), x0=start.numpy(),
        rtol=0.0, maxiter=iterations, M=m.reciprocal().diag().numpy() if preconditioned else None,
    )  # fmt: skip
    torch.testing.assert_close(x, torch.from_numpy(theirs), rtol=1e-6, atol=1e-8)
    torch.testing.assert_close(cx, c @ x, rtol=1e-6, atol=1e-8)


def test_conjugate_gradients_stop_before_negative_curvature():
    c = Dense(torch.tensor([-1.0, 2.0, 3.0], dtype=torch.float64).diag())
    down = torch.tensor([1.0, 0.0, 0.0], dtype=torch.float64)
    assert conjugate_gradients(c, down, 0.0, 9).x.equal(down)
    b = torch.tensor([1.0, 1.0, 1.0], dtype=torch.float64)
    x = conjugate_gradients(c, b, 0.0, 9).x
    # dᵀCd is 4 along b itself and negative along the second direction
    torch.testing.assert_close(x, 0.75 * b)


def test_the_end_by_progress_is_martens():
    """The first i > k with φ(x_i) < 0 and (φ(x_i) − φ(x_{i−k})) / φ(x_i) < kε."""
    rng = torch.Generator().manual_seed(0)
    eigenvalues = torch.logspace(-4, 1, 60, dtype=torch.float64)
    b = torch.randn(60, generator=rng, dtype=torch.float64)
    c = Dense(eigenvalues.diag())

    def phi(i):
        x = conjugate_gradients(c, b, 0.01, i).x
        return float(0.5 * x.dot(eigenvalues * x + 0.01 * x) - b.dot(x))

    values = [0.0] + [phi(i) for i in range(1, 60)]
    end = next(i for i in range(11, 60) if (values[i] - values[i - 10]) / values[i] < 10 * 5e-3)
    stopped = conjugate_gradients(c, b, 0.01, 59, progress=5e-3).x
    torch.testing.assert_close(stopped, conjugate_gradients(c, b, 0.01, end).x, **EXACT)
    assert end < 40


# natural gradient


@pytest.mark.parametrize("kl", [1e-4, HUGE])
def test_natural_gradient_is_that_of_the_dense_fisher(kl):
    s = somewhere(Softmax(), 20)
    reference = somewhere(Softmax(), 20).oracle
    optimizer = build("natural_gradient", s, lr=0.3, damping=0.02, momentum=0.6, kl=kl, fisher=16)
    v = torch.zeros(15)
    w = s.weights.w.clone()
    for _ in range(10):
        reference.next_step()
        part, model = reference.batch.indices[:16], s.problem
        uniform = torch.rand(16, generator=reference.rng)
        cumulated = model.outputs(w, part).softmax(1).cumsum(1)
        labels = (cumulated <= uniform.unsqueeze(1)).sum(1)
        _, g = reference.gradient(reference.batch, at=w)
        x = model.x[part]
        delta = model.outputs(w, part).softmax(1) - F.one_hot(labels, 3)
        rows = torch.cat([(delta.unsqueeze(2) * x.unsqueeze(1)).flatten(1), delta], 1)
        fisher = rows.T @ rows / 16
        p = torch.linalg.solve(fisher + 0.02 * torch.eye(15, dtype=torch.float64), -g)
        nu = min(1.0, math.sqrt(kl / (0.09 * abs(float(p @ g)))))
        v = 0.6 * v + nu * p
        w = w + 0.3 * v
        s.oracle.next_step()
        optimizer.step(s.oracle)
        torch.testing.assert_close(s.weights.w, w, **EXACT)
    counts = s.oracle.ledger.counts()
    assert (counts["factorizations"], counts["factorized"]) == (10, 10 * 16**3)
    assert (counts["gradients"], counts["layers"]) == (10 * 20, 10 * 16)


def test_gradients_from_layers_are_the_oracles(train):
    engine = TorchEngine(train.take(0, 20), torch.device("cpu"))
    w = initial_weights(torch.Generator().manual_seed(0)).double()
    found = per_example_gradients(engine.layers(w, torch.arange(20)), SHAPES)
    expected = second_order.per_example_gradients(engine, w, torch.arange(20))
    torch.testing.assert_close(found, expected)


def test_sampled_gradients_have_the_fisher_as_their_second_moment():
    s = somewhere(Softmax())
    many = Batch(torch.arange(10).repeat(400))
    rows = s.oracle.per_example_gradients(many, sampled=True)
    fisher = s.oracle.ggn(Batch(torch.arange(10))) @ torch.eye(15, dtype=torch.float64)
    found = rows.T @ rows / len(rows)
    assert (found - fisher).norm() < 4 * fisher.norm() / len(rows) ** 0.5


@pytest.mark.parametrize("sampled", [False, True])
def test_a_jacobian_that_is_not_formed_has_the_products_of_the_one_that_is(train, sampled):
    split = train.take(0, 20)
    images, rng = TorchEngine(split, torch.device("cpu")), torch.Generator().manual_seed(1)
    w = initial_weights(rng).double()
    uniform = torch.rand(20, generator=rng, dtype=torch.float64) if sampled else None
    layers = images.layers(w, torch.arange(20), uniform)
    rows = per_example_gradients(layers, SHAPES)
    j, formed = Jacobian(layers, SHAPES), Rows(rows)
    v = torch.randn(SIZE, generator=rng, dtype=torch.float64)
    u = torch.randn(20, generator=rng, dtype=torch.float64)
    for found, other, right in (
        (j.gram(), formed.gram(), rows @ rows.T),
        (j @ v, formed @ v, rows @ v),
        (j.transposed(u), formed.transposed(u), rows.T @ u),
    ):
        assert found.shape == right.shape
        assert (found - right).norm() < 1e-12 * right.norm()
        assert (other - right).norm() < 1e-12 * right.norm()


# multi-batch L-BFGS


def dense_bfgs(pairs, n):
    """H from the pairs, by Nocedal and Wright 2006, equation 6.17."""
    s, y = pairs[-1]
    eye = torch.eye(n, dtype=torch.float64)
    h = eye * (s @ y) / (y @ y)
    for s, y in pairs:
        rho = 1 / (s @ y)
        left = eye - rho * torch.outer(s, y)
        h = left @ h @ left.T + rho * torch.outer(s, s)
    return h


def test_the_two_loop_recursion_is_dense_bfgs():
    rng = torch.Generator().manual_seed(0)
    root, g = (torch.randn(*s, generator=rng, dtype=torch.float64) for s in ((8, 8), (8,)))
    pairs = [[s, root @ (root.T @ s)] for s in torch.eye(8, dtype=torch.float64)[:5] + 0.1]
    torch.testing.assert_close(two_loop(pairs, g), dense_bfgs(pairs, 8) @ g, **EXACT)


@pytest.mark.parametrize(("size", "overlap"), [(0, 0.3), (20, 0.25), (20, 1.0)])
def test_multibatch_lbfgs_is_its_dense_reference(size, overlap):
    """The batches are unions of indices, the gradients are asked anew, H is a matrix."""
    s, other = (somewhere(Softmax(), size) for _ in range(2))
    found = steps("multibatch_lbfgs", s, 50, lr=0.2, overlap=overlap, history=4, longest=0.4)
    oracle, w, pairs, kept, before = other.oracle, other.weights.w.clone(), [], None, None

    def gradient(indices, at):
        return oracle.gradient(Batch(indices), at=at)[1]

    clipped = 0
    for answer in found:
        oracle.next_step()
        fresh = oracle.batch.indices
        union = fresh if kept is None else torch.cat([kept, fresh])
        if kept is not None:
            step, y = w - before, gradient(kept, w) - gradient(kept, before)
            if step @ y >= 1e-4 * step @ step:
                pairs = [*pairs, (step, y)][-4:]
        g = gradient(union, w)
        p = 0.2 * (dense_bfgs(pairs, 15) @ g if pairs else g)
        clipped += p.norm() > 0.4
        shared = round(overlap * len(fresh)) if size else 120  # two full batches share all
        kept, before = fresh[len(fresh) - shared :], w
        w = w - p * min(1.0, 0.4 / float(p.norm()))
        torch.testing.assert_close(answer, w, rtol=1e-6, atol=1e-8)
    if size:
        sizes = 50 * size + 49 * round(overlap * size)
        assert s.oracle.ledger.counts()["gradients"] == sizes
    assert clipped < 50


@pytest.mark.parametrize("lr", [0.01, 1.0, 300.0])
def test_a_step_of_lbfgs_satisfies_the_strong_wolfe_conditions(lr):
    """Whatever its first trial is: it searches, and takes neither the rate nor nothing instead."""
    s = somewhere(Softmax())
    optimizer = build("lbfgs", s, lr=lr)
    for _ in range(8):
        before = s.weights.w.clone()
        f, g = s.oracle.gradient(s.oracle.full)
        s.oracle.next_step()
        optimizer.step(s.oracle)
        moved = s.weights.w - before
        f_after, g_after = s.oracle.gradient(s.oracle.full)
        assert moved.norm() > 0
        assert f_after <= f + 1e-4 * g @ moved
        assert abs(g_after @ moved) <= 0.9 * abs(g @ moved)


def test_a_full_batch_converges_like_lbfgs():
    s = setting(Quadratic())
    w = last("multibatch_lbfgs", s, 60, lr=1.0, longest=10.0)
    torch.testing.assert_close(w, s.problem.minimum, rtol=1e-7, atol=1e-9)


# K-FAC


def test_kfac_is_its_dense_reference():
    """Averages, π, damping, clipping and momentum, with Kronecker products written out."""
    s, other = (somewhere(Softmax(), 20) for _ in range(2))
    given = {"lr": 0.3, "damping": 0.02, "momentum": 0.6, "kl": 0.03, "memory": 0.7}
    found = steps("kfac", s, 50, statistics=2, inverses=4, weight_decay=0.01, **given)
    oracle, problem, w = other.oracle, other.problem, other.weights.w.clone()
    v, block, a_mean, g_mean, clipped = torch.zeros(15), None, None, None, 0
    for k, answer in enumerate(found):
        oracle.next_step()
        i = oracle.batch.indices
        _, g = oracle.gradient(oracle.batch, at=w)
        if k % 2 == 0:
            uniform = torch.rand(20, generator=oracle.rng)
            delta = problem.layers(w, i, uniform).output_gradients["fc"]
            x = torch.cat([problem.x[i], torch.ones(20, 1, dtype=torch.float64)], 1)
            a, d = x.T @ x / 20, delta.T @ delta / 20
            old = min(1 - 1 / (k // 2 + 1), 0.7)
            a_mean = a if a_mean is None else old * a_mean + (1 - old) * a
            g_mean = d if g_mean is None else old * g_mean + (1 - old) * d
        if k % 4 == 0:
            pi = math.sqrt((a_mean.trace() / 5) / (g_mean.trace() / 3))
            block = torch.kron(
                g_mean + math.sqrt(0.02) / pi * torch.eye(3),
                a_mean + math.sqrt(0.02) * pi * torch.eye(5),
            )
        gradient = torch.cat([g[:12].view(3, 4), g[12:].view(3, 1)], 1).flatten()
        u = torch.linalg.solve(block, gradient)
        kl = 0.09 * float(u @ gradient)
        nu = min(1.0, math.sqrt(0.03 / kl))
        clipped += nu < 1
        v = 0.6 * v + nu * u
        step = v.view(3, 5)
        w = (1 - 0.3 * 0.01) * w - 0.3 * torch.cat([step[:, :4].flatten(), step[:, 4]])
        torch.testing.assert_close(answer, w, rtol=1e-6, atol=1e-8)
    assert 0 < clipped < 50
    counts = s.oracle.ledger.counts()
    assert (counts["gradients"], counts["layers"]) == (20 * 50, 20 * 25)
    assert (counts["factorizations"], counts["factorized"]) == (2 * 13, 13 * (125 + 27))


def test_factors_of_a_convolution_are_the_sums_over_places():
    rng = torch.Generator().manual_seed(0)
    x = torch.randn(3, 2, 7, 6, generator=rng, dtype=torch.float64)
    delta = torch.randn(3, 4, 5, 4, generator=rng, dtype=torch.float64)
    expected_a = torch.zeros(19, 19, dtype=torch.float64)
    expected_g = torch.zeros(4, 4, dtype=torch.float64)
    for n in range(3):
        for i in range(5):
            for j in range(4):
                patch = torch.cat([x[n, :, i : i + 3, j : j + 3].flatten(), torch.ones(1)])
                expected_a += torch.outer(patch, patch) / 3
                expected_g += torch.outer(delta[n, :, i, j], delta[n, :, i, j]) / (3 * 20)
    a, g = factors(x, delta)
    torch.testing.assert_close(a, expected_a)
    torch.testing.assert_close(g, expected_g)


def test_a_convolution_with_one_place_is_a_dense_layer():
    rng = torch.Generator().manual_seed(0)
    x = torch.randn(6, 2, 5, 5, generator=rng)
    delta = torch.randn(6, 4, 1, 1, generator=rng)
    for one, other in zip(factors(x, delta), factors(x.flatten(1), delta.flatten(1)), strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_curvlinops_has_the_same_kronecker_products(train):
    """On LeNet-5, of the true labels (its own draws cannot be ours)."""
    curvlinops = pytest.importorskip("curvlinops")
    split = train.take(0, 12)
    x, y = split.images.unsqueeze(1).double() / 255, split.labels
    net = LeNet5().double()
    theirs = curvlinops.KFACLinearOperator(
        net, torch.nn.CrossEntropyLoss(), list(net.parameters()), [(x, y)],
        fisher_type="empirical", separate_weight_and_bias=False, check_deterministic=False,
    )  # fmt: skip
    rng = torch.Generator().manual_seed(0)
    v = {k: torch.randn(p.shape, generator=rng, dtype=p.dtype) for k, p in net.named_parameters()}
    product = theirs @ torch.cat([part.flatten() for part in v.values()])
    parts = torch.split(product, [part.numel() for part in v.values()])
    expected = dict(zip(v, parts, strict=True))

    w = torch.cat([net.state_dict()[name].flatten() for name in SHAPES])
    layers = TorchEngine(split, torch.device("cpu")).layers(w, torch.arange(12))
    for name, inputs in layers.inputs.items():
        a, g = factors(inputs, layers.output_gradients[name])
        joint = [v[f"{name}.weight"].flatten(1), v[f"{name}.bias"].unsqueeze(1)]
        found = g @ torch.cat(joint, 1) @ a
        torch.testing.assert_close(found[:, :-1].flatten(), expected[f"{name}.weight"])
        torch.testing.assert_close(found[:, -1], expected[f"{name}.bias"])
