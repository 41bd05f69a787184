"""Settings outside the range that a search of them looks in: allowed, and remarked on."""

from pathlib import Path

import pytest

from lenetlab.experiments.jobs import jobs, remarks
from lenetlab.experiments.study.model import remarks as remarks_of_study
from lenetlab.experiments.study.study_file import read_study
from lenetlab.experiments.tuning.search_space import COUPLED, DECOUPLED, WARMUP, unusual
from lenetlab.methods.constraint import constraints
from lenetlab.methods.registry import methods
from lenetlab.methods.wrappers import wrappers

SEARCHED = [
    *((m.name, "plain", key, m.space[key]) for m in methods().values() for key in m.space
      if key != "weight_decay"),
    *((f"{w.name}+sgd", "plain", f"{w.name}.{key}", w.space[key]) for w in wrappers().values()
      for key in w.space),
    *((m.name, "l2", "weight_decay",
       m.space.get("weight_decay", DECOUPLED if m.decay == "decoupled" else COUPLED))
      for m in methods().values()),
    ("sgd", "plain", "warmup", WARMUP),
]  # fmt: skip


@pytest.mark.parametrize(("method", "scenario", "key", "span"), SEARCHED)
def test_every_searched_number_has_its_range(method, scenario, key, span):
    assert unusual(method, scenario, {key: span.low}) == []
    assert unusual(method, scenario, {key: span.high}) == []
    for value in (span.low - 1e-6 * abs(span.low) - 1e-9, 1.01 * span.high):
        (said,) = unusual(method, scenario, {key: value})
        assert f"{key}=" in said
        assert str(span) in said


@pytest.mark.parametrize("name", [c.name for c in constraints().values() if c.space])
def test_a_constraints_too_however_it_is_written(name):
    constraint = constraints()[name]
    key, span = next(iter(constraint.space.items()))
    far = 2 * span.high
    (said,) = unusual("sgd", "sparse", {"constraint": name, f"constraint.{key}": far})
    assert said == unusual("sgd", "sparse", {"constraint": f"{name}:{key}={far!r}"})[0]
    assert f"{name}: constraint.{key}=" in said


def test_coupled_decay_of_a_decoupled_size_is_named():
    """0.1 under nesterov ended at 10 %; under adamw it is as usual."""
    given = {"scenario": "l2", "weight_decay": 0.1}
    (said,) = remarks(jobs(["nesterov", "adamw"], {}, 3, given))
    assert said == (
        "nesterov: weight_decay=0.1 is outside of 1e-05 … 0.001 (log), the usual size of coupled "
        "decay"
    )
    (said,) = remarks(jobs(["armijo"], {}, 1, given))
    assert said.startswith("armijo: weight_decay=0.1 is outside of 1e-05")


def test_varied_values_are_looked_at_one_by_one():
    said = remarks(jobs(["sgd"], {"lr": [1e-3, 0.1, 50.0], "batch_size": [16, 64]}, 2, {}))
    assert [remark.partition(" is ")[0] for remark in said] == [
        "sgd: lr=0.001",
        "sgd: lr=0.001",
        "sgd: lr=50",
        "sgd: lr=50",
    ]
    ranges = [remark.split(", ")[0].split("outside of ")[1] for remark in said]
    assert ranges == ["0.05 … 0.3 (log)", "0.1 … 0.6 (log)"] * 2


def test_defaults_and_other_peoples_methods_are_not_remarked_on():
    for entry in methods().values():
        assert unusual(entry.name, "plain", dict(entry.defaults)) == []
    assert unusual("torch.optim:SGD", "l2", {"lr": 0.5, "weight_decay": 0.1}) == []


def test_a_study_file_is_looked_at_once(tmp_path: Path):
    file = tmp_path / "s.toml"
    file.write_text("""
scenarios = ["plain", "l2"]
methods = ["sgd", "adamw"]
passes = 1
[vary]
batch_size = [32, 64]
[tune]
trials = 2
[scenario.l2]
weight_decay = 0.1
[method.sgd.settings]
lr = 40.0
""")
    said = remarks_of_study(read_study(file)[0])
    assert len(said) == 5
    assert said[0].startswith("sgd: lr=40 is outside of 0.0707 … 0.424 (log)")
    assert said[1].startswith("sgd: lr=40 is outside of 0.1 … 0.6 (log)")
    assert said[0].endswith("in plain")
    assert sum("weight_decay=0.1" in remark for remark in said) == 1


def test_the_range_of_a_rate_is_that_at_the_given_batch_size():
    """0.1 … 0.6 at 64 images is twice that at four times as many."""
    assert unusual("sgd", "plain", {"lr": 1.1, "batch_size": 256}) == []
    (said,) = unusual("sgd", "plain", {"lr": 1.1})
    assert said.startswith("sgd: lr=1.1 is outside of 0.1 … 0.6 (log)")
    (said,) = unusual("sgd", "plain", {"lr": 0.15, "batch_size": 256})
    assert said.startswith("sgd: lr=0.15 is outside of 0.2 … 1.2 (log)")
    assert unusual("adagrad", "plain", {"lr": 0.3, "batch_size": 256}) == []


def test_the_range_of_a_rate_inside_a_wrapper_is_its_share():
    assert wrappers()["saga"].rate == 0.25
    assert unusual("saga+sgd", "plain", {"lr": 0.026}) == []
    (said,) = unusual("saga+sgd", "plain", {"lr": 0.2})
    assert said.startswith("sgd: lr=0.2 is outside of 0.025 … 0.15 (log)")
