"""Shampoo, SOAP and PSGD: independent implementations, the papers written slowly, reductions."""

import pytest
import pytorch_optimizer
import torch
from torch import Tensor

from lenetlab.methods.second_order import kronecker
from lenetlab.methods.second_order.psgd_kron import _fit_triangular, norm_bound
from lenetlab.methods.state import capture
from lenetlab.oracle.torch_engine import TorchEngine
from tests.methods.training import build, steps
from tests.problems import Quadratic, setting

from .drive import CPU, N, training
from .drive import steps as run

STEPS = 50
EXACT = {"rtol": 1e-9, "atol": 1e-11}


class Layered(Quadratic):
    """Two matrices that share sizes, and a bias. A gradient of rank 2 leaves at most one direction
    of a side unseen, so that eigenvectors are determined but for their sign."""

    def __init__(self) -> None:
        super().__init__()
        self.shapes = {"first": (3, 2), "second": (2, 3), "bias": (3,)}
        rng = torch.Generator().manual_seed(3)
        scale = torch.linspace(1.5, 0.5, 15, dtype=torch.float64)
        self.x = torch.randn(self.n, 15, generator=rng, dtype=torch.float64) * scale
        self.y = self.x @ torch.randn(15, generator=rng, dtype=torch.float64)

    def at_start(self, dtype: torch.dtype) -> Tensor:
        return torch.zeros(15, dtype=dtype)


def parts(v: Tensor) -> list[Tensor]:
    return [v[:6].view(3, 2), v[6:12].view(2, 3), v[12:]]


def beside(name: str, theirs, **ours):
    """Both after each step, on the gradients that ours meets."""
    s = setting(Layered(), 12)
    optimizer = build(name, s, **ours)
    copies = [x.clone().requires_grad_() for x in parts(s.weights.w)]
    other = theirs(copies)
    for _ in range(STEPS):
        s.oracle.next_step()
        optimizer.step(s.oracle)
        for x, g in zip(copies, parts(s.weights.g), strict=True):
            x.grad = g.clone()
        other.step()
        yield s, optimizer.base, other, copies


def same(s, copies, **tolerance) -> None:
    for mine, other in zip(parts(s.weights.w), copies, strict=True):
        torch.testing.assert_close(mine, other.detach(), **tolerance)


def test_matrices_of_one_size_share_a_stack_and_keep_their_place():
    sizes = [3, 2, 2, 3, 3]
    stacks = kronecker.identities(sizes, torch.zeros(1))
    assert [tuple(stack.shape) for stack in stacks] == [(3, 3, 3), (2, 2, 2)]
    for i, x in enumerate(kronecker.unstack(stacks, sizes)):
        assert x.shape == (sizes[i], sizes[i])
        x.mul_(i)
    assert [float(x[0, 0]) for x in kronecker.unstack(stacks, sizes)] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("name", "sides"),
    [("shampoo", [120, 256, 84, 120, 16, 150, 10, 84, 6, 25, 120, 84, 16, 10, 6]),
     ("soap", [120, 256, 84, 120, 16, 150, 10, 84, 6, 25])],
)  # fmt: skip
def test_every_side_of_lenet_has_a_factor(train, name, sides):
    t = training(TorchEngine(train.take(0, N), CPU), name)
    assert t.optimizer.base.sizes == sides
    run(t, 3)
    for c in kronecker.unstack(t.optimizer.base.covariances, sides):
        assert float(c.diagonal().sum()) > 0


# Shampoo


def test_shampoo_as_published_is_that_of_pytorch_optimizer():
    """Sums, a root in every step, no momentum; roots by the SVD there."""
    pairs = beside(
        "shampoo",
        lambda p: pytorch_optimizer.Shampoo(p, lr=0.1, momentum=0.0, matrix_eps=1e-4),
        lr=0.1, beta1=0.0, beta2=1.0, eps=1e-4, every=1, graft=False,
    )  # fmt: skip
    for s, _, _, copies in pairs:
        same(s, copies, rtol=1e-7, atol=1e-9)


def root(c: Tensor, exponent: float, eps: float) -> Tensor:
    values, vectors = torch.linalg.eigh(c + eps * torch.eye(len(c), dtype=c.dtype))
    return vectors @ torch.diag(values**exponent) @ vectors.T


