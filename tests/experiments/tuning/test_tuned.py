"""Tuned recipes: used where they are asked for, named with what they earned, hard to displace."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from lenetlab import run, sweep
from lenetlab.errors import UserError
from lenetlab.experiments.jobs import Job, jobs
from lenetlab.experiments.recipe.recipe import make_recipe, recipe_from
from lenetlab.experiments.tuning.tuned_recipes import FILE, Tuned, find_tuned, save_tuned, settle
from lenetlab.methods.lookup import find
from lenetlab.records.run_folder import read_run

ENTRY = Tuned(
    {"lr": 0.05, "batch_size": 100, "schedule": "linear", "warmup": 0.1}, "s", 12, 5.0, 90.17, 0.3
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_tuned(tmp_path / FILE, {("sgd", "plain"): ENTRY})
    return tmp_path


def begun(folder: Path, vary: dict | None = None, **given: object) -> list[Job]:  # type: ignore[type-arg]
    return jobs(["sgd"], vary or {}, 1, given, tuned_in=folder)


def test_a_name_means_the_registered_method(runtime):
    """A recipe is kept in the folder of the runs, and nothing of it is used unasked."""
    save_tuned(runtime.out / FILE, {("sgd", "plain"): ENTRY})
    registered = make_recipe("sgd", epochs=0.1).canonical()
    assert run("sgd", epochs=0.1, runtime=runtime).recipe == registered
    ((job, found),) = sweep("sgd", epochs=0.1, runtime=runtime)
    assert (found.recipe, found.tuned, job.label) == (registered, None, "sgd")


def test_a_tuned_run_is_named_on_stderr_and_in_its_record(runtime, capsys):
    save_tuned(runtime.out / FILE, {("sgd", "plain"): replace(ENTRY, passes=0.2)})
    found = run("sgd", passes=0.2, runtime=runtime, tuned=True)
    assert found.recipe == recipe_from("sgd", {**ENTRY.settings, "passes": 0.2}).canonical()
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines() == [
        "tuned recipe: sgd: lr=0.05, batch 100, linear:warmup=0.1, 0.2 passes; best of 12 trials "
        "of 0.2 passes by the study s, 90.17 % on held-out images"
    ]
    earned = {"study": "s", "trials": 12, "passes": 0.2, "held_out": 90.17, "changed": {}}
    assert found.tuned == found.summary()["tuned"] == read_run(found.path).tuned == earned
    # asked for by its settings, it is the same run: where a recipe is from is no part of it
    again = run("sgd", lr=0.05, batch_size=100, schedule="linear", warmup=0.1, passes=0.2,
                runtime=runtime)  # fmt: skip
    assert again.path == found.path


def test_epochs_that_are_more_than_passes_are_said_to_be(tmp_path):
    save_tuned(
        tmp_path / FILE, {("svrg+sgd", "plain"): replace(ENTRY, budget=10.0, confirmed=90.0)}
    )
    (job,) = jobs(["svrg+sgd"], {}, 1, {}, tuned_in=tmp_path)
    assert "for 10 epochs, each of them more than one effective pass" in str(job.origin)
    assert str(job.origin).endswith("--passes 10 is its budget")
    (job,) = jobs(["svrg+sgd"], {}, 1, {"passes": 10}, tuned_in=tmp_path)
    assert "epochs" not in str(job.origin)


def test_a_changed_recipe_has_no_figure(folder):
    """What is given is laid over it, varied values as well; none earned the 90.17 %."""
    (job,) = begun(folder, lr=0.02, passes=5)
    assert "changed" in str(job.origin)
    assert "lr=0.02 instead of lr=0.05" in str(job.origin)
    assert "90.17" not in str(job.origin)
    assert job.origin.as_json()["held_out"] is None
    assert (job.recipe.batch_size, job.recipe.schedule.name) == (100, "linear")
    for job in begun(folder, {"lr": [0.01, 0.1]}, passes=5):
        assert "90.17" not in str(job.origin)
    (job,) = begun(folder, rules="open", augment="flip", passes=5)
    assert "augmentation" not in ENTRY.settings
    assert "90.17" not in str(job.origin)


OPEN = replace(ENTRY, settings={**ENTRY.settings, "augment": "flip+shift:pixels=1"}, held_out=91.0)


def test_a_recipe_for_changed_images_is_for_runs_that_may_change_them(folder):
    save_tuned(folder / FILE, {("sgd", "plain, open"): OPEN})
    (job,) = begun(folder, rules="open", passes=5)
    assert str(job.recipe.recorded().arguments()["augment"]) == "flip+shift:pixels=1"
    assert (job.origin.found, job.origin.changed) == (OPEN, {})
    assert "91.00 % on held-out images" in str(job.origin)
    (job,) = begun(folder, passes=5)
    assert job.recipe.augmentation == ()
    assert job.origin.found == ENTRY
    (job,) = begun(folder, rules="open", augment="none", passes=5)
    assert list(job.origin.changed) == ["augmentation"]


def test_where_no_such_recipe_is_kept_that_of_the_images_as_they_are_is_used(folder):
    (job,) = begun(folder, rules="open", passes=5)
    assert (job.origin.found, job.origin.changed) == (ENTRY, {})


def test_what_is_given_as_it_was_found_changes_nothing(folder):
    (job,) = begun(folder, lr=0.05, passes=5)
    assert job.origin.changed == {}
    assert "90.17 % on held-out images" in str(job.origin)


def test_a_setting_put_back_to_its_default_is_a_change(folder):
    default = make_recipe("sgd").method.settings["lr"]
    (job,) = begun(folder, lr=default, passes=5)
    assert job.origin.changed == {"lr": "lr as registered instead of lr=0.05"}


@pytest.mark.parametrize(
    ("budget", "said", "unsaid"),
    [
        ({"passes": 5}, "90.17 % on held-out images", "here for"),
        ({"passes": 10}, "here for 10 passes, over which schedule and warm-up stretch", "times"),
        ({"epochs": 0.5}, "0.1 times the 5 passes", "lose"),
        ({"passes": 40}, "8 times the 5 passes", "lose"),
    ],
)
def test_another_budget_is_said(folder, budget, said, unsaid):
    (job,) = begun(folder, **budget)
    assert said in str(job.origin)
    assert unsaid not in str(job.origin)


def test_what_counts_steps_is_said_not_to_stretch(tmp_path):
    entry = replace(ENTRY, settings={"schedule": "1/t", "schedule.tau": 500.0})
    save_tuned(tmp_path / FILE, {("sgd", "plain"): entry})
    (job,) = begun(tmp_path, passes=10)
    assert "schedule.tau would not stretch" in str(job.origin)


def test_without_a_kept_recipe_it_is_refused(folder):
    with pytest.raises(UserError, match="no tuned recipe is kept for sgd in scenario l2"):
        begun(folder, scenario="l2", weight_decay=1e-4)
    with pytest.raises(UserError, match="unknown method 'sdg'"):
        jobs(["sdg"], {}, 1, {}, tuned_in=folder)


GOOD = replace(ENTRY, held_out=76.54, trials=12, passes=5.0)


@pytest.mark.parametrize(
    ("found", "kept", "said"),
    [
        (replace(GOOD, settings={}, held_out=80.0), True, "better and searched no less"),
        (replace(GOOD, settings={}, held_out=80.0, trials=60, passes=1.0), True, "no less"),
        (replace(GOOD, settings={}, held_out=45.10), False, "not kept, no better"),
        (replace(GOOD, settings={}, held_out=76.54), False, "not kept, no better"),
        (replace(GOOD, settings={}, held_out=84.9, trials=3, passes=1.0), False,
         "not kept, searched less"),
        (replace(GOOD, settings={}, held_out=45.1, trials=2), False,
         "not kept, no better and searched less"),
        (replace(GOOD, trials=20), True, "kept, best of 20 trials"),
    ],
)  # fmt: skip
def test_only_what_is_better_and_searched_no_less_takes_a_place(tmp_path, found, kept, said):
    """A search of 45.10 % once displaced 76.54 %, and three trials of a pass the package's own."""
    save_tuned(tmp_path / FILE, {("sgd", "plain"): GOOD})
    settled = settle(tmp_path, {("sgd", "plain"): found})["sgd", "plain"]
    assert settled.kept is kept
    assert find_tuned("sgd", "plain", tmp_path) == (found if kept else GOOD)
    assert said in str(settled)
    if not kept:  # both are said
        assert f"{found.held_out:.2f} %" in str(settled)
        assert "76.54 %" in str(settled)


