"""How guests are driven: no gradient of another batch, the weights that their authors would judge,
settings that their constructors judge, errors with the line of their file."""

import sys

import pytest
import pytorch_optimizer
import torch

from lenetlab.errors import UserError
from lenetlab.experiments.recipe.recipe import make_recipe
from lenetlab.experiments.run import checkpoint
from lenetlab.experiments.run.on_disk import execute
from lenetlab.experiments.run.training import StepError
from lenetlab.experiments.tuning.search_space import at, space_of
from lenetlab.experiments.tuning.trials import Tuning, trials
from lenetlab.methods.lookup import find
from lenetlab.methods.state import copied
from lenetlab.oracle.torch_engine import TorchEngine
from lenetlab.records import run_folder

from .drive import CPU, N, everything, steps, training


@pytest.fixture
def engine(train):
    return TorchEngine(train.take(0, N), CPU)


@pytest.fixture
def own(tmp_path, monkeypatch):
    """`own(text)`: the name of the class `Own` in a file with that text."""
    monkeypatch.setattr(sys, "path", list(sys.path))

    def own(text: str) -> str:
        path = tmp_path / "own.py"
        path.write_text(f"import torch\n{text}")
        return f"{path}:Own"

    return own


# the gradient of this batch, and no other

AROUND = """
from pytorch_optimizer import {name}
class Own({name}):
    {first}
    def __init__(self, params, lr=0.1, rho=0.05):
        super().__init__(params, torch.optim.SGD, rho=rho, lr=lr)
"""


def test_a_sam_of_others_that_says_so_makes_the_steps_of_ours(engine, own):
    theirs = training(engine, own(AROUND.format(name="SAM", first="gradient_first = True")))
    ours = training(engine, "sam+sgd", {"lr": 0.1, "sam.rho": 0.05})
    losses = steps(theirs, 6), steps(ours, 6)
    assert losses[0] == pytest.approx(losses[1], abs=1e-6)
    assert torch.allclose(theirs.weights.w, ours.weights.w, atol=1e-6)
    assert theirs.oracle.ledger.gradients == ours.oracle.ledger.gradients


@pytest.mark.parametrize("name", ["SAM", "LookSAM", "FriendlySAM"])
def test_one_that_would_take_the_last_batchs_gradient_is_refused(engine, own, name):
    t = training(engine, own(AROUND.format(name=name, first="")))
    with pytest.raises(StepError, match=r"step 1: .* by \.grad, which is NaN .* gradient_first"):
        t.step()


HALVES = """
class Own(torch.optim.Optimizer):
    {first}
    def __init__(self, params, lr=0.1, rho=0.05):
        super().__init__(params, {{"lr": lr, "rho": rho}})
    @torch.no_grad()
    def first_step(self, zero_grad=False):
        ps = self.param_groups[0]["params"]
        norm = torch.stack([p.grad.norm() for p in ps]).norm()
        for p in ps:
            self.state[p]["e"] = p.grad * (self.param_groups[0]["rho"] / (norm + 1e-12))
            p.add_(self.state[p]["e"])
    @torch.no_grad()
    def second_step(self, zero_grad=False):
        for p in self.param_groups[0]["params"]:
            p.sub_(self.state[p]["e"]).sub_(p.grad, alpha=self.param_groups[0]["lr"])
{step}
"""
HOW = {
    "inherited": "",
    "without a closure": "    def step(self):\n        raise RuntimeError('call the two')",
    "not implemented": "    def step(self, closure=None):\n        raise NotImplementedError('no')",
    "with a closure": "    def step(self, closure):\n        self.first_step()\n        closure()\n"
    "        self.second_step()",
}


@pytest.mark.parametrize("how", HOW)
def test_two_halves_of_a_step_have_the_gradient_filled_before_each(engine, own, how):
    text = HALVES.format(first="gradient_first = True", step=HOW[how])
    theirs, ours = training(engine, own(text)), training(engine, "sam+sgd",
                                                         {"lr": 0.1, "sam.rho": 0.05})  # fmt: skip
    assert steps(theirs, 5) == pytest.approx(steps(ours, 5), abs=1e-6)
    assert torch.allclose(theirs.weights.w, ours.weights.w, atol=1e-6)
    assert theirs.oracle.ledger.gradients == ours.oracle.ledger.gradients


