"""PyTorch's optimizers without its compiler, which takes a second to import."""

import subprocess
import sys

import pytest
import torch
from torch import optim

from lenetlab.methods.eager import eager

RUN = """
import sys
from lenetlab.methods.registry import methods
from lenetlab.oracle.torch_engine import TorchEngine
from lenetlab.problem.data import load
from tests.methods.drive import CPU, N, training

engine = TorchEngine(load("train").take(0, N), CPU)
for name, entry in methods().items():
    if entry.family == "second_order" or name == "trust_region":  # torch.func imports it itself
        continue
    t = training(engine, name)
    t.step()
    t.state()
    assert "torch._dynamo" not in sys.modules, name
print("ok")
"""


def test_no_first_order_method_imports_the_compiler():
    done = subprocess.run([sys.executable, "-c", RUN], capture_output=True, text=True)
    assert done.stdout == "ok\n", done.stderr


@pytest.mark.parametrize("kind", [optim.SGD, optim.AdamW, optim.Adafactor, optim.LBFGS])
def test_it_has_the_bits_of_the_class_and_its_hooks(kind):
    w = [torch.linspace(-1, 1, 12).view(3, 4).requires_grad_() for _ in range(2)]
    theirs, ours = kind([w[0]], lr=0.1), eager(kind)([w[1]], lr=0.1)
    calls = []
    ours.register_step_post_hook(lambda *_: calls.append(1))
    for _ in range(3):
        for p, optimizer in zip(w, (theirs, ours), strict=True):

            def closure(p=p, optimizer=optimizer):
                optimizer.zero_grad()
                loss = (p.cos() * p).sum()
                loss.backward()
                return loss

            optimizer.step(closure)
    assert torch.equal(*w)
    assert not torch.equal(w[0], torch.linspace(-1, 1, 12).view(3, 4))
    assert len(calls) == 3
    assert isinstance(ours, kind)
    assert type(ours).__name__ == kind.__name__