@pytest.mark.parametrize("graft", [False, True])
def test_shampoo_follows_its_page(graft):
    eta, beta1, beta2, eps, every, lam = 0.05, 0.8, 0.9, 1e-6, 7, 0.1
    s, slow = setting(Layered(), 12), setting(Layered(), 12)
    w = slow.weights.w.clone()
    found = steps("shampoo", s, STEPS, lr=eta, beta1=beta1, beta2=beta2, eps=eps, every=every,
                  graft=graft, weight_decay=lam)  # fmt: skip
    m, a = torch.zeros_like(w), torch.zeros_like(w)
    left: dict[int, Tensor] = {}
    right: dict[int, Tensor] = {}
    roots: dict[int, tuple[Tensor, Tensor]] = {}
    for t, eval_weights in enumerate(found, start=1):
        slow.oracle.next_step()
        _, g = slow.oracle.gradient(slow.oracle.batch, at=w)
        m = beta1 * m + (1 - beta1) * g
        a = beta2 * a + (1 - beta2) * g * g
        diagonal = m / ((a / (1 - beta2**t)).sqrt() + eps)
        w = (1 - eta * lam) * w
        for i, (x, y, length, update) in enumerate(
            zip(parts(g), parts(m), parts(diagonal), parts(w), strict=True)
        ):
            x2, y2 = (z.unsqueeze(1) if z.dim() == 1 else z for z in (x, y))
            left[i] = beta2 * left.get(i, 0 * x2 @ x2.T) + (1 - beta2) * x2 @ x2.T
            right[i] = beta2 * right.get(i, 0 * x2.T @ x2) + (1 - beta2) * x2.T @ x2
            if t % every == 0:
                c = 1 - beta2**t
                roots[i] = (
                    (root(left[i] / c, -0.25, eps), root(right[i] / c, -0.25, eps))
                    if x.dim() == 2
                    else (root(left[i] / c, -0.5, eps), torch.eye(1, dtype=w.dtype))
                )
            d = roots[i][0] @ y2 @ roots[i][1] if i in roots else y2
            if graft:
                d = d * length.norm() / d.norm()
            update -= eta * d.view_as(update)
        torch.testing.assert_close(eval_weights, w, rtol=1e-6, atol=1e-8)


def test_shampoo_before_its_first_refresh_is_gradient_descent():
    ours, plain = setting(Layered(), 12), setting(Layered(), 12)
    pairs = zip(
        steps("shampoo", ours, 20, lr=0.1, beta1=0.0, every=21, graft=False),
        steps("sgd", plain, 20, lr=0.1),
        strict=True,
    )
    for a, b in pairs:
        torch.testing.assert_close(a, b, **EXACT)
    assert ours.oracle.ledger.factorizations == 0


def test_shampoo_makes_a_first_step_along_an_orthogonal_matrix():
    """(GGᵀ)^(−1/4) G (GᵀG)^(−1/4) = U Vᵀ: all singular values of the step are η."""
    s = setting(Layered(), 12)
    (w,) = steps("shampoo", s, 1, lr=0.1, beta1=0.0, beta2=1.0, eps=1e-14, every=1, graft=False)
    for x in parts(w)[:2]:
        torch.testing.assert_close(
            torch.linalg.svdvals(x), torch.full((2,), 0.1, dtype=w.dtype), rtol=1e-3, atol=0
        )


# SOAP


def test_soap_is_that_of_pytorch_optimizer_after_its_first_step():
    """Theirs makes no update in its first step and its moments begin in the second; so ours forgets
    its own once the bases are there. Their QR is in float32."""
    betas, every = (0.9, 0.8), 5
    pairs = beside(
        "soap",
        lambda p: pytorch_optimizer.SOAP(
            p, lr=0.02, betas=betas, precondition_frequency=every, weight_decay=0.0
        ),
        lr=0.02, beta1=betas[0], beta2=betas[1], every=every,
    )  # fmt: skip
    for k, (s, ours, _, copies) in enumerate(pairs):
        if k == 0:
            for x, y in zip(copies, parts(s.weights.w), strict=True):
                x.data.copy_(y)
            ours.m.zero_()
            ours.v.zero_()
            ours.t = 0
            ours._eigenvectors = lambda linalg, soap=ours: soap.bases
        same(s, copies, rtol=1e-4, atol=1e-5)


