"""Every registered method comes down to the minimum of a convex problem, on the full batch.

A method that bounds the weights has its bound at the registered neutral setting: there, it must
find the minimum of F like the others. The bounded minimum is its own tests' affair.

Tolerance, steps and the grid of rates are the suite's, not the method's.
"""

import pytest
import torch

from lenetlab.methods.registry import methods
from tests.methods.training import build, excess
from tests.problems import Quadratic, Softmax, setting

PROBLEMS = {"quadratic": Quadratic, "softmax": Softmax}
STEPS = 1000
TOLERANCE = 1e-3  # of the excess at the start
DONE = 1e-7  # of it: ten thousand times less than is asked; to go on shows no more
FACTORS = (1.0, 10.0, 100.0)  # of the registered rate, which was chosen for LeNet-5


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("name", methods())
def test_converges(name, problem):
    """With a rate that falls linearly to zero, as a schedule would have it."""
    reached = []
    for factor in FACTORS:
        s = setting(PROBLEMS[problem](), dtype=torch.float64)
        before = excess(s, s.weights.w)
        own = methods()[name].defaults
        rate = {"lr": float(own["lr"]) * factor} if "lr" in own else {}
        optimizer = build(name, s, **rate, **methods()[name].neutral)
        for k in range(STEPS):
            for group in optimizer.param_groups:
                if rate:
                    group["lr"] = rate["lr"] * (1 - k / STEPS)
            s.oracle.next_step()
            try:
                optimizer.step(s.oracle)
            except NotImplementedError:
                pytest.skip(f"{name} asks what {problem} has no answer to, such as layers")
            if k % 20 == 19:
                answers = s.weights.w, optimizer.eval_weights(s.weights.w)
                if all(abs(excess(s, w)) < DONE * before for w in answers):
                    break
        reached.append(excess(s, optimizer.eval_weights(s.weights.w)) / before)
        if reached[-1] < TOLERANCE or not rate:
            break
    assert min(reached) < TOLERANCE, reached