@pytest.mark.parametrize("how", HOW)
def test_two_halves_that_do_not_say_so_are_refused_with_the_reason(engine, own, how):
    spec = own(HALVES.format(first="", step=HOW[how]))
    with pytest.raises((UserError, StepError), match="gradient_first = True"):
        training(engine, spec).step()


def test_grad_is_nan_before_every_question(engine, own):
    text = """
class Own(torch.optim.SGD):
    seen = []
    def __init__(self, params, lr=0.1):
        super().__init__(params, lr)
    def step(self, closure):
        self.seen.append(all(p.grad.isnan().all() for p in self.param_groups[0]["params"]))
        loss = super().step(closure)
        self.zero_grad()
        return loss
"""
    t = training(engine, own(text))
    steps(t, 3)
    assert t.optimizer.base.seen == [True, True, True]


KEEPS = """
class Own(torch.optim.Optimizer):
    def __init__(self, params, lr=0.01):
        super().__init__(params, {"lr": lr})
    @torch.no_grad()
    def step(self, closure):
        with torch.enable_grad():
            loss = closure()
        for p in self.param_groups[0]["params"]:
            state = self.state[p]
            if "m" not in state:
                state["m"] = p.grad
            else:
                state["m"].mul_(0.9).add_(p.grad)
            p.sub_(state["m"], alpha=0.01)
        return loss
"""
TWICE = """
class Own(torch.optim.SGD):
    def __init__(self, params, lr=0.1):
        super().__init__(params, lr=lr)
    def step(self, closure):
        loss = closure()
        first = [p.grad for p in self.param_groups[0]["params"]]
        with torch.no_grad():
            for p in self.param_groups[0]["params"]:
                p.sub_(p.grad, alpha=0.05)
        closure()
        self.apart = sum(float((p.grad - g).square().sum())
                         for p, g in zip(self.param_groups[0]["params"], first))
        return loss
"""


def test_a_gradient_that_is_kept_stays_what_it_was(engine, own):
    """As in the usual loop, where every backward after `zero_grad` makes other tensors."""
    kept = training(engine, own(KEEPS))
    ours = training(engine, "heavy_ball", {"lr": 0.01, "momentum": 0.9})
    assert steps(kept, 5) == pytest.approx(steps(ours, 5), abs=1e-6)
    assert torch.allclose(kept.weights.w, ours.weights.w, atol=1e-6)
    twice = training(engine, own(TWICE))
    twice.step()
    assert twice.optimizer.base.optimizer.apart > 0


def test_a_remembered_nan_is_told_at_the_first_step(engine, own):
    text = """
class Own(torch.optim.SGD):
    def __init__(self, params, lr=0.1):
        super().__init__(params, lr)
    @torch.no_grad()
    def step(self, closure):
        ps = self.param_groups[0]["params"]
        last = [p.grad.clone() for p in ps]
        loss = closure()
        for p, g in zip(ps, last):
            p.sub_(0.1 * (p.grad - g))
        return loss
"""
    with pytest.raises(StepError, match=r"first step made weights that are no numbers .* NaN"):
        training(engine, own(text)).step()


def test_a_step_of_the_usual_loop_gets_its_gradient_if_it_says_so(engine, own):
    text = """
class Own(torch.optim.Optimizer):
    gradient_first = True
    def __init__(self, params, lr=0.4):
        super().__init__(params, {"lr": lr})
    @torch.no_grad()
    def step(self):
        for p in self.param_groups[0]["params"]:
            p -= self.param_groups[0]["lr"] * p.grad
"""
    t, ours = training(engine, own(text)), training(engine, "sgd", {"lr": 0.4})
    assert steps(t, 4) == pytest.approx(steps(ours, 4))
    assert t.oracle.ledger.gradients == ours.oracle.ledger.gradients
    with pytest.raises(UserError, match=r"takes no closure; .* gradient_first = True"):
        find(own(text.replace("gradient_first = True", "")))


