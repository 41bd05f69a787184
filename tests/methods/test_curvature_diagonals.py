"""AdaHessian and Sophia: independent implementations fed with dense Hessians, reductions."""

import pytest
import pytorch_optimizer
import torch
from torch import Tensor

from lenetlab.errors import UserError
from lenetlab.methods.lookup import find
from lenetlab.oracle.oracle import Oracle
from lenetlab.oracle.order import DataOrder
from lenetlab.oracle.torch_engine import TorchEngine
from lenetlab.oracle.weights import Weights
from lenetlab.problem.model import SHAPES, initial_weights, views
from tests.methods.training import build, steps
from tests.problems import Problem, Quadratic, Setting, Softmax, setting

STEPS = 50
EXACT = {"rtol": 1e-9, "atol": 1e-11}


class Diagonal(Quadratic):
    """A quadratic whose Hessian is diagonal, with eigenvalues from 0.1 to 4."""

    def __init__(self) -> None:
        super().__init__(n=9, noise=0.0)
        self.x = torch.diag(9 * torch.linspace(0.1, 4.0, 9, dtype=torch.float64)).sqrt()
        self.y = self.x @ torch.linspace(-1, 2, 9, dtype=torch.float64)


def hessian(problem: Problem, w: Tensor, batch: Tensor) -> Tensor:
    def loss(w: Tensor) -> Tensor:
        return problem.losses(problem.outputs(w, batch), problem.targets(batch)).mean()

    return torch.func.jacrev(torch.func.grad(loss))(w)


def tensors(s: Setting, v: Tensor) -> list[Tensor]:
    return list(views(v, s.problem.shapes).values())


def beside(name: str, theirs, draw, every: int, **ours):
    """Theirs meets the same gradients, and Hessian diagonals from the dense matrix with noise from
    `draw`; compared after each step."""
    s = setting(Softmax(), 12)
    optimizer = build(name, s, every=every, **ours)
    copies = [x.clone().requires_grad_() for x in tensors(s, s.weights.w)]
    other = theirs(copies)
    twin = torch.Generator()
    twin.set_state(s.oracle.rng.get_state())
    for t in range(STEPS):
        w = s.weights.w.clone()
        s.oracle.next_step()
        optimizer.step(s.oracle)
        given = None
        if t % every == 0:
            z = draw(w, twin)
            given = tensors(s, z * (hessian(s.problem, w, s.oracle.batch.indices) @ z))
        for x, g in zip(copies, tensors(s, s.weights.g), strict=True):
            x.grad = g.clone()
        other.step(hessian=given)
        for mine, x in zip(tensors(s, s.weights.w), copies, strict=True):
            torch.testing.assert_close(mine, x.detach(), **EXACT)


def signs(w: Tensor, rng: torch.Generator) -> Tensor:
    return 2 * torch.randint(2, w.shape, generator=rng, dtype=w.dtype) - 1


@pytest.mark.parametrize("power", [1.0, 0.5])
def test_adahessian_is_that_of_pytorch_optimizer(power):
    beside(
        "adahessian",
        lambda p: pytorch_optimizer.AdaHessian(
            p, lr=0.05, betas=(0.9, 0.99), hessian_power=power, eps=1e-8
        ),
        signs, every=1, lr=0.05, beta2=0.99, power=power, eps=1e-8,
    )  # fmt: skip


def gaussian(w: Tensor, rng: torch.Generator) -> Tensor:
    return torch.randn(len(w), generator=rng, dtype=w.dtype)


def test_sophia_with_hutchinson_is_sophia_h_of_pytorch_optimizer():
    """Theirs clips m / max(h, ε) at ρ, as the paper's first version."""
    eta, gamma, eps = 0.02, 0.5, 1e-12
    beside(
        "sophia",
        lambda p: pytorch_optimizer.SophiaH(
            p, lr=eta / gamma, betas=(0.9, 0.95), p=gamma, update_period=10, eps=eps / gamma
        ),
        gaussian, every=10, lr=eta, beta1=0.9, beta2=0.95, gamma=gamma, eps=eps,
        estimator="hutchinson",
    )  # fmt: skip


