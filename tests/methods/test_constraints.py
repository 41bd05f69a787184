"""Constraints beside every method: the bound, saved, averaged and resumed; and what each does."""

import json
import math

import pytest
import torch

from lenetlab.errors import UserError
from lenetlab.experiments.recipe.recipe import make_recipe
from lenetlab.experiments.run import checkpoint
from lenetlab.experiments.run.training import Training
from lenetlab.methods.constraint import constraint, constraints, find_constraint
from lenetlab.methods.constraints.units import mask_of, surviving
from lenetlab.methods.registry import methods
from lenetlab.methods.sparsity import largest
from lenetlab.methods.wrappers import Estimator, wrappers
from lenetlab.oracle.second_order import per_example_gradients
from lenetlab.oracle.torch_engine import TorchEngine
from lenetlab.problem.model import CONSTRAINED, initial_weights, views

from .drive import CPU, everything, steps, users_engine

N = 64  # images, and the size of a batch: a step is a sweep
KEEP = 9_000


@pytest.fixture(scope="module")
def engine(train):
    return users_engine(train.take(0, N))


def training(engine, spec, name, settings=None, *, steps=20, **options):
    """A training of `steps` steps on `N` images under the constraint `name`."""
    given = {"constraint.keep": KEEP, **(settings or {})}
    recipe = make_recipe(
        spec, given, scenario="frontier", constraint=name, batch_size=N, epochs=steps, **options
    )
    return Training(recipe, 0, N, engine, CPU)


def nonzeros(w) -> int:
    return int(w[:CONSTRAINED].count_nonzero())


def pruned(t):
    assert t.oracle.mask is not None
    return t.oracle.mask == 0


@pytest.fixture
def watched(engine, monkeypatch):
    """The engine, and in `seen` the weights that it is asked about, one row or several."""
    seen = []

    def remembering(ask):
        def asked(w, *given, **named):
            seen.append(w.clone())
            return ask(w, *given, **named)

        return asked

    for name in {"gradient", "value", "values"} & {*dir(engine)}:
        monkeypatch.setattr(engine, name, remembering(getattr(engine, name)))
    return engine, seen


@pytest.mark.parametrize("name", methods())
def test_no_weight_of_any_method_comes_back_by_stale_state(watched, name):
    """Half way the mask is there; the method's momentum knows of the time before."""
    engine, seen = watched
    t = training(engine, name, "magnitude", {"constraint.begin": 0.2, "constraint.end": 0.4})
    steps(t, 8)
    mask = t.oracle.mask.clone()
    assert int(mask[:CONSTRAINED].sum()) == KEEP
    for _ in range(6):
        seen.clear()
        t.step()
        assert t.oracle.mask.equal(mask)
        assert nonzeros(t.weights.w) <= KEEP
        assert not t.weights.w[mask == 0].any()
        assert not t.eval_weights()[mask == 0].any()
        assert seen
        assert not any(w[..., mask == 0].any() for w in seen)
        assert not t.oracle.g[mask == 0].any()
    assert t.weights.w.isfinite().all()


@pytest.mark.parametrize("name", constraints())
@pytest.mark.parametrize("spec", ["heavy_ball", "ema+adamw", "ema+saga+sgd", "swa+svrg+sgd"])
def test_saved_and_restored_it_goes_on_with_the_same_bits(engine, tmp_path, name, spec):
    whole, ways = training(engine, spec, name), []
    for cut in (3, 9, 15):
        steps(whole, cut - whole.steps)
        checkpoint.write(tmp_path / f"{cut}", whole.state())
        ways.append((cut, everything(whole)))
    steps(whole, 20 - whole.steps)
    assert nonzeros(whole.eval_weights()) <= KEEP
    for cut, at_the_cut in ways:
        second = training(engine, spec, name)
        second.restore(checkpoint.read(tmp_path / f"{cut}"))
        assert everything(second) == at_the_cut
        steps(second, 20 - cut)
        assert everything(second) == everything(whole)


