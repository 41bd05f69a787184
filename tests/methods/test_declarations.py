"""What a guest's class says of itself is understood, searched and run so, or one sentence says what
is wrong with it."""

import json
import subprocess
import sys

import pytest
import torch

from lenetlab.cli import main
from lenetlab.component import log_uniform, uniform
from lenetlab.errors import UserError
from lenetlab.experiments.recipe.recipe import OPTIONS, make_recipe
from lenetlab.experiments.run.identity import numerics_of
from lenetlab.experiments.run.training import StepError
from lenetlab.experiments.tuning.search_space import (
    AVERAGED,
    DECOUPLED,
    FALLING,
    at,
    growth,
    space_of,
)
from lenetlab.experiments.tuning.trials import Tuning, trials
from lenetlab.methods.guests.understand import RECIPES
from lenetlab.methods.lookup import find, norms_of
from lenetlab.methods.registry import methods
from lenetlab.oracle.torch_engine import TorchEngine

from .drive import CPU, N, everything, steps, training

CLASS = """
import torch
from lenetlab.methods import Base, log_uniform, method, uniform

class Own(torch.optim.AdamW):
    {said}
    def __init__(self, params, lr=0.002, beta=0.9, rounds=2, mode="a", weight_decay=0.1, **other):
        super().__init__(params, lr, (beta, 0.999), weight_decay=weight_decay)
"""


@pytest.fixture
def engine(train):
    return TorchEngine(train.take(0, N), CPU)


@pytest.fixture
def own(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))

    def own(said: str, text: str = CLASS) -> str:
        path = tmp_path / "own.py"
        path.write_text(text.replace("{said}", said))
        return f"{path}:Own"

    return own


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ('decay = "l2"', r"decay = 'l2'; expected one of 'none', 'coupled', 'decoupled'$"),
        ("decay = True", r"decay = True; expected one of"),
        ('form = "flat vector"', r"expected one of 'flat', 'named', 'layers'$"),
        ("norms = 'small'", r"norms = 'small'; expected one of 'free', 'decay', 'ball', 'sphere'$"),
        ("batch_size = 64.0", r"batch_size = 64.0; expected a whole number from 1, such as 64$"),
        ("batch_size = True", r"batch_size = True; expected a whole number"),
        ("batch_scaling = 0.5", r"batch_scaling = 0.5; expected one of 'none', 'sqrt', 'linear'$"),
        ("asks = 2", r"asks = 2; expected one of 'once', 'more'$"),
        ('gradient_first = "yes"', r"gradient_first = 'yes'; expected True or False$"),
        ("deterministic = 0", r"deterministic = 0; expected True or False$"),
        ('copies = "z"', r"copies = 'z'; expected names in a tuple"),
        ("eval_weights = 3", r"eval_weights is 3; expected a method eval_weights\(self, w\)"),
        ("def eval_weights(self): return 1", r"expected a method eval_weights\(self, w\)"),
        ('defaults = ["lr"]', r"expected hyperparameters by name"),
        ('defaults = {"lr": [1, 2]}', r"expected hyperparameters by name"),
        ('space = {"lr": 0.1}', r"space = .* expected ranges by name, as in"),
        ('space = {"lr": (0.1, 0.01)}', r"expected ranges by name, .* lower value first$"),
        ('space = {"lr": (0.0, 0.1, "log")}', r"expected ranges by name"),
        ('space = {"lr": (0.1, 0.2, "exp")}', r"expected ranges by name"),
        ('space = {"rate": (0.1, 0.2)}', r"unknown name in space of .*'rate'"),
        ('space = {"mode": (0.1, 0.2)}', r"range for mode, whose default 'a' is no number"),
        ('decay = "none"; space = {"weight_decay": (0.1, 0.2)}', r"unknown name in space"),
    ],
)  # fmt: skip
def test_a_wrong_one_is_one_sentence(own, said, message):
    with pytest.raises(UserError, match=message) as error:
        find(own(said))
    assert "\n" not in str(error.value)


def test_a_default_of_no_argument_is_refused_and_the_nearest_is_named(own):
    text = CLASS.replace(", **other", "")
    with pytest.raises(UserError, match=r"unknown name in defaults of .*'betta'; did you mean 'be"):
        find(own('defaults = {"betta": 0.5}', text))
    text = text.replace(", weight_decay=0.1", "").replace(", weight_decay=weight_decay", "")
    with pytest.raises(UserError, match=r"decay = 'coupled', and it has no weight_decay"):
        find(own('decay = "coupled"', text))


