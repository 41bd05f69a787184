"""Clipping: PyTorch's own functions step by step, reductions, what is seen of a recipe."""

import pytest
import torch

from lenetlab.oracle.torch_engine import TorchEngine
from tests.methods.drive import CPU, N, training
from tests.methods.training import last, steps
from tests.problems import Softmax, setting

TORCH = {
    "clip_norm": torch.nn.utils.clip_grad_norm_,
    "clip_value": torch.nn.utils.clip_grad_value_,
}
BOUND = {"clip_norm": 0.3, "clip_value": 0.05}  # between the gradients that are met


@pytest.mark.parametrize("name", TORCH)
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_pytorchs_function_agrees_step_by_step(name, decay):
    ours, s = setting(Softmax(), 12), setting(Softmax(), 12)
    p = s.problem
    w = torch.nn.Parameter(p.at_start(torch.float64).clone())
    theirs = torch.optim.SGD([w], lr=0.3, momentum=0.9, weight_decay=decay)
    clipped = 0
    given = {f"{name}_bound": BOUND[name], "weight_decay": decay}
    for found in steps(f"{name}+heavy_ball", ours, 60, lr=0.3, momentum=0.9, **given):
        i = s.oracle.order.take(12)
        theirs.zero_grad()
        with torch.enable_grad():
            p.losses(p.outputs(w, i), p.targets(i)).mean().backward()
        before = w.grad.clone()
        TORCH[name]([w], BOUND[name])
        clipped += not before.equal(w.grad)
        theirs.step()
        torch.testing.assert_close(found, w.detach(), rtol=1e-11, atol=1e-13)
    assert clipped > 0, "nothing was clipped"
    assert clipped < 60 or name == "clip_value", "everything was clipped"


@pytest.mark.parametrize("name", TORCH)
@pytest.mark.parametrize("base", ["sgd", "adamw"])
def test_with_a_bound_that_is_never_met_it_is_the_method_inside_bit_for_bit(name, base):
    ours, plain = setting(Softmax(), 12), setting(Softmax(), 12)
    pairs = zip(
        steps(f"{name}+{base}", ours, 60, **{f"{name}_bound": 1e6}), steps(base, plain, 60),
        strict=True,
    )  # fmt: skip
    assert all(torch.equal(a, b) for a, b in pairs)


def test_on_lenet_it_is_clip_grad_norm_over_all_ten_tensors(train):
    engine = TorchEngine(train.take(0, N), CPU)
    ours = training(engine, "clip_norm+sgd", {"lr": 1.0, "clip_norm.bound": 0.2}, batch_size=10)
    plain = training(engine, "sgd", {"lr": 1.0}, batch_size=10)
    plain.oracle.next_step()
    plain.oracle()
    theirs = [torch.nn.Parameter(p.detach().clone()) for p in plain.weights.params("named")]
    for p, view in zip(theirs, plain.weights.params("named"), strict=True):
        p.grad = view.grad.clone()
    assert torch.nn.utils.clip_grad_norm_(theirs, 0.2) > 0.2
    torch.optim.SGD(theirs, lr=1.0).step()
    ours.step()
    for p, view in zip(theirs, ours.weights.params("named"), strict=True):
        torch.testing.assert_close(view.detach(), p.detach(), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", TORCH)
def test_it_costs_what_the_method_costs_and_reports_the_same_loss(name):
    s, plain = setting(Softmax(), 12), setting(Softmax(), 12)
    last(f"{name}+sgd", s, 1)
    last("sgd", plain, 1)
    assert s.oracle.ledger.gradients == plain.oracle.ledger.gradients == 12
    assert s.oracle.loss == plain.oracle.loss
