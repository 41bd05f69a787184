"""What a constraint has done to the weights, and the set a method holds them in, outlast the next
step, whatever is put together; or the pair is refused with the reason."""

import math
from functools import cache

import pytest
import torch

from lenetlab.errors import UserError
from lenetlab.experiments.recipe.recipe import make_recipe
from lenetlab.experiments.run.training import Training
from lenetlab.methods.constraint import constraints
from lenetlab.methods.lookup import find, split
from lenetlab.methods.registry import WITHIN, methods
from lenetlab.methods.wrappers import wrappers
from lenetlab.oracle.torch_engine import TorchEngine

from .drive import CPU

N = 64  # images, and the size of a batch: a step is an epoch
STEPS = 12
AROUND = ("lookahead+sgd", "lookahead+adamw", "cautious+heavy_ball", "sphere+adamw")
BOUNDED = [name for name, entry in methods().items() if entry.within]


class Flat(TorchEngine):
    """A loss without slope: a method moves by chance, if at all, whatever the weights are."""

    def gradient(self, w, batch, out, uniform=None):
        out.zero_()
        return w.new_tensor(2.0)

    def value(self, w, batch):
        return w.new_tensor(2.0)


@pytest.fixture(scope="module")
def flat(train):
    return Flat(train.take(0, N), CPU)


def start(engine, spec, constraint):
    """A training of `STEPS` steps under the constraint, or under none."""
    given = {"lookahead.k": 2} if spec.startswith("lookahead") else {}
    if constraint:
        given["constraint.keep"] = 9_000
        name, _, setting = constraint.partition(":")
        if setting:
            given["constraint.period"] = 0
        rules = {"scenario": "frontier", "constraint": name}
    else:
        rules = {}
    recipe = make_recipe(spec, given, batch_size=N, epochs=STEPS, **rules)
    return Training(recipe, 0, N, engine, CPU)


def own_moves(t):
    """Of every step: how far the method itself moves the weights, and the mask it did so under;
    the training as it is then. The draws of a step are the same in every training."""
    step, moves = t.optimizer.step, []

    def recorded(oracle):
        oracle.rng.manual_seed(t.steps)
        before = oracle.w.clone()
        loss = step(oracle)
        moves.append(oracle.w - before)
        return loss

    t.optimizer.step = recorded
    for _ in range(STEPS):
        mask = torch.ones_like(t.weights.w) if t.oracle.mask is None else t.oracle.mask
        t.step()
        yield moves[-1], mask


@cache
def free_moves(engine, spec):
    return [move for move, _ in own_moves(start(engine, spec, ""))]


def holds(spec) -> set[str]:
    """The sets that a method or its wrappers hold the weights in."""
    around, base = split(spec)
    return {find(base).within, *(wrappers()[name].within for name in around)} - {""}


def refused(spec, constraint) -> bool:
    return bool(holds(spec) & {*constraints()[constraint.partition(":")[0]].leaves})


def pairs():
    """Every method beside every constraint. In the quick suite each of them is met: those that keep
    a second copy of the weights or hold them in a set with all, the others with one in turn."""
    acts = [*constraints(), "iht:every step"]
    for k, spec in enumerate([*methods(), *AROUND]):
        delicate = spec in (*AROUND, *BOUNDED, "local_sgd", "schedule_free_sgd", "sgd")
        for j, act in enumerate(acts):
            quick = delicate or j == k % len(acts)
            yield pytest.param(spec, act, marks=() if quick else pytest.mark.long)