@pytest.mark.parametrize("name", constraints())
@pytest.mark.parametrize("spec", ["ema+nesterov", "swa+sgd", "polyak_ruppert+sgd", "lbfgs"])
def test_once_in_force_every_answer_satisfies_the_bound(engine, name, spec):
    options = {} if spec != "swa+sgd" else {"swa.every": 1}
    t = training(engine, spec, name, options)
    in_force = False
    for _ in range(20):
        t.step()
        count = nonzeros(t.eval_weights())
        # without a mask a pull to zero may have gone that far, and lets go again
        in_force = in_force or (t.oracle.mask is not None and count <= KEEP)
        assert not in_force or count <= KEEP
    assert in_force
    if name not in ("units", "l1"):
        assert count == KEEP


def test_lbfgs_goes_on_under_a_mask_that_changes_in_every_step(engine):
    """Its pairs are of another objective then; its scale stays, or each step would be the first."""
    t = training(engine, "lbfgs", "magnitude", {"constraint.begin": 0.0, "constraint.end": 0.9})
    masks = set()
    for _ in range(12):
        t.step()
        masks.add(int(t.oracle.mask.sum()))
    assert len(masks) > 8
    assert t.losses[-1] < t.losses[0] - 0.2


@pytest.mark.parametrize("name", constraints())
def test_answers_are_pure_and_looking_changes_nothing(engine, name):
    t, evaluated = (training(engine, "ema+adamw", name) for _ in range(2))
    for _ in range(20):
        t.step()
        evaluated.step()
        evaluated.eval_weights()
    assert everything(t) == everything(evaluated)


@pytest.mark.parametrize("handler", constraints())
def test_measured_before_it_is_in_force_an_answer_is_already_within_the_bound(engine, handler):
    t = training(engine, "ema+adamw", handler)
    for _ in range(20):
        t.step()
        before, answer = everything(t), t.eval_weights()
        measured = t.within_bound(answer)
        assert nonzeros(measured) <= KEEP
        assert measured[measured != 0].equal(answer[measured != 0])
        if nonzeros(answer) <= KEEP:
            assert measured is answer  # then nothing is done to it
        elif handler == "units":
            rows = views(measured)["fc1.weight"]
            assert {int(row.count_nonzero()) for row in rows} == {0, 256}
        else:
            curved = handler == "obd" and t.constraint.h.any()
            score = (t.constraint.h * answer.square() if curved else answer.abs())[:CONSTRAINED]
            kept = measured[:CONSTRAINED] != 0
            assert score[kept].min() >= score[~kept].max()
        assert everything(t) == before


@pytest.mark.parametrize("options", [{"per_layer": True}, {"biases": True}])
@pytest.mark.parametrize("name", [h for h in constraints() if h != "units"])
def test_options_hold_for_every_constraint(engine, name, options):
    given = {f"constraint.{key}": value for key, value in options.items()}
    t = training(engine, "adamw", name, given)
    steps(t, 20)
    p = views(t.oracle.mask)
    if "per_layer" in options:
        assert int(p["fc1.weight"].sum()) == round(KEEP * 30_720 / CONSTRAINED)
        assert int(p["fc2.weight"].sum()) == KEEP - round(KEEP * 30_720 / CONSTRAINED)
    else:
        names = ("fc1.weight", "fc2.weight", "fc1.bias", "fc2.bias")
        assert sum(int(p[name].sum()) for name in names) == KEEP


def test_the_reported_loss_is_cross_entropy_and_the_penalty_the_constraints(engine):
    """L1 and ADMM move the weights; the loss of the next step is the engine's at those weights."""
    for name in ("l1", "admm"):
        t = training(engine, "sgd", name)
        for _ in range(5):
            expected = float(engine.value(t.weights.w, t.oracle.full.indices))
            assert t.step() == pytest.approx(expected, rel=1e-5)


# what each does


class Still(TorchEngine):
    """A loss without slope: only the constraint moves the weights."""

    def gradient(self, w, batch, out, uniform=None):
        loss = super().gradient(w, batch, out)
        out.zero_()
        return loss


@pytest.fixture(scope="module")
def still(train):
    return Still(train.take(0, N), CPU)


