"""The log of ideas: files that say what is changed, runs on held-out images, a page of both."""

import json
import math
import sys
from statistics import fmean, stdev

import pytest
from scipy import stats

from lenetlab.errors import UserError

from .blocks import ROOT

sys.path[:0] = [str(ROOT / "benchmarks"), str(ROOT / "docs" / "generator")]
from ideas import IDEAS, RESULTS, kept, read_ideas, tried
from ideas_page import page

NO_BREAK = "\N{NO-BREAK SPACE}"
FILE = """
scenario = "l2"
passes = 2

[[idea]]
name = "first"
method = "sgd"
lr = 0.2
weight_decay = 1e-4
warmup = 0.1

[[idea]]
name = "second"
against = "first"
method = "ema+sgd"
lr = 0.3
warmup = ""
seeds = 5
"""


def test_an_idea_has_what_it_is_held_against_and_what_it_changes(tmp_path):
    (tmp_path / "a.toml").write_text(FILE)
    first, second = read_ideas(tmp_path / "a.toml")
    assert (first.seeds, second.seeds) == (2, 5)
    recipe = second.recipe()
    assert (recipe.name, recipe.split, recipe.scenario) == ("ema+sgd", "inner", "l2")
    assert recipe.method.settings["lr"] == 0.3
    assert recipe.method.settings["weight_decay"] == 1e-4
    assert (recipe.budget.amount, recipe.budget.unit) == (2, "passes")
    assert first.recipe().schedule.settings["warmup"] == 0.1
    assert recipe.schedule.settings["warmup"] == 0, "an empty value takes a setting back"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('name = "second"', 'name = "first"', "two ideas are called 'first'"),
        ('against = "first"', 'against = "third"', "'second' is against 'third'"),
        ('method = "sgd"', "", "'first' has no method"),
        ('name = "second"', "", "an idea has no name"),
    ],
)
def test_mistakes_are_told(tmp_path, old, new, said):
    (tmp_path / "a.toml").write_text(FILE.replace(old, new))
    with pytest.raises(UserError, match=said):
        read_ideas(tmp_path / "a.toml")


def test_the_page_has_differences_by_one_deviation_for_all(tmp_path):
    values = {"one": [91.0, 91.4, 91.2], "two": [91.5, 91.9], "failed": []}
    ideas = [
        {"name": name, "against": None if name == "one" else "one", "changed": {"lr": 0.1},
         "command": "",
         "runs": [run(value) for value in found] or [run(None) | {"status": "diverged"}]}
        for name, found in values.items()
    ]  # fmt: skip
    (tmp_path / "board.json").write_text(json.dumps(ideas))
    text = page(tmp_path)
    a, b = values["one"], values["two"]
    sd = math.sqrt((2 * stdev(a) ** 2 + stdev(b) ** 2) / 3)
    half = stats.t.ppf(0.975, 3) * sd * math.sqrt(1 / 3 + 1 / 2)
    mean = fmean(b) - fmean(a)
    change = (
        f"+{mean:.2f}\N{NO-BREAK SPACE}[−{half - mean:.2f},\N{NO-BREAK SPACE}+{mean + half:.2f}]"
    )
    assert f"| 2 | **two** `lr=0.1` | 1 | {change} | 91.70 | 2 |" in text
    assert "3 ideas, 6 runs, 120 effective passes, 1 minutes" in text
    assert "| 3 | **failed** `lr=0.1` | 1 | – | – | 0 |" in text


def run(accuracy):
    done = None if accuracy is None else 1.0
    return {"seed": 0, "status": "done", "accuracy": accuracy, "loss": done,
            "train_accuracy": done, "passes": 20.0, "cpu_seconds": 10.0}  # fmt: skip


@pytest.mark.parametrize("path", sorted(IDEAS.glob("*.toml")), ids=lambda path: path.stem)
def test_what_is_kept_is_of_the_ideas_in_the_file_and_is_not_trained_again(path):
    results = RESULTS / f"{path.stem}.json"
    found = list(tried(read_ideas(path), kept(results), iter(())))
    assert found == json.loads(results.read_text())
    assert all(
        len(one["runs"]) == idea.seeds for one, idea in zip(found, read_ideas(path), strict=True)
    )
