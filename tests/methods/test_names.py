"""What people type for a method, a wrapper or a constraint, and what it is taken for."""

from pathlib import Path

import pytest

from lenetlab.errors import UserError, letters
from lenetlab.experiments.jobs import jobs
from lenetlab.experiments.recipe.recipe import make_recipe
from lenetlab.experiments.study.single_search import search_cell
from lenetlab.experiments.study.study_file import read_study
from lenetlab.experiments.tuning.trials import Tuning
from lenetlab.methods.constraint import constraints
from lenetlab.methods.lookup import canonical, split
from lenetlab.methods.names import ALIASES, called
from lenetlab.methods.registry import methods
from lenetlab.methods.wrappers import wrappers

NAMES = [*methods(), *wrappers(), *constraints()]
MEANT = {
    "SGD": "sgd",
    "AdamW": "adamw",
    "adamW": "adamw",
    "L-BFGS": "lbfgs",
    "RMSprop": "rmsprop",
    "Heavy Ball": "heavy_ball",
    "momentum": "heavy_ball",
    "sgd_momentum": "heavy_ball",
    "SGD-Momentum": "heavy_ball",
    "svrg": "svrg+sgd",
    "ema+SAGA": "ema+saga+sgd",
    "EMA+SAM+Muon": "ema+sam+muon",
    "ema+torch.optim:SGD": "ema+torch.optim:SGD",
}
ONE = """
from torch.optim import SGD

class Mine(SGD):
    def __init__(self, params, lr=0.05):
        super().__init__(params, lr=lr)
"""


@pytest.mark.parametrize("folder", ["c++", "a+b", "sam"])
@pytest.mark.parametrize("around", ["", "ema+", "EMA + "])
def test_a_plus_in_a_path_parts_nothing(folder, around, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / folder).mkdir()
    (tmp_path / folder / "own+1.py").write_text(ONE)
    names = ["ema"] if around else []
    for place in (folder, str(tmp_path / folder)):
        assert split(f"{around}{place}/own+1.py:Mine") == (names, f"{place}/own+1.py:Mine")
        assert split(canonical(f"{around}{place}/own+1.py")) == (names, f"{folder}/own+1.py:Mine")


def test_a_path_that_is_not_there_is_named_whole_and_a_misspelt_wrapper_by_itself(tmp_path):
    with pytest.raises(UserError, match=r"^c\+\+/b.py does not exist"):
        canonical("c++/b.py:B")
    (tmp_path / "own.py").write_text(ONE)
    with pytest.raises(UserError, match="unknown wrapper 'emma'; did you mean 'ema'"):
        make_recipe(f"emma+{tmp_path}/own.py:Mine")


def test_no_two_names_are_spelt_alike_and_aliases_hide_none():
    assert len({letters(name) for name in NAMES}) == len(NAMES)
    assert not set(ALIASES) & {letters(name) for name in NAMES}
    assert set(ALIASES.values()) <= set(NAMES)
    assert all(letters(alias) == alias for alias in ALIASES)


@pytest.mark.parametrize("typed", MEANT)
def test_a_name_is_taken_for_what_is_meant(typed):
    assert canonical(typed) == MEANT[typed]
    assert make_recipe(typed).canonical() == make_recipe(MEANT[typed]).canonical()
    (job,) = jobs([typed], {}, 1, {})
    assert job.label == MEANT[typed]
    another_word = letters(typed) != letters(MEANT[typed])
    assert job.remarks == ((f"{typed} is {MEANT[typed]} here",) if another_word else ())


def test_a_registered_name_is_itself():
    for name in methods():
        assert canonical(name) == name
    assert all(called(name, NAMES) == name for name in NAMES)


def test_a_constraint_too():
    recipe = make_recipe("sgd", scenario="sparse", constraint="RigL")
    assert recipe.constraint.name == "rigl"
    assert make_recipe("sgd", scenario="sparse", constraint="pruning").constraint.name == (
        "magnitude"
    )


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ("sam", r"sam goes around a method, as in sam\+sgd"),
        ("Lookahead", r"as in lookahead\+sgd"),
        ("magnitude", "--scenario sparse --constraint magnitude"),
        ("sgd+svrg", "sgd is a method and stands last"),
        ("adamv", "did you mean 'adam"),
        ("Nesterof", "did you mean 'nesterov'"),
    ],
)
def test_a_part_that_is_no_method_is_told_its_place(typed, answer):
    with pytest.raises(UserError, match=answer):
        make_recipe(typed)


def test_searches_and_study_files_call_it_alike(tmp_path):
    assert search_cell("AdamW", "plain", Tuning(), {}).place.method == "adamw"
    file = tmp_path / "s.toml"
    file.write_text('scenarios = ["plain"]\nmethods = ["SGD", "svrg"]\npasses = 1\n')
    places = [cell.place for cell in read_study(file)[0].cells]
    assert [place.method for place in places] == ["sgd", "svrg+sgd"]
    assert places[1].family == "noise_reduction"
    file.write_text('scenarios = ["plain"]\nmethods = ["SGD", "sgd"]\npasses = 1\n')
    with pytest.raises(UserError, match="twice"):
        read_study(file)


def test_a_file_with_one_optimizer_needs_no_class(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(ONE)
    assert canonical("mine.py") == "mine.py:Mine"
    assert canonical("ema+mine.py") == "ema+mine.py:Mine"
    Path("mine.py").write_text(ONE + "\nclass Other(Mine):\n    pass\n")
    with pytest.raises(UserError, match=r"say which: mine\.py:Mine or mine\.py:Other"):
        canonical("mine.py")
    Path("mine.py").write_text("from torch.optim import SGD\n")
    with pytest.raises(UserError, match=r"defines no torch\.optim\.Optimizer"):
        canonical("mine.py")