def test_magnitude_removes_the_smallest_along_the_cubic(still):
    t = training(still, "sgd", "magnitude", {"constraint.begin": 0.1, "constraint.end": 0.5})
    start = t.weights.w.clone()
    for k in range(1, 21):
        t.step()
        q = min(max((k / 20 - 0.1) / 0.4, 0.0), 1.0)
        expected = KEEP + (CONSTRAINED - KEEP) * (1 - q) ** 3
        assert abs(nonzeros(t.weights.w) - expected) <= 0.5 + 1e-6
        kept = largest(start[:CONSTRAINED].abs(), nonzeros(t.weights.w))
        assert (t.weights.w[:CONSTRAINED] != 0).equal(kept == 1)


def test_l1_shrinks_by_kappa_over_the_budget_and_then_cuts(still):
    t = training(still, "sgd", "l1", {"constraint.pull": 0.05, "constraint.cut": 0.6})
    start = t.weights.w.clone()
    steps(t, 8)
    w = t.weights.w
    expected = start[:CONSTRAINED].sign() * (start[:CONSTRAINED].abs() - 0.05 * 0.4).clamp_min(0)
    torch.testing.assert_close(w[:CONSTRAINED], expected, rtol=0, atol=1e-7)
    assert w[CONSTRAINED:].equal(start[CONSTRAINED:])
    assert t.oracle.mask is None
    steps(t, 12)
    assert nonzeros(t.weights.w) <= KEEP
    kept = largest(start[:CONSTRAINED].abs(), KEEP) == 1
    assert not t.weights.w[:CONSTRAINED][~kept].any()


def test_admm_against_the_same_iteration_written_out(still):
    t = training(
        still, "sgd", "admm",
        {"constraint.pull": 4.0, "constraint.every": 0.1, "constraint.cut": 0.7},
    )  # fmt: skip
    w = t.weights.w[:CONSTRAINED].double()

    def hard(x):
        return x * largest(x.abs(), KEEP)

    z, u = hard(w), torch.zeros_like(w)
    for k in range(1, 14):
        t.step()
        rho = math.exp(4.0 / 20) - 1  # ηρ: the minimiser of ½‖x − w‖² + ηρ/2 ‖x − z + u‖²
        w = (w + rho * (z - u)) / (1 + rho)
        if k % 2 == 0:
            z = hard(w + u)
            u = u + w - z
        torch.testing.assert_close(t.weights.w[:CONSTRAINED].double(), w, rtol=1e-4, atol=1e-6)
    steps(t, 7)
    assert nonzeros(t.weights.w) == KEEP


def test_admm_that_does_not_pull_is_one_shot_magnitude_pruning(engine):
    """Bit for bit, though its dual has grown all the while."""
    admm = training(engine, "heavy_ball", "admm", {"constraint.pull": 0.0, "constraint.cut": 0.6})
    cut = {"constraint.begin": 0.58, "constraint.end": 0.6}
    magnitude = training(engine, "heavy_ball", "magnitude", cut)
    for t in (admm, magnitude):
        steps(t, 20)
    assert admm.constraint.u.norm() > admm.weights.w.norm()
    assert admm.oracle.mask.equal(magnitude.oracle.mask)
    assert admm.weights.w.equal(magnitude.weights.w)


def test_iht_without_periods_is_the_textbooks_iteration(train):
    """w ← H_k(w − η g) in every step, with a dense gradient at a sparse point."""
    engine = TorchEngine(train.take(0, N), CPU)
    t = training(engine, "sgd", "iht", {"lr": 0.1, "constraint.period": 0})
    w, g = t.weights.w.clone(), torch.empty_like(t.weights.w)
    for _ in range(10):
        t.step()
        engine.gradient(w, t.oracle.full.indices, g)
        w = w - 0.1 * g
        w[:CONSTRAINED] *= largest(w[:CONSTRAINED].abs(), KEEP)
        torch.testing.assert_close(t.weights.w, w, rtol=1e-5, atol=1e-6)
        assert (t.weights.w != 0).equal(w != 0)
        assert t.oracle.mask is None