CONFIRMED = replace(GOOD, held_out=70.0, budget=10.0, confirmed=71.0, seeds=2, confirmations=6)


@pytest.mark.parametrize(
    ("before", "found", "kept"),
    [
        (GOOD, CONFIRMED, True),
        (CONFIRMED, replace(GOOD, settings={}, held_out=99.0, trials=100), False),
        (CONFIRMED, replace(CONFIRMED, settings={}, held_out=60.0, confirmed=71.5), True),
        (CONFIRMED, replace(CONFIRMED, settings={}, held_out=80.0, confirmed=70.5), False),
        (CONFIRMED, replace(CONFIRMED, settings={}, confirmed=71.5, confirmations=2), False),
    ],
)
def test_a_confirmed_recipe_goes_before_one_that_came_out_best_once(tmp_path, before, found, kept):
    save_tuned(tmp_path / FILE, {("sgd", "plain"): before})
    assert settle(tmp_path, {("sgd", "plain"): found})["sgd", "plain"].kept is kept


def test_a_confirmed_recipe_is_for_the_budget_it_was_confirmed_at(tmp_path):
    save_tuned(tmp_path / FILE, {("sgd", "plain"): CONFIRMED})
    (job,) = begun(tmp_path, passes=10)
    assert "here for" not in str(job.origin)
    assert "70.00 % on held-out images; confirmed by 2 fresh seeds of 10 passes" in str(job.origin)
    earned = job.origin.as_json()
    assert (earned["held_out"], earned["budget"], earned["confirmed"]) == (70.0, 10.0, 71.0)
    (job,) = begun(tmp_path, passes=10, lr=0.1)
    assert job.origin.as_json()["confirmed"] is None


