"""Our methods against PyTorch's classes used as everybody uses them: on the script's module, with
`loss.backward()`, tensor by tensor."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import optim

from lenetlab.methods.lookup import find
from lenetlab.oracle.torch_engine import TorchEngine
from lenetlab.problem.model import flatten, state_dict

from ..reference import LeNet5
from .drive import CPU, N, training

BETAS = (0.9, 0.999)
THEIRS: dict[str, Callable[..., optim.Optimizer]] = {
    "sgd": lambda p: optim.SGD(p, lr=0.4),
    "single_sample": lambda p: optim.SGD(p, lr=0.01),
    "full_batch": lambda p: optim.SGD(p, lr=0.5),
    "heavy_ball": lambda p: optim.SGD(p, lr=0.04, momentum=0.9),
    "nesterov": lambda p: optim.SGD(p, lr=0.04, momentum=0.9, nesterov=True),
    "asgd": lambda p: optim.ASGD(p, lr=0.4, lambd=0, t0=500),
    "adagrad": lambda p: optim.Adagrad(p, lr=0.02),
    "adadelta": lambda p: optim.Adadelta(p, lr=2.0),
    "rmsprop": lambda p: optim.RMSprop(p, lr=2e-3),
    "rprop": lambda p: optim.Rprop(p, lr=1e-3, step_sizes=(1e-6, 0.1)),
    "adam": lambda p: optim.Adam(p, lr=2e-3),
    "amsgrad": lambda p: optim.Adam(p, lr=2e-3, amsgrad=True),
    "adamax": lambda p: optim.Adamax(p, lr=8e-3),
    "nadam": lambda p: optim.NAdam(p, lr=4e-3),
    "radam": lambda p: optim.RAdam(p, lr=6e-3),
    "adamw": lambda p: optim.AdamW(p, lr=2e-3, weight_decay=0),
    "lbfgs": lambda p: optim.LBFGS(p, lr=1, max_iter=1, max_eval=31, history_size=10,
                                   line_search_fn="strong_wolfe", tolerance_grad=0,
                                   tolerance_change=0),
}  # fmt: skip
DECAYING: dict[str, Callable[..., optim.Optimizer]] = {
    "sgd": lambda p: optim.SGD(p, lr=0.4, weight_decay=0.01),
    "adam": lambda p: optim.Adam(p, lr=2e-3, weight_decay=0.01),
    "adamw": lambda p: optim.AdamW(p, lr=2e-3, weight_decay=0.01),
    "rmsprop": lambda p: optim.RMSprop(p, lr=2e-3, weight_decay=0.01),
    "asgd": lambda p: optim.ASGD(p, lr=0.4, lambd=0, t0=500, weight_decay=0.01),
}


@pytest.fixture(scope="module")
def split(train):
    return train.take(0, N)


def compare(split, name: str, make: Callable[..., optim.Optimizer], **ours) -> None:
    """Eight steps of both, from the same weights on the same batches."""
    t = training(TorchEngine(split, CPU), name, **ours)
    twin = training(TorchEngine(split, CPU), name, **ours)  # for its batches alone
    model = LeNet5()
    model.load_state_dict(state_dict(t.weights.w))
    optimizer = make(model.parameters())
    for _ in range(8):
        twin.oracle.next_step()
        batch = twin.oracle.batch.indices
        images, labels = split.images[batch].unsqueeze(1).float() / 255, split.labels[batch]

        def closure() -> torch.Tensor:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(images), labels)  # noqa: B023
            loss.backward()
            return loss

        theirs = optimizer.step(closure)
        assert t.step() == pytest.approx(theirs.item(), rel=1e-4)
    w = flatten(model.state_dict())
    start = training(TorchEngine(split, CPU), name, **ours).weights.w
    moved = (w - start).norm()
    assert moved > 1e-3
    assert (t.weights.w - w).norm() < 1e-3 * moved


@pytest.mark.parametrize("name", THEIRS)
def test_a_step_is_pytorchs(split, name):
    compare(split, name, THEIRS[name])


@pytest.mark.parametrize("name", DECAYING)
def test_weight_decay_is_pytorchs(split, name):
    compare(split, name, DECAYING[name], settings={"weight_decay": 0.01}, scenario="l2")


def test_adafactor_is_pytorchs_with_convolutions_as_matrices(split):
    """PyTorch factorises the last two dimensions, 5×5 here; the paper means a layer's matrix."""
    t = training(TorchEngine(split, CPU), "adafactor")
    layers = [p.detach().clone().requires_grad_() for p in t.optimizer.param_groups[0]["params"]]
    theirs = optim.Adafactor(layers, lr=0.08, eps=(None, 1e-3), weight_decay=0)
    for _ in range(5):
        t.step()
        for mine, other in zip(t.optimizer.param_groups[0]["params"], layers, strict=True):
            other.grad = mine.grad.clone()
        theirs.step()
        for mine, other in zip(t.optimizer.param_groups[0]["params"], layers, strict=True):
            assert mine.equal(other)
    assert max(p.dim() for p in layers) == 2


def test_asgd_is_judged_at_the_mean_of_its_iterates(split):
    t0, count = 3, 12
    t = training(TorchEngine(split, CPU), "asgd", {"t0": t0})
    plain = training(TorchEngine(split, CPU), "sgd", {"lr": 0.4})
    iterates = []
    for step in range(1, count + 1):
        t.step()
        plain.step()
        assert t.weights.w.allclose(plain.weights.w, atol=1e-6)  # its steps are those of SGD
        iterates.append(t.weights.w.double().clone())
        if step <= t0:
            assert t.eval_weights().equal(t.weights.w)
    # t counts the steps done before, so the first iterate of the mean is number t0 + 2
    expected = torch.stack(iterates[t0 + 1 :]).mean(dim=0)
    assert t.eval_weights().double().allclose(expected, atol=1e-6)
    assert not t.eval_weights().allclose(t.weights.w, atol=1e-3)


def test_asgd_averages_within_ten_epochs():
    assert 0 < find("asgd").defaults["t0"] < 10 * 60_000 / 64 / 2
    group = training_group("asgd")
    assert group["lambd"] == 0


def training_group(name: str) -> dict[str, object]:
    parameter = torch.zeros(1, requires_grad=True)
    entry = find(name)
    return entry.optimizer([parameter], entry.defaults).param_groups[0]