def test_iht_trains_all_then_the_support_and_settles(engine):
    t = training(
        engine, "sgd", "iht",
        {"constraint.period": 0.2, "constraint.dense": 0.5, "constraint.settle": 0.4},
    )  # fmt: skip
    seen = []
    for _ in range(20):
        t.step()
        seen.append(t.oracle.mask is not None)
        assert nonzeros(t.eval_weights()) == KEEP
    assert seen[:4] == [False, True, True, False]
    assert all(seen[11:])
    last = t.oracle.mask
    steps(t, 1)
    assert t.oracle.mask is last


def test_rigl_drops_the_smallest_and_grows_where_the_gradient_is_largest(train):
    engine = TorchEngine(train.take(0, N), CPU)
    t = training(engine, "sgd", "rigl", {"constraint.every": 0.05, "constraint.end": 0.75})
    assert nonzeros(t.eval_weights()) == KEEP
    before = t.oracle.mask.clone()
    ledger_counts = t.oracle.ledger.gradients
    # one step of sgd by hand, then the update
    w = t.weights.w * before
    g = torch.empty_like(w)
    engine.gradient(w, torch.arange(N), g)
    w = w - t.optimizer.param_groups[0]["lr"] * g * before
    t.step()
    assert t.oracle.ledger.gradients - ledger_counts == 2 * N  # the update is on the bill
    engine.gradient(w, torch.arange(N), g)
    moved = round(0.3 / 2 * (1 + math.cos(math.pi * 0.05 / 0.75)) * KEEP)
    active = before[:CONSTRAINED] == 1
    size, slope = w[:CONSTRAINED].abs(), g[:CONSTRAINED].abs()
    stay = largest(size.masked_fill(~active, -1), KEEP - moved)
    grown = largest(slope.masked_fill(stay == 1, -1), moved)
    assert (active & (grown == 1)).any()  # dropped a moment ago: Algorithm 1 lets it come back
    now = t.oracle.mask[:CONSTRAINED]
    assert float(((stay + grown) != now).float().mean()) < 1e-3  # rounding at the threshold
    assert not t.weights.w[:CONSTRAINED][(now == 1) & ~active].any()  # grown at zero
    steps(t, 15)
    last = t.oracle.mask
    steps(t, 3)
    assert t.oracle.mask is last  # after `end` nothing moves


def test_obd_cuts_where_the_loss_bends_least_times_the_squared_weight(train):
    """Against every example's own gradient, of the same drawn labels, in float64."""
    engine = TorchEngine(train.take(0, N), CPU)
    given = {"constraint.begin": 0.2, "constraint.end": 0.4, "constraint.examples": 64}
    t = training(engine, "sgd", "obd", given)
    oracle, asked = t.oracle, []
    layers = oracle.layers
    oracle.layers = lambda batch, sampled: (
        asked.append((batch.indices, oracle.rng.get_state(), oracle.w.clone()))
        or layers(batch, sampled=sampled)
    )
    gone = torch.zeros(CONSTRAINED, dtype=torch.bool)
    for _ in range(9):
        t.step()
        if asked and t.steps < 8:  # what is measured is what the last estimate would leave
            last = (t.constraint.h * t.weights.w.square())[:CONSTRAINED]
            left = t.within_bound(t.eval_weights())[:CONSTRAINED] != 0
            assert left.equal(largest(last, KEEP) == 1)
        if oracle.mask is not None:
            assert not (oracle.mask[:CONSTRAINED][gone] == 1).any()
            gone = oracle.mask[:CONSTRAINED] == 0
    assert oracle.ledger.layers == 64 * len(asked)
    assert len(asked) > 3
    indices, rng, w = asked[-1]
    uniform = torch.rand(len(indices), generator=torch.Generator().set_state(rng))
    rows = per_example_gradients(engine, w.double(), indices, uniform)
    saliency = (rows.square().mean(0) * w.double().square() / 2)[:CONSTRAINED]
    cut, by_size = oracle.mask[:CONSTRAINED], largest(w[:CONSTRAINED].abs(), KEEP)
    assert float((largest(saliency, KEEP) != cut).float().mean()) < 1e-3  # at the threshold
    assert float((by_size != cut).float().mean()) > 0.01  # it is not magnitude