def test_a_step_that_never_calls_its_closure_is_told_just_that(engine, own):
    text = "class Own(torch.optim.SGD):\n    def step(self, closure=None):\n        {}\n"
    for body in ("super().step()", "pass"):
        with pytest.raises(StepError, match=r"^step 1 asked .* never called the closure"):
            training(engine, own(text.format(body))).step()


@pytest.mark.parametrize(
    "line", ["p.data = p.data - 0.4 * p.grad", "p.data = x; x -= 0.4 * p.grad"]
)
def test_weights_that_are_put_elsewhere_are_brought_back(engine, own, line):
    text = f"""
class Own(torch.optim.SGD):
    @torch.no_grad()
    def step(self, closure):
        for p in self.param_groups[0]["params"]:
            p.data = p.data.clone()
        loss = closure()
        for p in self.param_groups[0]["params"]:
            x = p.data.clone()
            {line}
        return loss
"""
    t, ours = training(engine, own(text)), training(engine, "sgd", {"lr": 0.4})
    assert steps(t, 4) == pytest.approx(steps(ours, 4))
    assert torch.allclose(t.weights.w, ours.weights.w, atol=1e-6)


# the groups of parameters, where biases are spared the decay

GROUPS = """
class Own(torch.optim.Optimizer):
    form = {form!r}
    def __init__(self, params, lr=0.1, weight_decay=0.0):
        super().__init__(params, {{"lr": lr, "weight_decay": weight_decay}})
        self.steps = 0
    @torch.no_grad()
    def step(self, closure):
        loss = closure()
        self.steps += 1
        for group in {groups}:
            for p in group["params"]:
                p.sub_(p.grad + group["weight_decay"] * p, alpha=group["lr"])
        return loss
"""
SPARED = {"settings": {"weight_decay": 0.01}, "scenario": "l2", "decay": "weights"}
FIRST_ALONE = r"moved the first of {} parameter groups alone: .* loop over self\.param_groups"


@pytest.mark.parametrize(("form", "groups"), [("named", 10), ("layers", 10), ("flat", 2)])
def test_one_that_trains_the_first_group_alone_is_stopped(engine, own, form, groups):
    spec = own(GROUPS.format(form=form, groups="self.param_groups[:1]"))
    steps(training(engine, spec), 3)  # of one group all is trained
    t = training(engine, spec, **SPARED)
    with pytest.raises(StepError, match=FIRST_ALONE.format(groups)):
        steps(t, 2)


def test_it_is_stopped_after_a_first_step_at_the_rate_zero(engine, own):
    spec = own(GROUPS.format(form="named", groups="self.param_groups[:1]"))
    t = training(engine, spec, **SPARED, schedule="linear:warmup=0.5", epochs=3)
    t.step()
    assert t.weights.w.equal(t.first)
    with pytest.raises(StepError, match=FIRST_ALONE.format(10)):
        steps(t, 2)


@pytest.mark.parametrize(
    "groups",
    [
        "self.param_groups",
        "[self.param_groups[self.steps % 10 - 1]]",  # by turns
        "self.param_groups[:1 if self.steps > 1 else 10]",  # later it may do as it likes
    ],
)
def test_one_that_comes_to_the_other_groups_is_not_stopped(engine, own, groups):
    steps(training(engine, own(GROUPS.format(form="named", groups=groups)), **SPARED), 12)


def test_looking_at_its_groups_changes_no_bits(engine, own):
    spec = own(GROUPS.format(form="named", groups="self.param_groups"))
    looked, never = training(engine, spec, **SPARED), training(engine, spec, **SPARED)
    never.optimizer.base._unseen = False
    assert steps(looked, 3) == steps(never, 3)
    assert everything(looked) == everything(never)
    assert not looked.optimizer.base._unseen


def test_one_that_takes_parameters_alone_is_told_of_the_groups(engine, own):
    text = """
class Own(torch.optim.SGD):
    def __init__(self, params, lr=0.1, weight_decay=0.0):
        super().__init__([p for p in params if p.dim()], lr, weight_decay=weight_decay)
"""
    training(engine, own(text)).step()
    with pytest.raises(UserError, match=r"each comes in a group of its own, {\"params\": \[p\]}"):
        training(engine, own(text), **SPARED)


# the weights that are judged