def test_methods_of_such_names_say_nothing(own):
    said = "def decay(self): pass\n    def asks(self): pass\n    form = property(lambda self: 1)"
    entry = find(own(said))
    assert (entry.decay, entry.asks, entry.form) == ("decoupled", "once", "named")


def test_defaults_go_over_the_constructors_and_fill_what_it_leaves_open(own, engine):
    text = CLASS.replace("lr=0.002", "rho, lr=0.002").replace("    def", "    {more}\n    def", 1)
    with pytest.raises(UserError, match="needs 'rho'"):
        find(own("", text.replace("{more}", "")))
    spec = own('defaults = {"rho": 0.3, "lr": 0.01, "weight_decay": 0.2}',
               text.replace("{more}", ""))  # fmt: skip
    entry = find(spec)
    assert entry.defaults["rho"] == 0.3
    assert entry.defaults["weight_decay"] == 0
    t = training(engine, spec)
    t.step()
    assert t.optimizer.param_groups[0]["lr"] == 0.01


# the search


WARM = CLASS.replace('mode="a"', "warmup=5").replace("**other", "**o")


def test_a_setting_of_the_name_of_a_recipes_part_is_held_or_refused(own, tmp_path):
    """`--set warmup=0.3` is of the schedule, and the class would never see it."""
    assert set(OPTIONS) == RECIPES
    method = find(own("", WARM))
    assert "warmup" not in method.defaults
    assert method.origin["warmup, held"] == ("5", "a recipe calls a part of its own so")
    for said in ('space = {"warmup": (1, 9)}', 'defaults = {"warmup": 3}'):
        with pytest.raises(UserError, match="warmup is what a recipe calls a part of its own"):
            find(own(said, WARM))


def test_a_file_has_one_name_however_it_is_spelled(own, tmp_path, monkeypatch):
    spec = own("")
    monkeypatch.chdir(tmp_path)
    names = {find(name).name for name in (spec, "own.py:Own", "./own.py:Own", "own.py")}
    assert names == {"own.py:Own"}


def test_a_declared_space_is_what_is_searched_as_a_residents_is(own):
    """The same ranges, batch sizes, warm-up, schedules and decay as of `adamw`."""
    said = 'space = {"lr": log_uniform(0.0003, 0.02), "beta": (0.8, 0.95)}'
    entry = find(own(said))
    assert entry.space == {"lr": log_uniform(0.0003, 0.02), "beta": uniform(0.8, 0.95)}
    for scenario in ("plain", "l2", "sparse"):
        ours, theirs = space_of("adamw", scenario), space_of(own(said), scenario)
        own_names = {"lr", "beta", *find("adamw").space}
        assert {k: v for k, v in theirs.items() if k not in own_names} == {
            k: v for k, v in ours.items() if k not in own_names
        }
        assert theirs["beta"] == uniform(0.8, 0.95)


WHOLE = 'space = {"rounds": (1, 5), "beta": (0.8, 0.95), "lr": (0.001, 0.1, "log")}'


@pytest.mark.parametrize("sampler", ["sobol", "tpe"])
def test_a_range_of_whole_numbers_for_a_whole_default_is_of_whole_numbers(own, sampler):
    """The method gets what `range(k)` takes, each number as often as the others."""
    tune = Tuning(trials=32, sampler=sampler)
    drawn = [recipe.method.settings for recipe in trials("s", own(WHOLE), "plain", tune)[1:]]
    rounds = [settings["rounds"] for settings in drawn]
    assert {type(k) for k in rounds} == {int}
    assert set(rounds) <= set(range(1, 6))
    assert all(settings["beta"] != int(settings["beta"]) for settings in drawn)
    if sampler == "sobol":  # all at once, and evenly
        assert {rounds.count(k) for k in range(1, 6)} <= {5, 6, 7, 8}