@pytest.mark.parametrize("early", [0.0, 0.2])
def test_rewinding_goes_back_to_the_early_weights_and_the_methods_early_state(engine, early):
    t = training(
        engine, "adamw", "rewind",
        {"constraint.early": early, "constraint.rounds": 1}, schedule="cosine",
    )  # fmt: skip
    plain = training(engine, "adamw", "rewind", {"constraint.early": early}, schedule="cosine")
    steps(plain, round(10 * early))
    kept = plain.weights.w.clone()
    trained = training(engine, "adamw", "rewind", {"constraint.early": early}, schedule="cosine")
    steps(trained, 9)
    assert trained.oracle.mask is None
    rates = []
    for _ in range(10):
        t.step()
        rates.append(t.rate)
    mask = t.oracle.mask
    assert int(mask[:CONSTRAINED].sum()) == KEEP
    assert t.weights.w.equal(kept * mask)
    state = t.optimizer.base.state[t.optimizer.param_groups[0]["params"][0]]
    assert int(state["step"]) == round(10 * early) if early else not state
    t.step()
    # the schedule begins anew where it was when the weights were kept
    assert t.rate == pytest.approx(rates[round(10 * early)], rel=0.02)
    assert not t.weights.w[pruned(t)].any()
    assert t.steps == 11  # and everything was paid for
    assert t.oracle.ledger.gradients == 11 * N


def test_rewinding_in_rounds_prunes_by_equal_factors(engine):
    t = training(engine, "sgd", "rewind", {"constraint.rounds": 3, "constraint.early": 0.1})
    counts = []
    for _ in range(20):
        t.step()
        counts.append(nonzeros(t.weights.w))
    expected = [round(CONSTRAINED * (KEEP / CONSTRAINED) ** (r / 3)) for r in range(4)]
    assert [counts[3], counts[5], counts[12], counts[18]] == expected


def test_units_go_whole_and_the_weakest_per_freed_weight_first():
    w = initial_weights(torch.Generator().manual_seed(0))
    p = views(w)
    p["fc1.weight"][7] *= 1e-3
    p["fc2.weight"][3] *= 1e-3
    first, second = surviving(w, CONSTRAINED - 500)
    assert not first[7]
    assert not second[3]
    for keep in (24_480, 4_080, 408, 257):
        first, second = surviving(w, keep)
        a, b = int(first.sum()), int(second.sum())
        assert a >= 1
        assert b >= 1
        assert 256 * a + a * b <= keep
        mask = mask_of(first, second, w)
        assert int(mask[:CONSTRAINED].sum()) == 256 * a + a * b
        q = views(mask)
        assert (q["fc1.bias"] == first).all()
        assert (q["fc3.weight"] == second).all()


# around it