def test_soap_follows_the_paper():
    """With the momentum in the standard basis, rotated in every step."""
    eta, beta1, beta2, eps, every, lam = 0.02, 0.9, 0.8, 1e-8, 5, 0.1
    s, slow = setting(Layered(), 12), setting(Layered(), 12)
    w = slow.weights.w.clone()
    found = steps("soap", s, STEPS, lr=eta, beta1=beta1, beta2=beta2, every=every, weight_decay=lam)
    m, v = torch.zeros_like(w), torch.zeros_like(w)
    eye = {i: torch.eye(i, dtype=w.dtype) for i in (1, 2, 3)}
    bases = [(eye[3], eye[2]), (eye[2], eye[3]), (eye[3], eye[1])]
    covariances = [(0 * a, 0 * b) for a, b in bases]
    for t, eval_weights in enumerate(found, start=1):
        slow.oracle.next_step()
        _, g = slow.oracle.gradient(slow.oracle.batch, at=w)
        m = beta1 * m + (1 - beta1) * g
        w = (1 - eta * lam) * w
        for i, (x, y, z, update) in enumerate(
            zip(parts(g), parts(m), parts(v), parts(w), strict=True)
        ):
            if x.dim() == 1:
                x, y, z, update = (a.unsqueeze(1) for a in (x, y, z, update))
            ql, qr = bases[i]
            rotated = ql.T @ x @ qr
            z.copy_(beta2 * z + (1 - beta2) * rotated**2)
            n = (ql.T @ y @ qr / (1 - beta1**t)) / ((z / (1 - beta2**t)).sqrt() + eps)
            update -= eta * ql @ n @ qr.T
            cl, cr = covariances[i]
            covariances[i] = (beta2 * cl + (1 - beta2) * x @ x.T,
                              beta2 * cr + (1 - beta2) * x.T @ x)  # fmt: skip
            if i == 2:
                continue
            if t == 1:
                bases[i] = tuple(torch.linalg.eigh(c)[1].flip(1) for c in covariances[i])
            elif t % every == 0:
                orders = [(q.T @ c @ q).diagonal().argsort(descending=True)
                          for c, q in zip(covariances[i], bases[i], strict=True)]  # fmt: skip
                bases[i] = tuple(torch.linalg.qr((c @ q)[:, o])[0] for c, q, o in
                                 zip(covariances[i], bases[i], orders, strict=True))  # fmt: skip
                z.copy_(z[orders[0]][:, orders[1]])
        torch.testing.assert_close(eval_weights, w, rtol=1e-6, atol=1e-8)


def test_soap_in_the_standard_basis_is_adamw():
    settings = {"lr": 0.02, "beta1": 0.9, "beta2": 0.8, "weight_decay": 0.1}
    ours, plain = setting(Layered(), 12), setting(Layered(), 12)
    soap = build("soap", ours, every=1000, **settings)
    soap.base._eigenvectors = lambda linalg: soap.base.bases
    for expected in steps("adamw", plain, STEPS, **settings):
        ours.oracle.next_step()
        soap.step(ours.oracle)
        torch.testing.assert_close(ours.weights.w, expected, **EXACT)


def test_soaps_first_step_is_adams():
    ours, plain = setting(Layered(), 12), setting(Layered(), 12)
    (w,) = steps("soap", ours, 1, lr=0.02)
    (expected,) = steps("adam", plain, 1, lr=0.02)
    torch.testing.assert_close(w, expected, **EXACT)


def test_soaps_bases_stay_orthogonal_and_become_eigenvectors(train):
    t = training(TorchEngine(train.take(0, N), CPU), "soap", {"every": 2})
    run(t, 40)
    soap = t.optimizer.base
    for q in soap.bases:
        eye = torch.eye(q.shape[-1]).expand_as(q)
        torch.testing.assert_close(q.mT @ q, eye, rtol=0, atol=1e-5)

    def off_diagonal() -> float:
        c = soap.bases[0].mT @ soap.covariances[0] @ soap.bases[0]
        return float((c - c.diagonal(dim1=1, dim2=2).diag_embed()).norm() / c.norm())

    before = off_diagonal()
    for _ in range(30):  # the covariances stand still now
        soap._change(soap._power_step(t.oracle.linalg))
    assert off_diagonal() < 0.1 * before


