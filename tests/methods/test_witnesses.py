"""Methods beside independent implementations, step by step in float64 on the same batches.

Both see their own gradient at their own weights, so a difference would grow. They agree to the
rounding of another order of operations: 10⁻¹¹ of numbers around 1 after 50 or 100 steps.
"""

from collections.abc import Callable, Iterator

import prodigyopt
import pytest
import pytorch_optimizer
import schedulefree
import torch
from torch import Tensor
from torch.optim import Optimizer

from tests.methods.training import build, steps
from tests.problems import Setting, Softmax, setting

STEPS = 100


def begun() -> Setting:
    """Softmax regression in batches of 12, from weights that are not zero."""
    s = setting(Softmax(), 12)
    rng = torch.Generator().manual_seed(5)
    s.weights.w.copy_(torch.randn(len(s.weights.w), generator=rng, dtype=torch.float64))
    return s


def theirs(make: Callable[[list[Tensor]], Optimizer]) -> Iterator[Tensor]:
    """The weights after each step of somebody else's optimizer, what is to be judged of them."""
    s = begun()
    p = torch.nn.Parameter(s.weights.w.clone())
    optimizer = make([p])
    modes = hasattr(optimizer, "train") and hasattr(optimizer, "eval")
    for _ in range(STEPS):
        if modes:
            optimizer.train()
        s.oracle.next_step()
        loss, p.grad = s.oracle.gradient(s.oracle.batch, at=p)
        optimizer.step(lambda loss=loss: float(loss))
        if modes:
            optimizer.eval()
        yield p.detach().clone()


LIB = pytorch_optimizer
ADAN, MIX = (0.95, 0.9, 0.99), (0.9, 0.99, 0.999)
# ours, its hyperparameters, theirs
WITNESSES: dict[str, tuple[str, dict, Callable[[list[Tensor]], Optimizer]]] = {
    "lion": (
        "lion", {"lr": 0.01, "beta1": 0.8, "beta2": 0.95, "weight_decay": 0.1},
        lambda p: LIB.Lion(p, lr=0.01, betas=(0.8, 0.95), weight_decay=0.1),
    ),
    "adan": (
        "adan", {"lr": 0.02, "beta1": 0.95, "beta2": 0.9, "beta3": 0.99, "weight_decay": 0.1},
        lambda p: LIB.Adan(p, lr=0.02, betas=ADAN, weight_decay=0.1),  # its default is proximal
    ),
    "pnm": (
        "pnm", {"lr": 0.5, "beta0": 1.0, "beta1": 0.9},
        lambda p: LIB.PNM(p, lr=0.5, betas=(0.9, 1.0)),
    ),
    "pnm, set otherwise": (
        "pnm", {"lr": 0.3, "beta0": 0.6, "beta1": 0.8, "weight_decay": 0.1},
        lambda p: LIB.PNM(p, lr=0.3, betas=(0.8, 0.6), weight_decay=0.1),
    ),
    "ademamix at once": (
        "ademamix",
        {"lr": 0.02, "beta1": 0.9, "beta2": 0.99, "beta3": 0.999, "alpha": 3.0, "T": 0},
        lambda p: LIB.AdEMAMix(p, lr=0.02, betas=MIX, alpha=3.0),
    ),
    "prodigy": (
        "prodigy", {"lr": 1.0, "d_coef": 1.0},
        lambda p: prodigyopt.Prodigy(p),
    ),
    "prodigy, set otherwise": (
        "prodigy",
        {"lr": 0.5, "beta1": 0.8, "beta2": 0.99, "d0": 1e-4, "d_coef": 2.0, "weight_decay": 0.1},
        lambda p: prodigyopt.Prodigy(p, lr=0.5, betas=(0.8, 0.99), d0=1e-4, d_coef=2.0,
                                     weight_decay=0.1),
    ),
    "schedule_free_sgd": (
        "schedule_free_sgd", {"lr": 0.5, "beta": 0.9, "weight_decay": 0.01},
        lambda p: schedulefree.SGDScheduleFree(p, lr=0.5, momentum=0.9, weight_decay=0.01),
    ),
    "schedule_free_sgd, its reference": (
        "schedule_free_sgd", {"lr": 0.5, "beta": 0.7},
        lambda p: schedulefree.SGDScheduleFreeReference(p, lr=0.5, momentum=0.7),
    ),
    "schedule_free_adamw": (
        "schedule_free_adamw", {"lr": 0.02, "beta1": 0.9, "beta2": 0.99, "weight_decay": 0.1},
        lambda p: schedulefree.AdamWScheduleFree(p, lr=0.02, betas=(0.9, 0.99), weight_decay=0.1),
    ),
    "sps": (  # Berrada et al. 2020: the Polyak step with c = 1, at most max_lr
        "sps", {"lr": 8.0, "c": 1.0, "tau": 1e12},
        lambda p: LIB.AliG(p, max_lr=8.0, momentum=0.0),
    ),
}  # fmt: skip
TOLERANCE = {"sps": 1e-4}  # AliG adds 10⁻⁶ to ‖g‖² and keeps it in single precision


@pytest.mark.parametrize("case", WITNESSES)
def test_a_step_is_theirs(case):
    name, given, make = WITNESSES[case]
    tolerance = TOLERANCE.get(case, 1e-11)
    ours = steps(name, begun(), STEPS, **given)
    first = None
    for a, b in zip(ours, theirs(make), strict=True):
        torch.testing.assert_close(a, b, rtol=tolerance, atol=tolerance)
        first = a if first is None else first
    assert (a - first).norm() > 0.1


def test_ademamix_raises_its_slow_memory_as_theirs_does():
    """Theirs counts the steps, from 1 to 60; ours is told that they are 0.6 of a budget of 100."""
    s = begun()
    optimizer = build("ademamix", s, lr=0.02, beta1=0.9, beta2=0.99, beta3=0.999, alpha=3.0, T=0.6,
                      weight_decay=0.1)  # fmt: skip
    other = theirs(
        lambda p: LIB.AdEMAMix(p, lr=0.02, betas=MIX, alpha=3.0, t_alpha_beta3=60,
                               weight_decay=0.1, weight_decouple=True)
    )  # fmt: skip
    for k, w in enumerate(other):
        s.oracle.next_step()
        s.oracle.progress = (k + 1) / STEPS
        optimizer.step(s.oracle)
        torch.testing.assert_close(s.weights.w, w, rtol=1e-11, atol=1e-11)


def test_stochastic_line_search_follows_its_algorithm():
    """Vaswani et al. 2019, Algorithm 1, written again with a gradient of its own."""
    s, p = begun(), begun().problem
    w, eta = s.weights.w.clone(), 5.0

    def f(w: Tensor) -> Tensor:
        return p.losses(p.outputs(w, i), p.targets(i)).mean()

    shrunk = 0
    for found in steps("sls", begun(), STEPS, lr=5.0, c=0.4, beta=0.7, gamma=3.0):
        i = s.oracle.order.take(12)
        g = torch.func.grad(f)(w)
        while f(w - eta * g) > f(w) - 0.4 * eta * g.square().sum():
            eta, shrunk = 0.7 * eta, shrunk + 1
        w = w - eta * g
        torch.testing.assert_close(found, w, rtol=1e-11, atol=1e-11)
        eta = min(eta * 3.0 ** (12 / 120), 5.0)
    assert shrunk > 10