@pytest.mark.parametrize(("spec", "constraint"), [*pairs()])
def test_no_method_undoes_what_a_constraint_has_done(flat, spec, constraint):
    """Its own moves are what they are without the constraint, and its evaluation weights follow."""
    if refused(spec, constraint):
        with pytest.raises(UserError, match="each would undo what the other did"):
            start(flat, spec, constraint)
        return
    t = start(flat, spec, constraint)
    lagging = spec == "asgd"  # an average, on purpose
    projects = bool(holds(spec) & {"sparse", "spheres"})
    by_chance = free_moves(flat, spec)[0].any()
    for (move, mask), free in zip(own_moves(t), free_moves(flat, spec), strict=True):
        if projects and constraint != "l1":  # what the mask has left is projected anew
            torch.testing.assert_close(move * (1 - mask), 0 * move, rtol=0, atol=1e-6)
        elif not (by_chance and constraint == "rewind" and t.constraint.done):  # other widths again
            torch.testing.assert_close(move * mask, free * mask, rtol=1e-3, atol=1e-6)
        if not lagging:
            eval_weights = t.optimizer.eval_weights(t.weights.w)
            torch.testing.assert_close(eval_weights, t.weights.w, rtol=1e-3, atol=1e-6)


def test_l1_draws_every_method_to_zero_that_keeps_copies(train):
    """On the real loss: what it leaves before the cut is what it leaves under sgd, about none."""
    engine = TorchEngine(train.take(0, N), CPU)
    left = {}
    for spec in ("sgd", "local_sgd", "schedule_free_sgd", "schedule_free_adamw"):
        given = {"constraint.pull": 1.0, "constraint.cut": 0.9, "constraint.keep": 9_000}
        recipe = make_recipe(spec, given, batch_size=16, passes=0.03, scenario="frontier",
                             constraint="l1")  # fmt: skip
        t = Training(recipe, 0, N, engine, CPU)
        while t.oracle.mask is None:
            sums = float(t.weights.w[:40_800].abs().sum())
            t.step()
        left[spec] = sums
    start = float(Training(recipe, 0, N, engine, CPU).weights.w[:40_800].abs().sum())
    assert all(value < 0.1 * start for value in left.values()), (start, left)


@pytest.mark.parametrize("name", BOUNDED)
@pytest.mark.parametrize("wrapper", [n for n, w in wrappers().items() if w.kind == "update"])
def test_an_update_around_a_method_that_holds_the_weights_in_a_set_is_refused(wrapper, name):
    with pytest.raises(UserError, match=f"holds the weights {WITHIN[find(name).within]}"):
        make_recipe(f"{wrapper}+{name}")


def inside(name, t, w) -> bool:
    """Whether `w` is in the method's set."""
    base = t.optimizer.base
    if name == "projected_gradient":
        return float(w.norm()) <= base.group["radius"] * (1 + 1e-5)
    if name == "iterative_hard_thresholding":
        return int(w.count_nonzero()) <= base.group["keep"] * len(w)
    if name == "frank_wolfe":
        balls = [torch.linalg.matrix_norm(x, 2) if x.dim() > 1 else x.norm() for x in base.views(w)]
        return max(map(float, balls)) <= base.group["radius"] * (1 + 1e-5)
    if name == "muon_hyperball":
        held = [(x, r) for x, r in zip(base.views(w), base.radii, strict=True) if r is not None]
        return all(math.isclose(float(x.norm()), float(r), rel_tol=1e-5) for x, r in held)
    raise NotImplementedError(f"how does one see that {name} is in its set?")


@pytest.mark.parametrize("name", BOUNDED)
@pytest.mark.parametrize("wrapper", [n for n, w in wrappers().items() if w.kind != "update"])
def test_averages_and_estimators_leave_the_evaluation_weights_in_the_methods_set(
    train, wrapper, name
):
    tight = {"projected_gradient": {"radius": 5.0}, "iterative_hard_thresholding": {"keep": 0.2},
             "frank_wolfe": {"radius": 2.0}, "muon_hyperball": {"lr": 0.05}}  # fmt: skip
    early = {"ema": {"ema.decay": 0.9}, "lawa": {"lawa.every": 1},
             "polyak_ruppert": {"polyak_ruppert.start": 0.0},
             "swa": {"swa.every": 1, "swa.start": 0.0}}  # fmt: skip
    given = tight[name] | early.get(wrapper, {})
    recipe = make_recipe(f"{wrapper}+{name}", given, batch_size=16, epochs=5)
    t = Training(recipe, 0, N, TorchEngine(train.take(0, N), CPU), CPU)
    for _ in range(20):
        t.step()
        assert inside(name, t, t.eval_weights())