def test_sophia_with_gnb_follows_its_page():
    eta, beta1, beta2, gamma, every, lam = 0.02, 0.9, 0.8, 0.5, 3, 0.1
    s, slow = setting(Softmax(), 12), setting(Softmax(), 12)
    found = steps("sophia", s, STEPS, lr=eta, beta1=beta1, beta2=beta2, gamma=gamma, every=every,
                  weight_decay=lam)  # fmt: skip
    p, w = slow.problem, slow.weights.w.clone()
    m, h = torch.zeros_like(w), torch.zeros_like(w)
    for t, eval_weights in enumerate(found):
        slow.oracle.next_step()
        i = slow.oracle.batch.indices
        _, g = slow.oracle.gradient(slow.oracle.batch, at=w)
        m = beta1 * m + (1 - beta1) * g
        if t % every == 0:
            uniform = torch.rand(len(i), generator=slow.oracle.rng)
            labels = p.draw(p.outputs(w, i), uniform)
            drawn = torch.func.grad(lambda w, i=i, y=labels: p.losses(p.outputs(w, i), y).mean())(w)
            h = beta2 * h + (1 - beta2) * len(i) * drawn**2
        w = (1 - eta * lam) * w - eta * (m / (gamma * h).clamp(min=1e-12)).clamp(-1, 1)
        torch.testing.assert_close(eval_weights, w, **EXACT)


def test_on_a_diagonal_quadratic_adahessians_step_is_newtons():
    s = setting(Diagonal())
    (w,) = steps("adahessian", s, 1, lr=1.0, beta1=0.0, eps=0.0)
    torch.testing.assert_close(w, s.problem.minimum, **EXACT)


def test_sophia_that_never_clips_is_newtons_method_with_a_diagonal():
    """On a diagonal quadratic h becomes the Hessian; the error left is that of the mean."""
    s = setting(Diagonal())
    free = 1e9
    optimizer = build("sophia", s, lr=0.0, beta1=0.0, beta2=0.995, gamma=free, every=1,
                      estimator="hutchinson")  # fmt: skip
    n = 1200
    for _ in range(n):
        s.oracle.next_step()
        optimizer.step(s.oracle)
    optimizer.param_groups[0]["lr"] = free
    s.oracle.next_step()
    optimizer.step(s.oracle)
    # a mean of u², with variance 2, over some 400 draws; h lacks 0.995¹²⁰⁰
    torch.testing.assert_close(s.weights.w, s.problem.minimum, rtol=0.3, atol=1e-9)


def test_sophia_moves_no_weight_farther_than_its_rate():
    s = setting(Softmax(), 12)
    before = s.weights.w.clone()
    for w in steps("sophia", s, STEPS, lr=0.01, gamma=1e-3):
        assert (w - before).abs().max() <= 0.01 * (1 + 1e-9)
        before = w


def test_sophias_first_steps_are_sign_descent_where_h_is_small():
    s, plain = setting(Softmax(), 12), setting(Softmax(), 12)
    (w,) = steps("sophia", s, 1, lr=0.01, gamma=1e-9)
    _, g = plain.oracle.gradient(plain.oracle.batch)
    torch.testing.assert_close(w, -0.01 * g.sign(), **EXACT)


def test_a_wrong_estimator_is_refused_by_name():
    with pytest.raises(UserError, match="did you mean 'hutchinson'"):
        build("sophia", setting(Softmax()), estimator="hutchison")


def test_adahessian_averages_over_kernels(train):
    split = train.take(0, 40)
    weights = Weights(initial_weights(torch.Generator().manual_seed(0)).double(), SHAPES)
    order = DataOrder(torch.Generator().manual_seed(0), 40)
    rng = torch.Generator().manual_seed(3)
    oracle = Oracle(TorchEngine(split, torch.device("cpu")), weights, order, lambda: 8, rng)
    entry = find("adahessian")
    optimizer = entry.optimizer(weights.params(entry.form), {**entry.defaults, "beta2": 0.5})
    z = signs(weights.w, torch.Generator().manual_seed(3))
    raw = views(z * (oracle.hessian(oracle.batch) @ z))
    optimizer.step(oracle)
    found = views(optimizer.v / 0.5)
    for name, d in raw.items():
        if name in ("conv1.weight", "conv2.weight"):
            d = d.mean((2, 3), keepdim=True).expand_as(d)
        torch.testing.assert_close(found[name], d**2)


def test_estimates_are_billed():
    s = setting(Softmax(), 12)
    for _ in steps("sophia", s, 20, every=10):
        pass
    assert (s.oracle.ledger.gradients, s.oracle.ledger.forwards) == (22 * 12, 0)
    for name, given in (("adahessian", {}), ("sophia", {"estimator": "hutchinson"})):
        s = setting(Softmax(), 12)
        for _ in steps(name, s, 20, every=5, **given):
            pass
        ledger_counts = s.oracle.ledger
        assert (ledger_counts.gradients, ledger_counts.hessian_products) == (20 * 12, 4 * 12)
        assert ledger_counts.passes * 60_000 == pytest.approx(12 * (20 + 4 * 2.4))
