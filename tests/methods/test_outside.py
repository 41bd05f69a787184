"""Optimizers from a file or a module: what they get, and what is said when it cannot work."""

import sys

import pytest
import torch

from lenetlab.errors import UserError
from lenetlab.experiments.run.training import StepError
from lenetlab.methods.lookup import find
from lenetlab.oracle.torch_engine import TorchEngine
from lenetlab.problem.model import SHAPES

from .drive import CPU, N, everything, steps, training

MINE = '''
import torch

class Mine(torch.optim.Optimizer):
    """Sign descent.

    More of it.
    """

    def __init__(self, params, lr, *, betas=(0.9, 0.99), nice=True, weight_decay=0.1):
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay})
        self.betas, self.calls = betas, 0

    @torch.no_grad()
    def step(self, closure):
        loss = closure()
        self.calls += 1
        for group in self.param_groups:
            for p in group["params"]:
                p.mul_(1 - group["weight_decay"]).sub_(p.grad.sign(), alpha=group["lr"])
        return loss
'''


@pytest.fixture
def write(tmp_path):
    def write(text: str) -> str:
        path = tmp_path / "mine.py"
        path.write_text("import torch\n" + text)
        return str(path)

    return write


@pytest.fixture
def engine(train):
    return TorchEngine(train.take(0, N), CPU)


def test_an_optimizer_from_a_file_is_a_method(write, engine):
    path = write(MINE)
    entry = find(f"{path}:Mine")
    assert entry.family == "outside"
    assert entry.summary == "Sign descent."
    assert entry.defaults == {
        "lr": 1e-3, "betas": (0.9, 0.99), "nice": True, "weight_decay": 0.0,
    }  # fmt: skip
    t = training(engine, f"{path}:Mine", {"lr": 0.01})
    assert [tuple(p.shape) for p in t.optimizer.param_groups[0]["params"]] == list(SHAPES.values())
    start = t.weights.w.clone()
    t.step()
    expected = start - 0.01 * t.weights.g.sign()
    assert t.weights.w.equal(expected)


def test_its_plain_attributes_are_part_of_its_state(write, engine):
    name = f"{write(MINE)}:Mine"
    first, second = training(engine, name), training(engine, name)
    steps(first, 3)
    second.restore(first.state())
    assert second.optimizer.base.calls == 3
    assert everything(second) == everything(first)


def test_a_changed_file_is_another_method(write):
    one = find(f"{write(MINE)}:Mine").source
    assert find(f"{write(MINE + '# changed')}:Mine").source != one


def test_an_importable_module_works_alike(tmp_path, monkeypatch):
    (tmp_path / "lab_of_a_friend.py").write_text(MINE)
    monkeypatch.syspath_prepend(tmp_path)
    assert find("lab_of_a_friend:Mine").summary == "Sign descent."
    assert find("torch.optim:AdamW").defaults["weight_decay"] == 0
    sys.modules.pop("lab_of_a_friend")