@pytest.mark.parametrize(
    ("said", "whole"),
    [
        ('space = {"rounds": (1, 5)}', True),
        ('space = {"rounds": (1, 64, "log")}', True),
        ('space = {"rounds": (1.0, 5)}', False),
        ('space = {"beta": (0, 1)}', False),  # its default is a fraction
        ('defaults = {"lr": 1}; space = {"lr": (1, 5)}', False),  # a rate is no count
    ],
)
def test_whole_numbers_are_meant_where_all_that_is_said_is_whole(own, said, whole):
    ((name, span),) = find(own(said)).space.items()
    assert span.whole == whole
    assert str(span).count("whole") == whole
    low, middle, high = (at({name: span}, [u])[name] for u in (0.0, 0.4, 0.999_999))
    assert (low, high) == (span.low, pytest.approx(span.high, rel=1e-3))
    assert (middle == int(middle)) == whole


def test_a_rate_that_grows_with_the_batch_size_is_searched_so(own):
    """As for a resident that says it: at four times the batch size twice the rate."""
    assert growth(find(own("")), 256) == 1
    assert growth(find(own('batch_scaling = "sqrt"')), 256) == growth(find("muon"), 256) == 2


@pytest.mark.parametrize("like", ["nesterov", "lbfgs"])
def test_a_batch_size_of_its_own_is_run_and_searched_as_a_residents_is(own, like):
    """Around it, and all images stay all images, without a warm-up."""
    ours = find(like).batch_size
    theirs = own(f"batch_size = {ours}")
    assert make_recipe(theirs).batch_size == make_recipe(like).batch_size == ours
    for name in ("batch_size", "warmup"):
        assert space_of(theirs, "plain").get(name) == space_of(like, "plain").get(name)
    assert growth(find(own('batch_size = 256; batch_scaling = "linear"')), 512) == 2


def test_a_class_that_bounds_norms_is_not_among_those_that_leave_them_free(own):
    assert norms_of(own("")) == "free"
    assert norms_of(own('norms = "sphere"')) == norms_of("muon_hyperball") == "sphere"
    bounded = own('norms = "ball"')
    assert norms_of(f"ema+{bounded}") == norms_of("frank_wolfe") == "ball"


@pytest.mark.parametrize(
    ("spec", "decay", "why"),
    [
        ("torch.optim:AdamW", "decoupled", "it extends AdamW"),
        ("torch.optim:Adam", "coupled", "assumed"),
        ("pytorch_optimizer:Lion", "decoupled", "weight_decouple=True of its constructor"),
        ("schedulefree:SGDScheduleFree", "coupled", "assumed"),
        ("pytorch_optimizer:AliG", "none", "no weight_decay in its constructor"),
    ],
)
def test_how_it_decays_is_read_off_and_searched_accordingly(spec, decay, why):
    entry = find(spec)
    assert entry.decay == decay
    assert entry.origin["decay"][1].startswith(why)
    searched = space_of(spec, "l2")["weight_decay"]
    resident = {"decoupled": "adamw", "coupled": "heavy_ball", "none": "lbfgs"}[decay]
    assert searched == space_of(resident, "l2")["weight_decay"]


def test_a_class_that_says_decoupled_is_searched_where_decoupled_ones_are(own):
    text = CLASS.replace("AdamW", "SGD").replace("(beta, 0.999)", "beta")
    assert space_of(own("", text), "l2")["weight_decay"] != DECOUPLED
    assert space_of(own('decay = "decoupled"', text), "l2")["weight_decay"] == DECOUPLED


def test_a_class_that_says_none_has_its_decay_from_the_oracle(own, engine):
    """λ/2‖w‖² in the objective, and the constructor's own 0.1 held at zero."""
    text = CLASS.replace("AdamW", "SGD").replace("(beta, 0.999)", "0.0")
    l2 = {"scenario": "l2", "settings": {"lr": 0.1, "weight_decay": 0.5}}
    theirs = training(engine, own('decay = "none"', text), **l2)
    ours = training(engine, "sgd", **l2)
    assert theirs.optimizer.param_groups[0]["weight_decay"] == 0
    steps(theirs, 4), steps(ours, 4)
    assert torch.allclose(theirs.weights.w, ours.weights.w, atol=1e-6)
    plain = training(engine, own('decay = "none"', text), {"lr": 0.1})
    assert plain.step() == training(engine, "sgd", {"lr": 0.1}).step()


def test_a_decay_by_another_name_is_held_at_zero(engine):
    """MARS decays biases by 0.1 of its own; scenario plain allows none."""
    entry = find("pytorch_optimizer:MARS")
    assert "weight_decay_1d" not in entry.defaults
    assert "weight_decay_1d, held" in entry.origin
    t = training(engine, "pytorch_optimizer:MARS")
    assert [group["weight_decay_1d"] for group in t.optimizer.param_groups] == [0.0]