MODES = [
    "schedulefree:SGDScheduleFree",
    "schedulefree:AdamWScheduleFree",
    "schedulefree:RAdamScheduleFree",
    "schedulefree:SGDScheduleFreeReference",
    "pytorch_optimizer:ScheduleFreeSGD",
    "pytorch_optimizer:ScheduleFreeAdamW",
    "pytorch_optimizer:ScheduleFreeRAdam",
    "pytorch_optimizer:SPlus",
]


def test_the_list_of_guests_with_modes_is_complete():
    names = {
        name
        for name in pytorch_optimizer.get_supported_optimizers()
        if hasattr(pytorch_optimizer.load_optimizer(name), "eval")
    }
    listed = {spec.partition(":")[2].lower() for spec in MODES if spec.startswith("pytorch")}
    assert names == listed


@pytest.mark.parametrize("spec", MODES)
def test_judged_at_the_weights_that_the_authors_judge_and_nothing_changes(engine, spec):
    evaluated, unlooked = training(engine, spec), training(engine, spec)
    assert evaluated.eval_weights().equal(evaluated.weights.w)
    for _ in range(12):
        evaluated.step()
        before = everything(evaluated)
        judged = evaluated.eval_weights()
        assert everything(evaluated) == before
        unlooked.step()
    assert unlooked.weights.w.equal(evaluated.weights.w)
    assert not judged.equal(evaluated.weights.w)
    unlooked.optimizer.base.optimizer.eval()
    assert judged.equal(unlooked.weights.w)


def test_the_judged_weights_are_those_of_the_usual_loop(engine):
    """Schedule-Free SGD as its authors run it, on the same batches."""
    t = training(engine, "schedulefree:SGDScheduleFree", {"lr": 0.5})
    other = training(engine, "sgd")  # lends its batches and gradients
    p = other.weights.w.clone().requires_grad_()
    from schedulefree import SGDScheduleFree

    theirs = SGDScheduleFree([p], lr=0.5)
    theirs.train()
    for _ in range(8):
        t.step()
        other.oracle.next_step()
        _, p.grad = other.oracle.gradient(other.oracle.batch, at=p.detach())
        theirs.step()
    theirs.eval()
    assert torch.allclose(t.eval_weights(), p, atol=1e-6)


@pytest.mark.parametrize("spec", ["schedulefree:AdamWScheduleFree", "pytorch_optimizer:SPlus"])
def test_one_look_and_ten_looks_give_the_same_bits(runtime, spec):
    bits = []
    for eval_at in ([], [0.1 * k for k in range(1, 10)]):
        runtime.resume = False
        run = execute(make_recipe(spec, epochs=1), 0, runtime, eval_at)
        assert len(run.evaluations) == 1 + len(eval_at)
        bits.append([(run.path / name).read_bytes() for name in
                     (run_folder.WEIGHTS, run_folder.LOSSES, run_folder.RESULT)])  # fmt: skip
    assert bits[0] == bits[1]


def test_an_interrupted_run_of_one_with_modes_goes_on_with_the_same_bits(engine):
    spec = "schedulefree:SGDScheduleFree"
    first, second = training(engine, spec), training(engine, spec)
    steps(first, 3)
    second.restore(copied(first.state()))
    assert second.eval_weights().equal(first.eval_weights())
    assert steps(first, 3) == steps(second, 3)
    assert everything(first) == everything(second)


INSIDE = """
class Own(torch.optim.Optimizer):
    def __init__(self, params, lr=0.1):
        params = list(params)
        super().__init__(params, {"lr": lr})
        self.inner = torch.optim.SGD(params, lr=lr, momentum=0.9)
    def step(self, closure):
        loss = closure()
        self.inner.step()
        return loss
    def train(self): pass
    def eval(self):
        for p in self.param_groups[0]["params"]:
            self.inner.state[p]["momentum_buffer"].zero_()
            p.mul_(0.5)
"""


