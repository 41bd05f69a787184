"""Whether an optimizer can be built at all is asked before anything is trained."""

import pytest
import torch

from lenetlab import run, sweep
from lenetlab.errors import UserError
from lenetlab.experiments.recipe.recipe import make_recipe
from lenetlab.experiments.run.build import check_built
from lenetlab.experiments.study.study_file import read_study
from lenetlab.methods.registry import methods

LATE = [
    ("lookahead+asgd", {}, "cannot go around a method whose evaluation weights are not those"),
    ("cautious+schedule_free_sgd", {}, "cautious cannot go around a method whose"),
    ("trust_region", {"schedule": "linear"}, "schedule.of=lr: trust_region has no number"),
    ("armijo", {"sample": "wrong"}, "unknown sample of armijo 'wrong'; known: batch, fresh"),
    ("sophia", {"estimator": "wrong"}, "unknown estimator of sophia 'wrong'; known: gnb"),
    ("cross_entropy", {"elite": 50}, "elite"),
]


@pytest.mark.parametrize(("method", "settings", "said"), LATE)
def test_what_cannot_be_built_is_said_before_the_first_run(runtime, method, settings, said):
    with pytest.raises(UserError, match=said):
        run(method, runtime=runtime, epochs=1, **settings)
    assert not runtime.out.exists()


def test_nothing_is_trained_before_a_mistake_of_a_later_one(runtime):
    with pytest.raises(UserError, match="lookahead cannot go around"):
        sweep(["sgd", "lookahead+asgd"], epochs=1, runtime=runtime)
    assert not runtime.out.exists()


def test_a_study_file_is_told_of_it_with_its_line(tmp_path):
    path = tmp_path / "late.toml"
    path.write_text(
        'scenarios = ["plain"]\nmethods = [\n    "sgd",\n    "lookahead+asgd",\n    "sophia",\n]\n'
        '[tune]\ntrials = 2\n[method.sophia]\nsettings = { estimator = "wrong" }\n'
    )
    with pytest.raises(UserError, match="2 mistakes; nothing was run") as caught:
        read_study(path)
    _, first, second = str(caught.value).splitlines()
    assert first.startswith("  line 4: lookahead+asgd in plain: lookahead cannot go around")
    assert second.startswith("  line 9: sophia in plain: unknown estimator of sophia 'wrong'")


def test_every_method_can_be_built_as_it_is_registered():
    check_built(make_recipe(name) for name in methods())


LOUD = """
import torch
class Loud(torch.optim.SGD):
    def __init__(self, params, lr=0.1):
        print("made", torch.rand(()))
        super().__init__(params, lr)
"""


def test_what_a_guest_prints_and_draws_meanwhile_is_no_matter(tmp_path, capsys):
    path = tmp_path / "loud.py"
    path.write_text(LOUD)
    before = torch.get_rng_state()
    check_built([make_recipe(f"{path}:Loud")])
    said = capsys.readouterr()
    assert (said.out, "made" in said.err) == ("", True)
    assert torch.get_rng_state().equal(before)
