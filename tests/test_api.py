"""The lab from Python: `from lenetlab import run, sweep`."""

import statistics

import numpy as np
import pytest

import lenetlab
from lenetlab import run, sweep
from lenetlab.analysis.tables import tabulate
from lenetlab.errors import UserError


def test_a_run_in_one_line(runtime):
    found = run(
        "adamw", lr=0.01, epochs=1, batch_size=100, schedule="cosine", seed=2, runtime=runtime
    )
    summary = found.summary()
    assert summary["status"] == "done"
    assert summary["recipe"] == {
        "method": ["adamw", {"lr": 0.01}],
        "plan": ["fixed", {"size": 100}],
        "schedule": ["cosine", {}],
        "budget": ["epochs", 1.0],
    }
    assert summary["seed"] == 2
    assert summary["accuracy"] > 20


def test_a_sweep_trains_every_combination_with_every_seed(runtime):
    seen = []
    results = sweep(
        ["sgd", "adamw"], {"batch_size": [100, 500], "lr": [0.001, 0.01]},
        seeds=2, epochs=0.2, runtime=runtime, on_run=lambda job, found: seen.append(job.label),
    )  # fmt: skip
    assert len(results) == 2 * 2 * 2 * 2
    assert seen[0] == "sgd, batch_size=100, lr=0.001"
    assert [job.seed for job, _ in results[:2]] == [0, 1]
    assert len({found.path for _, found in results}) == 16
    for job, found in results:
        assert found.identity["recipe"] == job.recipe.canonical()
    rows = tabulate((job.label, found) for job, found in results)
    assert len(rows) == 8
    values = [found.summary()["accuracy"] for _, found in results[:2]]
    assert rows[0].figures["accuracy"].mean == pytest.approx(statistics.fmean(values))
    assert rows[0].figures["accuracy"].deviation == pytest.approx(statistics.stdev(values))


def test_places_may_be_words_and_threads_are_a_whole_number(tmp_path):
    assert lenetlab.Runtime(out=str(tmp_path)).out == tmp_path
    with pytest.raises(UserError, match=r"threads=1\.0 is no whole number"):
        lenetlab.Runtime(threads=1.0)
    with pytest.raises(UserError, match="save_every='2' is no number of seconds"):
        lenetlab.Runtime(save_every="2")
    with pytest.raises(UserError, match="on_step=3 cannot be called"):
        lenetlab.run("sgd", on_step=3)


def test_numbers_of_numpy_are_numbers(runtime):
    own = run("sgd", seed=3, lr=0.5, batch_size=500, passes=0.02, eval_at=[0.01], runtime=runtime)
    numpy = run("sgd", seed=np.int64(3), lr=np.float32(0.5), batch_size=np.int32(500),
                passes=np.float64(0.02), eval_at=np.array([0.01]), runtime=runtime)  # fmt: skip
    assert numpy.path == own.path
    once = run("sgd", seed=3, lr=0.5, batch_size=500, passes=0.05, runtime=runtime,
               eval_at=(0.01 * k for k in (2, 4)))  # fmt: skip
    assert [found["at"] for found in once.evaluations] == [0.02, 0.04, 0.05]
    grid = {"batch_size": np.array([100, 500])}
    found = sweep("sgd", grid, seeds=np.int64(1), passes=0.02, runtime=runtime)
    assert [job.label for job, _ in found] == ["sgd, batch_size=100", "sgd, batch_size=500"]


@pytest.mark.parametrize(("asked", "said"), [
    (lambda: run("sgd", seed="5"), "seed='5' is no whole number"),
    (lambda: run("sgd", seed=1.0), r"seed=1\.0 is no whole number"),
    (lambda: run("sgd", eval_at=0.5), r"eval_at=0\.5 is no list of positions"),
    (lambda: run("sgd", eval_at=["half"]), r"eval_at=\['half'\] is no list of positions"),
    (lambda: run("sgd", epochs=1, eval_at=[2]), r"eval_at has 2, which is not within 1 epoch"),
    (lambda: run("sgd", epochs=1, eval_at=[-1]), r"eval_at has -1, which is not within"),
    (lambda: run("sgd", runtime="there"), r"expected one as Runtime\(out='there'\)"),
    (lambda: run(recipe=3), "unknown record '3'"),
    (lambda: sweep("sgd", {"lr": 0.1}), r"lr is varied over 0\.1; expected a list, as \[0\.1\]"),
    (lambda: sweep("sgd", {"schedule": "cosine"}), "schedule is varied over 'cosine'; expected"),
    (lambda: sweep("sgd", ["lr"]), r"vary=\['lr'\] is no grid"),
    (lambda: sweep("sgd", seeds=2.0), r"seeds=2\.0 is no whole number"),
    (lambda: sweep(3), "3 is no class of an optimizer"),
    (lambda: lenetlab.Runtime(out=3), "out=3 is no path"),
    (lambda: lenetlab.Runtime(engine=3), "unknown engine '3'"),
])  # fmt: skip
def test_what_is_no_value_gets_one_sentence(asked, said):
    with pytest.raises(UserError, match=said):
        asked()


def test_every_recipe_is_checked_before_the_first_is_trained(runtime):
    with pytest.raises(UserError, match="lr=-1"):
        sweep(["sgd"], {"lr": [0.1, -1]}, runtime=runtime)
    with pytest.raises(UserError, match="did you mean 'adam'"):
        sweep(["sgd", "adamv"], runtime=runtime)
    with pytest.raises(UserError, match="no method is given"):
        sweep([], runtime=runtime)
    with pytest.raises(UserError, match="lr is varied over no value"):
        sweep("sgd", {"lr": []}, runtime=runtime)
    assert not runtime.out.exists()


def test_a_failed_run_is_among_the_results(runtime):
    (_, good), (_, bad) = sweep(["sgd"], {"lr": [0.1, 1e38]}, epochs=1, runtime=runtime)
    assert (good.status, bad.status) == ("done", "diverged")
    assert "lr=1e+38" in bad.label


def test_one_method_needs_no_list(runtime):
    (result,) = sweep("sgd", epochs=0.2, runtime=runtime)
    assert result[1].label == "sgd"


def test_names_that_do_not_exist_are_no_attributes():
    with pytest.raises(AttributeError, match="no attribute 'train'"):
        _ = lenetlab.train