def test_one_that_judges_an_average_is_searched_with_a_constant_rate(own):
    assert space_of("schedulefree:AdamWScheduleFree", "plain")["schedule"] == AVERAGED
    assert space_of(own("def eval_weights(self, w): return w"), "plain")["schedule"] == AVERAGED
    assert space_of("torch.optim:AdamW", "plain")["schedule"] == FALLING


# what it is given


@pytest.mark.parametrize(
    ("form", "shapes"),
    [
        ("flat", {(44426,)}),
        ("layers", {(120, 256), (16, 150), (6, 25), (6,)}),
        ("named", {(16, 6, 5, 5), (6, 1, 5, 5)}),
    ],
)
def test_it_is_given_parameters_of_the_form_that_it_declares(own, engine, form, shapes):
    t = training(engine, own(f'form = "{form}"'), {"lr": 0.01})
    got = {tuple(p.shape) for group in t.optimizer.param_groups for p in group["params"]}
    assert shapes <= got
    other = training(engine, "torch.optim:AdamW", {"lr": 0.01})
    assert steps(t, 3) == pytest.approx(steps(other, 3), abs=1e-5)


def test_one_that_asks_more_is_not_wrapped_in_what_asks_once(own):
    make_recipe("clip_norm+" + own(""))
    with pytest.raises(UserError, match="asks the oracle more than one question a step"):
        make_recipe("clip_norm+" + own('asks = "more"'))


JUDGED = """
import torch
class Own(torch.optim.SGD):
    def __init__(self, params, lr=0.2):
        super().__init__(params, lr)
        self.mean, self.t = None, 0
    def step(self, closure):
        loss = super().step(closure)
        with torch.no_grad():
            w = torch.cat([p.flatten() for p in self.param_groups[0]["params"]])
            self.t += 1
            self.mean = w if self.mean is None else self.mean + (w - self.mean) / self.t
        return loss
    def eval_weights(self, w):
        {judged}
"""


def test_its_own_eval_weights_are_judged(own, engine):
    t = training(engine, own("", JUDGED.replace("{judged}", "return w * 0 + self.mean")))
    iterates = []
    for _ in range(5):
        t.step()
        iterates.append(t.weights.w.clone())
    assert torch.allclose(t.eval_weights(), torch.stack(iterates).mean(0), atol=1e-6)
    assert t.weights.w.equal(iterates[-1])
    spoiled = training(engine, own("", JUDGED.replace("{judged}", "return w.zero_()")))
    spoiled.step()
    spoiled.eval_weights()
    assert spoiled.weights.w.any()  # it had a copy


def test_eval_weights_of_another_shape_are_an_error_of_the_run(own, engine):
    t = training(engine, own("", JUDGED.replace("{judged}", "return w[:10]")))
    with pytest.raises(
        StepError, match=r"eval_weights returned \(10,\) of .*, expected a vector like w"
    ):
        t.eval_weights()


def test_one_that_is_not_deterministic_has_that_in_its_name(own, engine):
    records = [
        numerics_of(make_recipe(own(said)), engine, CPU)
        for said in ("", "deterministic = True", "deterministic = False")
    ]
    assert ["deterministic" in record for record in records] == [False, False, True]
    assert records[2]["deterministic"] is False


# the step contract, brought in a file

CONTRACT = """
import torch
from lenetlab.methods import Base, log_uniform, method, uniform

class Own(Base):
    \"\"\"Heavy ball by hand.\"\"\"
    form, decay = "flat", "coupled"
    defaults = {"lr": 0.04, "momentum": 0.9, "weight_decay": 0.0}
    space = {"lr": (0.008, 0.15, "log"), "momentum": (0.8, 0.97)}
    STATE = ("v",)
    def start(self, w):
        self.v = torch.zeros_like(w)
    def step(self, oracle):
        loss = oracle()
        self.v.mul_(self.group["momentum"]).add_(self.g)
        self.part(self.v).add_(self.part(self.w), alpha=self.group["weight_decay"])
        self.w.sub_(self.v, alpha=self.group["lr"])
        return loss
"""