def test_an_optimizer_inside_is_saved_restored_and_not_changed_by_looking(engine, own):
    looked, never, ours = (
        training(engine, own(INSIDE)),
        training(engine, own(INSIDE)),
        training(engine, "heavy_ball", {"lr": 0.1}),
    )
    for _ in range(4):
        looked.step(), never.step(), ours.step()
        assert torch.equal(looked.eval_weights(), looked.weights.w * 0.5)
    assert looked.weights.w.equal(never.weights.w)
    assert torch.allclose(looked.weights.w, ours.weights.w, atol=1e-6)
    again = training(engine, own(INSIDE))
    again.restore(copied(looked.state()))
    assert steps(again, 3) == steps(looked, 3)
    assert everything(again) == everything(looked)


SEVERAL = """
import schedulefree
class Own(torch.optim.Optimizer):
    def __init__(self, params, lr=0.5):
        params = list(params)
        super().__init__(params, {{"lr": lr}})
        one, two = (schedulefree.SGDScheduleFree(ps, lr=lr) for ps in (params[:4], params[4:]))
        self.inner = {inner}
    def all(self):
        return {all}
    def step(self, closure):
        loss = closure()
        for one in self.all():
            one.step()
        return loss
    def train(self):
        for one in self.all():
            one.train()
    def eval(self):
        for one in self.all():
            one.eval()
"""
KEPT = {
    "list": ("[one, two]", "self.inner"),
    "tuple with others": ("(one, 3, torch.zeros(2), two)", "self.inner[::3]"),
    "mapping": ("{'first': one, 'others': [two]}",
                "[self.inner['first'], *self.inner['others']]"),
}  # fmt: skip


@pytest.mark.parametrize("kept", KEPT)
def test_optimizers_inside_a_list_or_mapping_are_as_the_one_alone(engine, own, kept, tmp_path):
    inner, found = KEPT[kept]
    spec = own(SEVERAL.format(inner=inner, all=found))
    looked, never = training(engine, spec), training(engine, spec)
    alone = training(engine, "schedulefree:SGDScheduleFree", {"lr": 0.5})
    for _ in range(4):
        looked.step(), never.step(), alone.step()
        assert looked.eval_weights().equal(alone.eval_weights())
    assert looked.weights.w.equal(never.weights.w)
    checkpoint.write(tmp_path / "state", looked.state())
    again = training(engine, spec)
    again.restore(checkpoint.read(tmp_path / "state"))
    assert steps(again, 3) == steps(looked, 3)
    assert everything(again) == everything(looked)


ARRAYS = """
import random
from collections import defaultdict, deque
import numpy as np
class Own(torch.optim.SGD):
    def __init__(self, params, lr=0.1):
        super().__init__(params, lr)
        self.scale, self.looks, self.last = np.ones(1), set(), deque([1.0])
        self.counts, self.rng = defaultdict(int), random.Random(0)
    def step(self, closure):
        loss = super().step(closure)
        with torch.no_grad():
            for p in self.param_groups[0]["params"]:
                p.mul_(float(self.scale[0]) * self.last[0] * 0.9 ** len(self.looks))
                p.mul_(0.9 ** self.counts["looks"]).mul_(0.9 + 0.1 * self.rng.random())
        return loss
    def train(self): pass
    def eval(self):
        self.scale *= 0.9
        self.last[0] *= 0.9
        self.looks.add(len(self.looks))
        self.counts["looks"] += 1
        self.rng.random()
"""


AVERAGES = """
class Own(torch.optim.Optimizer):
    def __init__(self, params, lr=0.1):
        super().__init__(params, {{"lr": lr}})
        own = self.param_groups[0]["params"]
        self.kept = {kept}
        self.mean = [p.detach().clone() for p in own]
    def weights(self):
        return {weights}
    @torch.no_grad()
    def step(self, closure):
        with torch.enable_grad():
            loss = closure()
        for p, mean in zip(self.param_groups[0]["params"], self.mean):
            p.sub_(p.grad, alpha=self.param_groups[0]["lr"])
            mean.lerp_(p, 0.5)
        return loss
    def train(self):
        pass
    @torch.no_grad()
    def eval(self):
        for p, mean in zip(self.weights(), self.mean):
            p.copy_(mean)
"""