STEP = "\n    def step(self, closure):\n        "


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("class Mine(torch.optim.SGD):\n    def step(self, closure, loss):\n        pass",
         "needs 'loss' besides the closure"),
        ("class Mine:\n    pass", "unknown optimizer in"),
        ("class Mine(torch.optim.SGD:", r"cannot be imported: SyntaxError: .* \(mine.py:2\)"),
        ("import nothing_like_it", "cannot be imported: ModuleNotFoundError: No module named"),
        ("open('/no/table')",
         r"FileNotFoundError: \[Errno 2\] No such file or directory: '/no/table' \(mine.py:2\)$"),
        ("class Mine(torch.optim.SGD):\n    def __init__(self):\n        pass",
         r"its constructor takes nothing to train; expected .* __init__\(self, params, lr=0.01\)$"),
        ("class Mine(torch.optim.SGD):\n    def __init__(self, **hyper):\n        pass",
         "its constructor takes nothing to train"),
        ("class Mine(torch.optim.SGD):\n    def step():\n        pass", "takes no closure"),
        ("1 / 0", "cannot be imported: ZeroDivisionError: division by zero"),
        ("class Mine(torch.optim.SGD):\n    def step(self):\n        pass", "takes no closure"),
        ("class Mine(torch.optim.SGD):\n    def __init__(self, params, size):\n        pass",
         "needs 'size', which has no default"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_said_at_once(write, text, message):
    with pytest.raises(UserError, match=message):
        find(f"{write(text)}:Mine")


def test_refusals_of_the_constructor_are_the_users_to_read(write, engine):
    path = write(
        "class Mine(torch.optim.SGD):\n"
        "    def __init__(self, params, lr=0.1):\n"
        "        assert lr < 1, 'far too fast'\n"
        "        super().__init__(params, lr)\n"
    )
    with pytest.raises(UserError, match=r"refuses lr=2: far too fast"):
        training(engine, f"{path}:Mine", {"lr": 2})
    with pytest.raises(UserError, match="did you mean 'lr'"):
        training(engine, f"{path}:Mine", {"lrr": 2})


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("return None", "step 1 asked the oracle nothing"),
        ("return closure() and (1, 2)", "step 1 returned tuple, expected the loss"),
        ("raise KeyError('exp_avg')", "step 1: KeyError: 'exp_avg'"),
        ("closure(); raise ValueError()", "step 1: ValueError: no message"),
    ],
)
def test_a_step_that_goes_wrong_says_which_and_why(write, engine, body, message):
    path = write(f"class Mine(torch.optim.SGD):{STEP}{body}\n")
    with pytest.raises(StepError, match=message):
        training(engine, f"{path}:Mine").step()


def test_a_step_that_returns_nothing_is_judged_by_what_it_asked(write, engine):
    path = write(f"class Mine(torch.optim.SGD):{STEP}super().step(closure)\n")
    t = training(engine, f"{path}:Mine", {"lr": 0.4})
    other = training(engine, "sgd", {"lr": 0.4})
    assert t.step() == other.step()
    assert torch.allclose(t.weights.w, other.weights.w)


@pytest.mark.parametrize("spec", ["mine.py:", ":Mine", "x.py:A:"])
def test_a_spec_without_a_class_shows_the_form(spec):
    with pytest.raises(UserError, match=r"expected FILE.py:CLASS or MODULE:CLASS"):
        find(spec)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Muon", "refuses its own defaults: it wants parameter groups with keys of its own"),
        ("LOMO", "refuses its own defaults: it wants the model"),
        ("Lookahead", "refuses its own defaults: it goes around another optimizer"),
        ("GSAM", "needs 'base_optimizer' and 'model' and 'rho_scheduler', which have no default"),
        ("AdaHessian", "step 1: RuntimeError: it differentiates the gradient"),
    ],
)
def test_one_that_needs_more_is_told_what(engine, name, message):
    """`test_outside_all` tries every class of the package."""
    with pytest.raises((UserError, StepError), match=message):
        training(engine, f"pytorch_optimizer:{name}").step()


def test_an_infinite_default_means_no_bound(engine):
    t = training(engine, "pytorch_optimizer:Prodigy")
    assert t.optimizer.param_groups[0]["growth_rate"] == float("inf")
    with pytest.raises(UserError, match="out of range"):
        training(engine, "pytorch_optimizer:Prodigy", {"d0": float("inf")})


def test_a_counter_that_all_parameters_share_is_part_of_its_state(write, engine):
    path = write(
        f"class Mine(torch.optim.SGD):{STEP}loss = super().step(closure)\n"
        "        self.state['k'] = self.state.get('k', 0) + 1\n"
        "        return loss\n"
    )
    first, second = training(engine, f"{path}:Mine"), training(engine, f"{path}:Mine")
    steps(first, 3)
    second.restore(first.state())
    assert second.optimizer.base.state["k"] == 3