def test_a_class_of_the_step_contract_is_driven_as_ours_are(own, engine):
    spec = own("", CONTRACT)
    for given in ({}, {"scenario": "l2", "settings": {"weight_decay": 0.1}, "decay": "weights"}):
        theirs, ours = training(engine, spec, **given), training(engine, "heavy_ball", **given)
        assert steps(theirs, 5) == pytest.approx(steps(ours, 5), abs=1e-6)
    assert find(spec).space == find("heavy_ball").space
    again = training(engine, spec, scenario="l2", settings={"weight_decay": 0.1}, decay="weights")
    steps(again, 2)
    copy = training(engine, spec, scenario="l2", settings={"weight_decay": 0.1}, decay="weights")
    copy.restore(again.state())
    assert everything(copy) == everything(again)


def test_a_registered_file_is_run_from_where_it_lies(own, engine):
    """A method's file before it lies in the laboratory, under the name of one that is there."""
    text = '"""Mine: a page."""\n' + CONTRACT.replace(
        "class Own",
        '@method("heavy_ball", family="momentum", reference="me", defaults={"lr": 0.04, '
        '"momentum": 0.9, "weight_decay": 0.0}, space={"lr": log_uniform(0.01, 0.1)}, cost="1", '
        'decay="coupled")\nclass Own',
    )
    resident = find("heavy_ball")
    entry = find(own("", text))
    assert entry.summary == "Mine: a page."
    assert entry.name.endswith("own.py:Own")
    assert entry.source
    assert find("heavy_ball") is resident
    assert find(own("", text + "# changed")).source != entry.source
    training(engine, own("", text)).step()


def test_a_file_may_look_at_our_methods_while_it_is_read(own, engine):
    """And they are all there when it has been."""
    before = list(methods())
    text = (
        "import importlib, torch\nfrom lenetlab.methods.lookup import find\n"
        "from lenetlab.methods.momentum import heavy_ball\n"
        "from lenetlab.methods.registry import methods\n"
        "importlib.reload(heavy_ball)\n"
        "class Own(torch.optim.SGD):\n"
        "    def __init__(self, params, lr=find('adamw').defaults['lr']):\n"
        "        super().__init__(params, lr * len(methods()))\n"
    )
    entry = find(own("", text))
    assert entry.defaults["lr"] == find("adamw").defaults["lr"]
    assert list(methods()) == before


def test_what_a_file_imports_of_ours_for_the_first_time_stays_registered(own):
    """In a process of its own: the file is the first to import schedules."""
    spec = own("", "import torch\nfrom lenetlab.experiments.recipe import schedules\n"
                   "class Own(torch.optim.SGD): pass\n")  # fmt: skip
    text = (
        "import sys; from lenetlab.methods.lookup import find; find(sys.argv[1]);"
        "from lenetlab.experiments.recipe.schedules import schedules;"
        "print('cosine' in schedules())"
    )
    ran = subprocess.run([sys.executable, "-c", text, spec], capture_output=True, text=True)
    assert ran.stdout.split() == ["True"], ran.stderr


# what is shown


def test_the_command_shows_what_was_understood_and_from_where(own, monkeypatch, capsys):
    spec = own('decay = "coupled"; space = {"lr": (0.001, 0.1, "log")}; defaults = {"beta": 0.5}; '
               'norms = "ball"; batch_size = 128; batch_scaling = "sqrt"')  # fmt: skip
    monkeypatch.setenv("PYTHONSAFEPATH", "1")  # as the command sets it, and gone afterwards
    monkeypatch.setattr(sys, "argv", ["lenetlab", "methods", spec, "--json"])
    with pytest.raises(SystemExit) as stop:
        main()
    assert not stop.value.code
    found = json.loads(capsys.readouterr().out)
    assert found["decay"] == "coupled"
    assert found["understood"]["decay"] == {"value": "coupled", "from": "the class"}
    assert (found["norms"], found["batch_size"], found["batch_scaling"]) == ("ball", 128, "sqrt")
    for what, value in (
        ("norms", "ball"), ("batch size", "128"),
        ("larger batches", "the rate grows with the square root of the batch size"),
    ):  # fmt: skip
        assert found["understood"][what] == {"value": value, "from": "the class"}
    assert found["understood"]["form"] == {"value": "named", "from": "assumed"}
    assert found["understood"]["code"]["value"].startswith("own.py")
    assert found["defaults_from"]["beta"] == "the class"
    assert found["defaults_from"]["lr"] == "its constructor"
    assert found["defaults_from"]["weight_decay"].startswith("its constructor, set to zero")