@pytest.mark.parametrize(("kept", "weights"), [
    ("[(p, 1) for p in own]", "[p for p, _ in self.kept]"),
    ("[p.data for p in own]", "self.kept"),
    ("{'all': own}", "self.kept['all']"),
])  # fmt: skip
def test_one_that_keeps_its_weights_by_another_name_is_judged_as_the_others(
    engine, own, kept, weights
):
    usual = training(
        engine, own(AVERAGES.format(kept="0", weights="self.param_groups[0]['params']"))
    )
    steps(usual, 3)
    judged, trained = usual.eval_weights(), usual.weights.w.clone()
    other = training(engine, own(AVERAGES.format(kept=kept, weights=weights)))
    steps(other, 3)
    assert other.eval_weights().equal(judged)
    assert other.weights.w.equal(trained)
    assert not judged.equal(trained)


def test_what_shares_memory_does_so_in_a_copy():
    flat, weights = torch.arange(6.0), torch.zeros(4)
    tree = {"flat": flat, "views": [flat[:3], flat[3:]], "weights": weights[1:3],
            "few": torch.eye(4).to_sparse()}  # fmt: skip
    twin = copied(tree, weights)
    assert twin["few"].to_dense().equal(torch.eye(4))
    twin["flat"].zero_()
    assert not any(view.any() for view in twin["views"])
    assert flat.any()
    assert twin["weights"] is tree["weights"]


def test_looking_changes_no_array_or_collection(engine, own):
    looked, never = training(engine, own(ARRAYS)), training(engine, own(ARRAYS))
    for _ in range(3):
        looked.step(), never.step()
        looked.eval_weights()
    assert looked.weights.w.equal(never.weights.w)


def test_what_cannot_be_copied_is_refused_where_looking_may_change_it(engine, own):
    text = """
class Mean:
    pass
class Own(torch.optim.SGD):
    def __init__(self, params, lr=0.1):
        super().__init__(params, lr)
        self.means = [Mean()]
    {modes}
"""
    steps(training(engine, own(text.format(modes=""))), 2)
    t = training(engine, own(text.format(modes="def train(self): pass\n    eval = train")))
    t.step()
    with pytest.raises(UserError, match=r"has a Mean in it, which cannot be copied"):
        t.eval_weights()


def test_an_eval_that_fails_is_an_error_of_the_run(engine, own):
    text = """
class Own(torch.optim.SGD):
    def train(self): pass
    def eval(self):
        raise RuntimeError("no average yet")
"""
    t = training(engine, own(text))
    t.step()
    with pytest.raises(StepError, match=r"after step 1: RuntimeError: no average yet \(own.py:6\)"):
        t.eval_weights()


# settings


@pytest.mark.parametrize(
    ("spec", "given"),
    [
        ("torch.optim:SGD", {"momentum": 0.9}),
        ("torch.optim:LBFGS", {"lr": 0.01}),
        ("torch.optim:LBFGS", {"max_iter": 3.0}),  # as 3e0 is read
    ],
)
def test_a_whole_default_takes_fractions(engine, spec, given):
    t = training(engine, spec, given)
    ((name, value),) = given.items()
    assert t.optimizer.param_groups[0][name] == value
    t.step()


def test_what_was_whole_stays_whole(engine):
    t = training(engine, "torch.optim:LBFGS", {"max_iter": 3.0})
    assert type(t.optimizer.param_groups[0]["max_iter"]) is int
    assert make_recipe("torch.optim:LBFGS", {"max_iter": 20.0}).method.changed() == {}


def test_a_rate_of_one_is_searched_and_scheduled(engine, own):
    spec = own(
        "class Own(torch.optim.SGD):\n"
        "    def __init__(self, params, lr=1, depth=2):\n"
        "        super().__init__(params, lr)\n"
    )
    drawn = at(space_of(spec, "plain"), [0.77] * len(space_of(spec, "plain")))
    assert drawn["lr"] != int(drawn["lr"])
    assert find(spec).settings({"lr": drawn["lr"]}).settings["lr"] == drawn["lr"]
    assert len(trials("tune", spec, "plain", Tuning(4, 1.0))) == 5
    t = training(engine, spec, schedule="linear", epochs=1)
    steps(t, 3)
    assert 0 < t.rate < 1