def test_the_packages_recipe_is_held_to_the_same_rule(tmp_path, monkeypatch):
    package = tmp_path / "package.json"
    monkeypatch.setattr("lenetlab.experiments.tuning.tuned_recipes.PACKAGE", package)
    save_tuned(package, {("sgd", "plain"): GOOD})
    toy = replace(GOOD, settings={}, held_out=84.9, trials=3, passes=1.0)
    settled = settle(tmp_path, {("sgd", "plain"): toy, ("adamw", "plain"): toy})
    assert [one.kept for one in settled.values()] == [False, True]
    assert list(json.loads((tmp_path / FILE).read_text())) == ["adamw"]


OWN = "import torch\nclass Own(torch.optim.{}):\n    def __init__(self, params, lr=0.1):\n        super().__init__(params, lr=lr)\n"  # noqa: E501


def test_what_was_tuned_of_other_code_is_not_of_this(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    codes = []
    for base in ("SGD", "Adam"):
        Path("own.py").write_text(OWN.format(base))
        codes.append(find("own.py:Own").source)
    entry = replace(GOOD, code=codes[0])
    save_tuned(tmp_path / FILE, {("own.py:Own", "plain"): entry})
    assert find_tuned("own.py:Own", "plain", tmp_path) is None
    Path("own.py").write_text(OWN.format("SGD"))
    assert find_tuned("own.py:Own", "plain", tmp_path) == entry
    Path("own.py").write_text(OWN.format("Adam"))
    worse = replace(GOOD, code=codes[1], held_out=50.0)
    assert settle(tmp_path, {("own.py:Own", "plain"): worse})["own.py:Own", "plain"].kept


@pytest.mark.parametrize("key", ["settings", "trials", "held_out", "passes"])
def test_an_entry_that_was_edited_is_none(folder, key):
    entries = json.loads((folder / FILE).read_text())
    entries["sgd"]["plain"][key] = None
    (folder / FILE).write_text(json.dumps(entries))
    with pytest.raises(UserError, match=rf"the entry of sgd in plain is none \(it.{key} is"):
        find_tuned("sgd", "plain", folder)
