"""What a guest keeps in the place of weights follows a constraint that moves them."""

import warnings

import pytest
import pytorch_optimizer
import torch

from lenetlab.errors import UserError
from lenetlab.experiments.run.training import StepError
from lenetlab.methods.guests.copies import copies_of
from lenetlab.oracle.torch_engine import TorchEngine
from lenetlab.problem.model import CONSTRAINED

from .drive import CPU, N, steps, training

SPARSE = {"scenario": "sparse", "passes": 0.02}  # 18 steps
LOOKAHEAD = """
import torch
class Own(torch.optim.SGD):
    {said}
    def __init__(self, params, lr=0.2, k=3):
        super().__init__(params, lr)
        self.k, self.t = k, 0
        self.slow = [p.detach().clone() for p in self.param_groups[0]["params"]]
    def step(self, closure):
        loss = super().step(closure)
        self.t += 1
        if self.t % self.k == 0:
            with torch.no_grad():
                for slow, p in zip(self.slow, self.param_groups[0]["params"]):
                    slow.lerp_(p, 0.5)
                    p.copy_(slow)
        return loss
    def eval_weights(self, w):
        return torch.cat([slow.flatten() for slow in self.slow])
"""


@pytest.fixture
def engine(train):
    return TorchEngine(train.take(0, N), CPU)


@pytest.fixture
def own(tmp_path):
    def own(said: str) -> str:
        (tmp_path / "own.py").write_text(LOOKAHEAD.replace("{said}", said))
        return f"{tmp_path / 'own.py'}:Own"

    return own


@pytest.mark.parametrize("constraint", ["iht", "l1", "admm", "magnitude", "rigl"])
def test_schedule_free_of_its_authors_walks_as_ours_does_under_a_constraint(engine, constraint):
    """Its z is found in its state and moved along; without that it brings the old weights back."""
    given = {**SPARSE, "constraint": constraint}
    theirs = training(engine, "schedulefree:SGDScheduleFree", {"lr": 0.5}, **given)
    ours = training(engine, "schedule_free_sgd", {"lr": 0.5}, **given)
    assert steps(theirs, 17) == pytest.approx(steps(ours, 17), abs=1e-5)
    assert torch.allclose(theirs.weights.w, ours.weights.w, atol=1e-5)
    assert torch.allclose(theirs.eval_weights(), ours.eval_weights(), atol=1e-5)


@pytest.mark.parametrize("said", ["", 'copies = ("slow",)'])
def test_slow_weights_on_the_optimizer_itself_follow_as_lookaheads_do(engine, own, said):
    given = {**SPARSE, "constraint": "l1"}
    theirs = training(engine, own(said), **given)
    ours = training(engine, "lookahead+sgd", {"lr": 0.2, "lookahead.k": 3}, **given)
    assert steps(theirs, 17) == pytest.approx(steps(ours, 17), abs=1e-5)
    assert torch.allclose(theirs.eval_weights(), ours.eval_weights(), atol=1e-5)


def test_parameters_that_it_has_sorted_anew_get_their_own_part(engine, own, tmp_path):
    given = {**SPARSE, "constraint": "l1"}
    first = training(engine, own(""), **given)
    steps(first, 17)
    text = (tmp_path / "own.py").read_text()
    text = text.replace("__init__(params, lr)", "__init__(list(params)[::-1], lr)")
    text = text.replace("in self.slow]", "in self.slow[::-1]]")
    (tmp_path / "own.py").write_text(text)
    second = training(engine, f"{tmp_path / 'own.py'}:Own", **given)
    steps(second, 17)
    assert second.weights.w.equal(first.weights.w)
    assert second.eval_weights().equal(first.eval_weights())


def test_what_a_class_says_is_no_copy_stays_where_it_is(engine, own):
    given = {**SPARSE, "constraint": "l1"}
    theirs = training(engine, own("copies = ()"), **given)
    other = training(engine, own(""), **given)
    steps(theirs, 17), steps(other, 17)
    assert not theirs.weights.w.equal(other.weights.w)
    count = int(theirs.constraint.project(theirs.eval_weights())[:CONSTRAINED].count_nonzero())
    assert count <= 24_480


def test_its_own_moved_and_masked_are_called_instead(engine, own):
    said = (
        "def moved(self, by): self.seen = by.shape\n"
        "    def masked(self, w, mask): self.of = int(mask.sum())"
    )
    t = training(engine, own(said), **SPARSE, constraint="l1")
    steps(t, 17)
    assert t.optimizer.base.optimizer.seen == (44426,)
    assert t.optimizer.base.optimizer.of == int(t.oracle.mask.sum()) < 44426


def test_a_copy_that_there_is_not_is_named(engine, own):
    t = training(engine, own('copies = ("fast",)'), **SPARSE, constraint="l1")
    with pytest.raises(UserError, match=r"Own: copies names 'fast'; expected .* shape: .*slow"):
        steps(t, 17)


@pytest.mark.long
def test_in_the_whole_package_copies_of_weights_are_found_and_nothing_else():
    """Every class's state after 13 steps: names that its own page calls iterates or weights."""
    from lenetlab.problem.data import load

    engine = TorchEngine(load("train").take(0, N), CPU)
    found = {}
    for name, kind in sorted(vars(pytorch_optimizer).items()):
        if not (isinstance(kind, type) and issubclass(kind, torch.optim.Optimizer)):
            continue
        torch.manual_seed(0)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                t = training(engine, f"pytorch_optimizer:{name}")
                steps(t, 13)
        except (UserError, StepError):
            continue
        guest = t.optimizer.base
        names = sorted(copies_of(guest.optimizer, guest._params, None))
        if names:
            found[name] = names
    assert found == {
        "A2Grad": ["x_k"],
        "AccSGD": ["momentum_buffer"],  # a second iterate, in Kidambi's notation w̄
        "AdaSmooth": ["prev_param"],
        "DAdaptAdaGrad": ["x0"],
        "DAdaptSGD": ["x0", "z"],
        "FOCUS": ["pbar"],
        "MADGRAD": ["x0"],
        "Prodigy": ["p0"],
        "Ranger": ["slow_buffer"],
        "SPlus": ["ema"],
        "SRMM": ["mov_avg_param"],
        "ScheduleFreeAdamW": ["z"],
        "ScheduleFreeRAdam": ["z"],
        "ScheduleFreeSGD": ["z"],
    }
