"""What every registered method must do; a method that is added is tested by being there."""

from functools import cache

import pytest
from torch import Tensor

from lenetlab.experiments.run import checkpoint
from lenetlab.experiments.run.training import Training
from lenetlab.methods.lookup import find
from lenetlab.methods.registry import methods
from lenetlab.oracle.torch_engine import TorchEngine
from lenetlab.problem.evaluation import evaluate

from .drive import CPU, N, everything, steps, training, users_engine

pytestmark = pytest.mark.parametrize("name", methods())


@pytest.fixture(scope="module")
def split(train):
    return train.take(0, N)


@pytest.fixture
def engine(split):
    return users_engine(split)


# ivon's loss is that at weights with noise of deviation 0.013, the only one that it pays for.
AT_SAMPLES = {"ivon": 0.05}


def enough(name: str) -> int:
    """Steps after which a method has done all it does: eight sweeps, or ten full batches; three
    sweeps by a method that asks for much in every step."""
    sweeps = 8 if find(name).asks == "once" else 3
    return {1: 300, 60_000: 10}.get(find(name).batch_size, sweeps * -(-N // 64))


@pytest.fixture(scope="module")
def trained(split):
    """A method's training after `enough` steps, at its own rate all along, and where it began."""

    @cache
    def after(name: str) -> tuple[Training, Tensor]:
        t = training(users_engine(split), name, epochs=epochs(name))
        begin = t.weights.w.clone()
        steps(t, enough(name))
        return t, begin

    return after


def epochs(name: str) -> float:
    """What `enough` steps come to."""
    return enough(name) * min(find(name).batch_size or 64, N) / N


def test_it_lowers_the_loss(engine, split, trained, name):
    t, begin = trained(name)
    before, after = (evaluate(engine.logits(w), split.labels) for w in (begin, t.eval_weights()))
    assert after.loss < before.loss
    assert t.weights.w.isfinite().all()


def test_a_warm_up_does_not_hold_it_back(engine, trained, name):
    """The rate of its first step is zero, and what it remembers of that must not stay."""
    if "lr" not in find(name).defaults or name == "rprop":
        pytest.skip("it has no rate, or takes it for its first step alone")
    t, begin = trained(name)
    warm = training(engine, name, epochs=epochs(name), schedule="constant", warmup=0.2)
    steps(warm, enough(name))
    went = [float((one.eval_weights() - begin).norm()) for one in (t, warm)]
    assert went[1] > 0.1 * went[0]


def test_a_schedule_sets_the_rate_of_the_present_step(engine, name):
    """At the rate zero the weights stay, and at once."""
    if "lr" not in find(name).defaults or not find(name).scaled_by_rate:
        pytest.skip("its rate is not what a step is multiplied by")
    t = training(engine, name)
    steps(t, 3)
    for group in t.optimizer.param_groups:
        group["lr"] = 0.0
    before = t.weights.w.clone()
    t.step()
    assert (t.weights.w - before).norm() < 1e-5 * before.norm()


def test_the_same_seed_gives_the_same_bits_and_another_does_not(engine, name):
    one, same, other = (training(engine, name, seed=seed) for seed in (0, 0, 1))
    steps(one, 1)
    steps(other, 1)
    assert not one.weights.w.equal(other.weights.w)
    steps(one, 5)
    steps(same, 6)
    assert everything(one) == everything(same)


def test_every_step_is_billed_and_returns_the_loss_before_it(engine, split, name):
    t = training(engine, name)
    ledger_counts = 0.0
    for _ in range(4):
        loss = t.step()
        assert t.oracle.ledger.passes > ledger_counts
        ledger_counts = t.oracle.ledger.passes
        assert t.losses[-1] == pytest.approx(loss)
    first = training(engine, name)
    batch = training(engine, name).oracle.batch
    expected = evaluate(engine.logits(first.weights.w, batch.indices), split.labels[batch.indices])
    assert first.step() == pytest.approx(expected.loss, rel=AT_SAMPLES.get(name, 1e-5))


def test_saved_and_restored_it_goes_on_with_the_same_bits(engine, tmp_path, name):
    """Saved on its way, after one step and after seven; to be saved changes nothing."""
    whole, ways = training(engine, name), []
    for cut in (1, 7):
        steps(whole, cut - whole.steps)
        checkpoint.write(tmp_path / f"{cut}", whole.state())
        at_the_cut = everything(whole)
        steps(whole, 5)
        ways.append((tmp_path / f"{cut}", at_the_cut, everything(whole)))
    for path, at_the_cut, five_later in ways:
        second = training(engine, name)
        second.restore(checkpoint.read(path))
        assert everything(second) == at_the_cut
        steps(second, 5)
        assert everything(second) == five_later


def test_its_answer_is_pure(engine, name):
    t = training(engine, name)
    t.eval_weights()
    steps(t, 3)
    before = everything(t)
    assert t.eval_weights().equal(t.eval_weights())
    assert everything(t) == before


class Flat(TorchEngine):
    """A loss without slope: whatever still moves the weights is not in its answers."""

    def gradient(self, w, batch, out, uniform=None):
        out.zero_()
        return w.new_tensor(2.0)

    def value(self, w, batch):
        return w.new_tensor(2.0)


def test_its_defaults_hide_no_weight_decay(split, name):
    """No step at all; a method that asks for values alone may search, but not towards zero."""
    t = training(Flat(split, CPU), name, find(name).neutral)  # a bound is no decay
    start = t.weights.w.clone()
    steps(t, 5)
    if t.oracle.ledger.gradients:
        assert t.weights.w.equal(start)
        assert t.eval_weights().equal(start)
    else:
        moved = t.eval_weights() - start
        # the cosine of a random direction with any other is N(0, 1/n); of a decay it is -1
        assert moved.dot(start) >= -5 * moved.norm() * start.norm() / len(start) ** 0.5


def test_in_scenario_l2_weights_decay_whoever_applies_it(split, name):
    """Or, for a method that asks for values alone, the term is in the values that it is given: at
    random in 44,426 dimensions it cannot walk towards zero in few steps."""
    t = training(Flat(split, CPU), name, {"weight_decay": 0.3}, scenario="l2")
    start = t.weights.w.norm()
    first, *_ = steps(t, 5)
    if t.oracle.ledger.gradients:
        assert t.eval_weights().norm() < start
    else:
        assert first == pytest.approx(2.0 + 0.3 / 2 * float(start) ** 2, rel=1e-3)