def test_a_constructor_judges_its_settings(engine):
    with pytest.raises(UserError, match=r"refuses momentum=-0.5: Invalid momentum"):
        training(engine, "torch.optim:SGD", {"momentum": -0.5})
    with pytest.raises(UserError, match=r"momentum=a is not a number"):
        training(engine, "torch.optim:SGD", {"momentum": "a"})
    with pytest.raises(UserError, match=r"nesterov=0.5 is not allowed; expected true or false"):
        training(engine, "torch.optim:SGD", {"nesterov": 0.5})


# errors


def test_an_error_names_the_line_of_the_users_file(engine, own):
    text = """
class Own(torch.optim.SGD):
    def __init__(self, params, lr=0.1):
        if lr > 1:
            raise ValueError("too fast")
        super().__init__(params, lr)
    def step(self, closure):
        closure()
        self.mean()
    def mean(self):
        return torch.zeros(2) @ torch.zeros(3)
"""
    spec = own(text)
    with pytest.raises(UserError, match=r"refuses lr=2: too fast \(own.py:6\)$"):
        training(engine, spec, {"lr": 2.0})
    with pytest.raises(StepError, match=r"^step 1: RuntimeError: .* \(own.py:12\)$"):
        training(engine, spec).step()
    with pytest.raises(UserError, match=r"ZeroDivisionError: division by zero \(own.py:3\)$"):
        find(own("\n1 / 0\n"))


def test_one_that_exits_is_an_error_of_its_own(engine, own):
    spec = own("class Own(torch.optim.SGD):\n    def step(self, closure):\n        exit(0)\n")
    with pytest.raises(StepError, match=r"^step 1: SystemExit: 0 \(own.py:4\)$"):
        training(engine, spec).step()
    with pytest.raises(UserError, match=r"cannot be imported: SystemExit: 0 \(own.py:2\)$"):
        find(own("raise SystemExit(0)"))


MUTE = """
class Mute(Exception):
    def __str__(self):
        raise ValueError("nothing to say")

class Loud(BaseException):
    pass

"""
ODD = {
    "Loud('a\\x1b[31m\\n\\udc80' + 'b' * 999)": r"Loud: a\\x1b\[31m \\udc80b{220,}…",
    "GeneratorExit": "GeneratorExit: no message",
    "Mute": "Mute: its message cannot be read",
    "type('C\\n\\x1b', (Exception,), {})('x')": r"C \\x1b: x",
    "StopIteration": "StopIteration: no message",
}


@pytest.mark.parametrize("raised", ODD)
def test_whatever_it_raises_is_told_on_one_line(engine, own, raised):
    """In a step, where it is built, in what is judged, and where its file is imported."""
    place = r" \(own.py:\d+\)$"

    def spec(method: str) -> str:
        return own(
            f"{MUTE}class Own(torch.optim.SGD):\n    def {method}:\n        raise {raised}\n"
        )

    with pytest.raises(StepError, match=f"^step 1: {ODD[raised]}{place}"):
        training(engine, spec("step(self, closure)")).step()
    with pytest.raises(StepError, match=f"after step 0: {ODD[raised]}{place}"):
        training(engine, spec("eval_weights(self, w)")).eval_weights()
    said = ODD[raised].partition(": ")[2]
    with pytest.raises(UserError, match=f"refuses its own defaults: {said}{place}"):
        training(engine, spec("__init__(self, params, lr=0.1)"))
    with pytest.raises(UserError, match=f"cannot be imported: {ODD[raised]}{place}"):
        find(own(f"{MUTE}raise {raised}"))


@pytest.mark.parametrize("takes_back", [
    "closure.ledger.gradients -= 64", "vars(closure.ledger).clear()",
    "closure.ledger.charge('gradients', -64)",
])  # fmt: skip
def test_nothing_is_taken_off_the_bill(engine, own, takes_back):
    step = f"loss = super().step(closure)\n        {takes_back}\n        return loss"
    spec = own(f"class Own(torch.optim.SGD):\n    def step(self, closure):\n        {step}\n")
    t = training(engine, spec)
    with pytest.raises(StepError, match=r"^step 1: \w+: "):
        t.step()
    assert t.oracle.ledger.counts()["gradients"] == 64