def test_factorizations_are_billed(train):
    engine = TorchEngine(train.take(0, N), CPU)
    soap = training(engine, "soap", {"every": 5})
    run(soap, 10)  # eigh in step 1, QR in steps 5 and 10, of ten sides each
    assert soap.oracle.ledger.factorizations == 30
    shampoo = training(engine, "shampoo", {"every": 5})
    run(shampoo, 10)
    assert shampoo.oracle.ledger.factorizations == 30  # twice, of fifteen sides


# PSGD


def test_psgd_is_kron_of_pytorch_optimizer():
    """The same noise to both; their triangular solves are in float32."""
    rng = torch.random.get_rng_state()
    pairs = beside(
        "psgd_kron",
        lambda p: pytorch_optimizer.Kron(
            p, lr=0.02, momentum=0.9, pre_conditioner_update_probability=1.0,
            precondition_dtype=torch.float64, balance_prob=0.0,
        ),
        lr=0.02, every=1,
    )  # fmt: skip
    torch.manual_seed(1)  # the seed of the setting's random source
    try:
        for s, _, _, copies in pairs:
            same(s, copies, rtol=1e-4, atol=1e-5)
    finally:
        torch.random.set_rng_state(rng)


def test_psgd_that_never_fits_is_gradient_descent():
    ours, plain = setting(Layered(), 12), setting(Layered(), 12)
    for s in (ours, plain):  # where gradients are shorter than what it allows
        s.weights.w.copy_(s.problem.minimum + 0.1)
    pairs = zip(
        steps("psgd_kron", ours, STEPS, lr=0.01, beta1=0.0, mu=0.0),
        steps("sgd", plain, STEPS, lr=0.01),
        strict=True,
    )
    for a, b in pairs:
        torch.testing.assert_close(a, b, **EXACT)


def positive(n: int, rng: torch.Generator) -> Tensor:
    x = torch.randn(n, 2 * n, generator=rng, dtype=torch.float64)
    return x @ x.T / (2 * n)


def test_psgds_preconditioner_becomes_the_inverse_root_of_the_covariance():
    """Gradients S Z T with white Z have covariance S² ⊗ T², so P = S⁻¹ ⊗ T⁻¹."""
    rng = torch.Generator().manual_seed(0)
    s, t = positive(4, rng), 0.01 * positive(3, rng)
    sides = [torch.eye(4, dtype=torch.float64), torch.eye(3, dtype=torch.float64)]
    n = 3000
    for k in range(n):
        z, v = torch.randn(2, 4, 3, generator=rng, dtype=torch.float64)
        _fit_triangular(sides, s @ z @ t, v, 0.1 * (1 - k / n) + 1e-3)
    left, right = (q.T @ q for q in sides)
    identity = torch.kron(left @ s, right @ t)
    assert (identity - torch.eye(12)).norm() < 0.15 * 12**0.5
    for q in sides:  # still in the group
        assert torch.equal(q, q.triu())
        assert (q.diagonal() > 0).all()


def test_equal_norms_of_psgds_factors_leave_the_preconditioner(monkeypatch):
    found = {}
    for period in (3, 1000):
        monkeypatch.setattr("lenetlab.methods.second_order.psgd_kron.BALANCED", period)
        s = setting(Layered(), 12)
        *_, found[period] = steps("psgd_kron", s, STEPS, lr=0.01, every=1)
    torch.testing.assert_close(found[3], found[1000], **EXACT)


def test_the_norm_is_a_lower_bound_and_close():
    rng = torch.Generator().manual_seed(0)
    for n in (2, 5, 30):
        x = positive(n, rng)
        exact = float(torch.linalg.matrix_norm(x, 2))
        assert 0.7 * exact < float(norm_bound(x)) <= exact * (1 + 1e-12)


@pytest.mark.parametrize("name", ["shampoo", "soap", "psgd_kron"])
def test_memory_is_what_the_page_says(train, name):
    vectors = {"shampoo": 8.9, "soap": 7.9, "psgd_kron": 4.0}
    t = training(TorchEngine(train.take(0, N), CPU), name)
    run(t, 2)

    def numbers(tree) -> int:
        if isinstance(tree, Tensor):
            return tree.numel()
        if isinstance(tree, dict | list):
            return sum(map(numbers, tree.values() if isinstance(tree, dict) else tree))
        return 0

    assert numbers(capture(t.optimizer.base)) / 44_426 == pytest.approx(vectors[name], abs=0.05)