def test_estimators_use_nothing_of_the_old_objective_when_the_mask_changes(engine):
    """SVRG's snapshot belongs to it, and none is due; SAGA's table is cut to the new one."""
    t = training(engine, "svrg+sgd", "magnitude", {"svrg.every": 100.0, "constraint.end": 0.3})
    bills = []
    for _ in range(9):
        before = t.oracle.ledger.gradients
        t.step()
        bills.append((t.oracle.ledger.gradients - before) // N)
    assert bills[0] == 3  # the snapshot, and two gradients
    assert bills[-1] == 1
    assert set(bills[1:]) <= {1, 2}
    t = training(engine, "saga+sgd", "magnitude", {"constraint.end": 0.3})
    steps(t, 10)
    assert not t.optimizer.estimator.phi[:, pruned(t)].any()
    assert not t.optimizer.estimator.mean[pruned(t)].any()


def test_lookahead_forgets_the_weights_that_are_pruned(engine):
    t = training(engine, "lookahead+sgd", "magnitude", {"constraint.end": 0.3, "lookahead.k": 50})
    steps(t, 10)  # the slow weights have not been moved by a step yet
    assert not t.optimizer.update.phi[pruned(t)].any()
    assert t.optimizer.update.phi.any()


@pytest.mark.parametrize("name", [n for n, w in wrappers().items() if w.kind == "estimator"])
def test_every_estimator_survives_a_mask_that_changes(engine, name):
    t = training(engine, f"{name}+sgd", "magnitude", {"lr": 0.05})
    losses = steps(t, 20)
    assert losses[-1] < losses[0]
    assert nonzeros(t.eval_weights()) == KEEP


def test_an_estimator_begins_anew_unless_it_knows_better():
    begun = []

    class Remembering(Estimator):
        def start(self, w):
            begun.append(w)

    w = torch.zeros(3)
    Remembering().masked(w, torch.ones(3))
    assert begun == [w]


def test_a_recipe_names_its_constraint_and_one_without_keeps_its_form():
    assert "constraint" not in make_recipe("sgd").canonical()
    recipe = make_recipe("ema+sgd", scenario="sparse", constraint="iht:dense=0.3")
    assert recipe.canonical()["constraint"] == ["iht", {"dense": 0.3}]
    assert recipe.max_nonzeros == 24_480
    assert recipe.label() == "ema+sgd under iht:dense=0.3"
    same = make_recipe(
        "ema+sgd", {"constraint.dense": 0.3, "constraint.keep": 0.6},
        scenario="sparse", constraint="iht",
    )  # fmt: skip
    assert same.canonical() == recipe.canonical()


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"constraint": "magnitud"}, "did you mean 'magnitude'"),
        ({"constraint": "none"}, "needs a --constraint"),
        ({"constraint": "magnitude:keep=12240"}, "choose --scenario frontier"),
        ({"constraint": "magnitude:keep=0.3"}, "choose --scenario frontier"),
        ({"constraint": "magnitude:keep=30000"}, "more than scenario 'sparse' allows"),
        ({"constraint": "magnitude:keep=0.9"}, "more than scenario 'sparse' allows"),
        ({"constraint": "magnitude:keep=0"}, "keep=0 is out of range"),
        ({"constraint": "magnitude:keep=1.0"}, r"keep=1\.0 is out of range"),  # all, not one
        ({"constraint": "magnitude:keep=1e-5"}, "keep=1e-05 of 40,800 weights is none"),
        ({"constraint": "magnitude:keep=50000"}, "keep=50000 is out of range"),
        ({"constraint": "magnitude:begin=0.5,end=0.4"}, "expected begin < end"),
        ({"constraint": "magnitude:end=1"}, "end=1 is out of range"),
        ({"constraint": "units:per_layer=true"}, "unknown setting of constraint units"),
        ({"constraint": "rigl:alpa=1"}, "did you mean 'alpha'"),
        ({"scenario": "plain", "constraint": "iht"}, "allows no constraint"),
        ({"scenario": "frontier", "constraint": "units:keep=100"}, "at least 257"),
        ({"scenario": "sparse+l2", "constraint": "iht"}, "needs weight_decay > 0"),
        ({"scenario": "plain", "settings": {"constraint.keep": 3}}, "there is no constraint"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_reason(options, reason):
    options = {"scenario": "sparse", **options}
    with pytest.raises(UserError, match=reason):
        make_recipe("sgd", options.pop("settings", None), **options)


@pytest.mark.parametrize("name", constraints())
def test_every_constraint_has_a_page_and_a_search_space_inside_its_domains(name, capsys):
    from lenetlab.cli.methods import methods as command

    entry = find_constraint(name)
    assert 10 < len(entry.summary) <= 100
    assert "Source:" in entry.page
    assert "Cost:" in entry.page
    for key, span in entry.space.items():
        assert span.low <= entry.defaults[key] <= span.high
        for edge in (span.low, span.high):
            entry.settings({key: edge})
    command(name, True)
    assert json.loads(capsys.readouterr().out)["kind"] == "constraint"
    command(name, False)
    assert f"--constraint {name}" in capsys.readouterr().out


def test_a_constraint_is_registered_once():
    constraints()
    with pytest.raises(ValueError, match="'iht' is registered twice"):
        constraint("iht", reference="", defaults={}, space={}, cost="")(object)