@pytest.mark.parametrize(("loss", "what"), [
    ("torch.zeros(3)", r"a tensor of shape \(3,\), torch.float32"), ("'0.1'", "str"),
    ("torch.tensor(1j)", r"a tensor of shape \(\), torch.complex64"),
])  # fmt: skip
def test_what_is_no_loss_is_told_with_its_shape(engine, own, loss, what):
    step = f"super().step(closure)\n        return {loss}"
    spec = own(f"class Own(torch.optim.SGD):\n    def step(self, closure):\n        {step}\n")
    with pytest.raises(StepError, match=f"^step 1 returned {what}, expected the loss, one number"):
        training(engine, spec).step()


def test_parameters_of_its_own_making_are_refused(engine, own):
    """Nobody fills their `.grad`, and it would stand still without a word."""
    text = """
class Own(torch.optim.SGD):
    def __init__(self, params, lr=0.1):
        super().__init__([p.detach().view(-1) for p in params], lr)
"""
    with pytest.raises(UserError, match="hold tensors that it was not given, and nobody fills"):
        training(engine, own(text))


BACK = """
import copy
class Own(torch.optim.SGD):
    def __init__(self, params, lr=0.1):
        super().__init__(params, lr=lr)
    def step(self, closure):
        before = copy.deepcopy(self.state_dict())
        loss = super().step(closure)
        self.load_state_dict(before)
        return loss
"""


def test_a_guest_that_loads_its_own_state_follows_the_schedule(engine, own):
    """PyTorch puts other groups in the place of those that it had."""
    theirs, ours = (training(engine, name, {"lr": 0.1}, epochs=3, schedule="linear")
                    for name in (own(BACK), "sgd"))  # fmt: skip
    for _ in range(6):
        theirs.step()
        ours.step()
        assert theirs.rate == ours.rate
    assert theirs.weights.w.equal(ours.weights.w)


IN_A_STEP = """
class Own(torch.optim.SGD):
    def __init__(self, params, lr=0.1):
        super().__init__(params, lr=lr)
    def step(self, closure):
        loss = super().step(closure)
        {line}
        return loss
"""


@pytest.mark.parametrize("line", ["self.add_param_group({'params': [torch.ones(1)]})",
                                  "self.param_groups.clear()"])  # fmt: skip
def test_groups_that_come_or_go_under_a_schedule_are_an_error(engine, own, line):
    t = training(engine, own(IN_A_STEP.format(line=line)), schedule="linear")
    t.step()
    with pytest.raises(StepError, match="parameter groups and had 1 when it was made"):
        t.step()


@pytest.mark.parametrize("rate", ["[0.1]", "'fast'", "torch.ones(2)", "1j", "10**400"])
def test_a_rate_that_is_no_number_is_none(engine, own, rate):
    line = f"self.param_groups[0]['lr'] = {rate}"
    t = training(engine, own(IN_A_STEP.format(line=line)))
    t.step()
    assert t.rate is None


@pytest.mark.parametrize("answer", ["w.double()", "w.int()", "w.to_sparse()", "w.to(torch.cfloat)"])
def test_weights_of_another_kind_are_not_judged(engine, own, answer):
    text = f"class Own(torch.optim.SGD):\n    def eval_weights(self, w):\n        return {answer}\n"
    t = training(engine, own(text), {"lr": 0.1})
    with pytest.raises(StepError, match=r"eval_weights returned \(44426,\) of"):
        t.eval_weights()


def test_pytorchs_defaults_that_a_guest_moves_change_nothing_of_ours(runtime, own):
    """Neither the figures of its own run, nor what comes after it."""
    moved = "torch.set_default_dtype(torch.float64)"
    plain = execute(make_recipe(own(IN_A_STEP.format(line="")), epochs=0.5), 0, runtime)
    found = execute(make_recipe(own(IN_A_STEP.format(line=moved)), epochs=0.5), 0, runtime)
    assert torch.get_default_dtype() == torch.float32
    assert (found.status, found.result.loss) == ("done", plain.result.loss)
    text = "class Own(torch.optim.SGD):\n    def __init__(self, params, lr=0.1):\n" + (
        "        torch.set_default_device('meta')\n        super().__init__(params, lr=lr)\n"
    )
    assert execute(make_recipe(own(text), epochs=0.5), 0, runtime).status == "error"
    assert torch.get_default_device() == CPU
