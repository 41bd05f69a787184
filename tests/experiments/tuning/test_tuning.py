"""Searches: which recipes are tried, what is kept of them, and what a run takes from that."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from lenetlab.component import log_uniform
from lenetlab.errors import UserError
from lenetlab.experiments.jobs import jobs
from lenetlab.experiments.recipe.recipe import make_recipe, recipe_from
from lenetlab.experiments.tuning import tuned_recipes as kept
from lenetlab.experiments.tuning.search_space import COUPLED, DECOUPLED, Pick, at
from lenetlab.experiments.tuning.tpe import ROUND, ask
from lenetlab.experiments.tuning.trials import (
    Tuning,
    carry_over,
    default_trial,
    more_trials,
    points,
    search_space,
    trials,
)
from lenetlab.experiments.tuning.tuned_recipes import Tuned, fill, find_tuned, kept_of, save_tuned
from lenetlab.records.contest import Contest
from lenetlab.records.recipe import RecordedRecipe
from tests.studies import made_up

SPACE = {"lr": log_uniform(1e-4, 1.0), "schedule": Pick(("constant", "linear"))}


def test_point_k_depends_on_the_seed_and_k_alone() -> None:
    assert points("a", 5, 40)[:12] == points("a", 5, 12)
    assert points("a", 5, 12) != points("b", 5, 12)


def test_points_are_balanced() -> None:
    """Of 2^m Sobol points, each half, quarter, … of a dimension has its share."""
    drawn = points("a", 4, 16)
    for d in range(4):
        assert sorted(int(16 * point[d]) for point in drawn) == list(range(16))


def test_trials_are_held_out_and_a_winner_is_carried_over() -> None:
    found = trials("s", "adamw", "l2", Tuning(trials=3, passes=2))
    assert {recipe.split for recipe in found} == {"inner"}
    assert {str(recipe.budget) for recipe in found} == {"2 passes"}
    final = carry_over(found[0], 10)
    assert (final.split, str(final.budget)) == ("official", "10 passes")
    assert replace(final, split="inner", budget=found[0].budget) == found[0]


def test_trial_0_is_the_registered_default_on_a_cosine() -> None:
    for method in ("sgd", "muon", "ema+svrg+sgd"):
        first = trials("s", method, "plain", Tuning(trials=2, passes=5))[0]
        assert first == make_recipe(method, schedule="cosine", split="inner", passes=5)
    held = {"schedule": "linear", "lr": 0.3, "batch_size": 32}
    (first,) = trials("s", "sgd", "plain", Tuning(trials=0, passes=5), held)
    assert first == recipe_from("sgd", {**held, "split": "inner", "passes": 5})
    space = {"schedule": Pick(("linear", "step"))}
    assert default_trial("sgd", "plain", Tuning(space=space)).schedule.name == "constant"


def test_trial_0_decays_by_the_middle_of_what_is_searched() -> None:
    tune = Tuning(passes=5)
    for method, span in (("sgd", COUPLED), ("adamw", DECOUPLED)):
        found = default_trial(method, "l2", tune).method.settings["weight_decay"]
        assert found == pytest.approx((span.low * span.high) ** 0.5, rel=5e-3)
    own = {"weight_decay": log_uniform(1e-4, 1e-2)}
    assert default_trial("sgd", "l2", Tuning(space=own)).method.settings["weight_decay"] == 1e-3
    given = default_trial("sgd", "l2", tune, {"weight_decay": 0.02}).method.settings
    assert given["weight_decay"] == 0.02


def test_drawn_trials_are_the_points_of_the_sequence() -> None:
    space = search_space("sgd", "plain", Tuning())
    drawn = trials("s", "sgd", "plain", Tuning(trials=5, passes=5))[1:]
    wanted = [at(space, u) for u in points("s sgd plain", len(space), 5)]
    at_64 = [recipe.method.settings["lr"] / (recipe.batch_size / 64) ** 0.5 for recipe in drawn]
    assert at_64 == pytest.approx([w["lr"] for w in wanted], rel=0.005)  # three digits are kept
    assert [recipe.batch_size for recipe in drawn] == [w["batch_size"] for w in wanted]


@pytest.mark.parametrize(
    ("method", "scenario", "options"),
    [
        ("ema+svrg+sgd", "plain", {"settings": {"lr": 0.3, "svrg.alpha": 0.5}, "warmup": 0.1}),
        ("adamw", "l2", {"settings": {"weight_decay": 0.1}, "decay": "weights",
                         "schedule": "linear:floor=0.1", "batch_size": 64}),
        ("full_batch", "plain", {}),
        ("muon", "sparse", {"constraint": "magnitude:begin=0.1",
                            "plan": "geometric:factor=3", "batch_size": 32}),
    ],
)  # fmt: skip
def test_arguments_are_the_recipe_again(method: str, scenario: str, options: dict) -> None:  # type: ignore[type-arg]
    recipe = make_recipe(method, scenario=scenario, passes=3, **options)
    recorded = RecordedRecipe.read(json.loads(json.dumps(recipe.canonical())))
    assert recorded.name == method
    entry = Tuned(recorded.settings(), "s", 1, 1.0, 90.0, 0.3)
    (job,) = _jobs(method, entry, scenario=scenario, passes=3)
    assert job.recipe.canonical() == recipe.canonical()


def _jobs(method: str, entry: Tuned, **given: object) -> list:  # type: ignore[type-arg]
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        save_tuned(Path(folder) / kept.FILE, {(method, str(given.get("scenario", "plain"))): entry})
        return jobs([method], {}, 1, given, tuned_in=Path(folder))


def test_what_is_given_replaces_single_values() -> None:
    entry = Tuned({"lr": 0.3, "batch_size": 32, "schedule": "linear"}, "s", 12, 5.0, 90.0, 0.3)
    (job,) = _jobs("sgd", entry, lr=0.1, epochs=1)
    assert job.recipe.method.settings["lr"] == 0.1
    assert (job.recipe.batch_size, job.recipe.schedule.name) == (32, "linear")
    assert job.origin.found == entry
    (job,) = jobs(["sgd"], {}, 1, {"lr": 0.1, "epochs": 1})
    assert (job.recipe.batch_size, job.recipe.schedule.name, job.origin) == (64, "constant", None)


@pytest.mark.parametrize(
    ("given", "size", "warmup"),
    [
        ({}, 32, 0.1),
        ({"plan": "fixed:size=256"}, 256, 0.1),
        ({"plan.size": 256}, 256, 0.1),
        ({"plan": "geometric"}, 32, 0.1),
        ({"schedule": "linear:warmup=0.3"}, 32, 0.3),
        ({"schedule.warmup": 0.3}, 32, 0.3),
        ({"schedule": "linear"}, 32, 0.1),
        ({"batch_size": None, "warmup": None}, 32, 0.1),
    ],
)
def test_what_is_given_by_another_name_replaces_the_tuned_value(
    given: dict[str, object], size: int, warmup: float
) -> None:
    entry = Tuned({"lr": 0.3, "batch_size": 32, "warmup": 0.1}, "s", 12, 5.0, 90.0, 0.3)
    (job,) = _jobs("sgd", entry, **given)
    assert (job.recipe.batch_size, job.recipe.schedule.settings["warmup"]) == (size, warmup)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"batch_size": 64, "plan.size": 32}, "batch_size is given twice, as 64 and as 32"),
        ({"warmup": 0.1, "schedule": "linear:warmup=0.2"}, "warmup is given twice"),
        ({3: 4}, "3 is no name of a setting"),
        ({"constraint": "iht:keep=100", "constraint.keep": 200}, "constraint.keep is given twice"),
    ],
)
def test_one_setting_given_two_values_is_refused(given: dict[str, object], said: str) -> None:
    with pytest.raises(UserError, match=said):
        recipe_from("sgd", given)


def test_another_constraint_comes_without_the_old_ones_settings() -> None:
    entry = Tuned({"constraint": "magnitude", "constraint.begin": 0.2}, "s", 1, 1.0, 90.0, 0.3)
    assert fill({"constraint": "rigl"}, entry) == {"constraint": "rigl"}
    assert fill({"lr": 1}, entry) == {**entry.settings, "lr": 1}


def test_the_users_own_goes_before_the_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "PACKAGE", tmp_path / "package.json")
    package, own = (Tuned({"lr": lr}, "s", 1, 1.0, 90.0, 0.3) for lr in (0.1, 0.2))
    save_tuned(tmp_path / "package.json", {("sgd", "plain"): package, ("sgd", "l2"): package})
    save_tuned(tmp_path / kept.FILE, {("sgd", "plain"): own})
    assert find_tuned("sgd", "plain", tmp_path) == own
    assert find_tuned("sgd", "l2", tmp_path) == package
    assert find_tuned("sgd", "sparse", tmp_path) is None


def test_a_study_gives_the_best_trial_of_every_cell() -> None:
    results = made_up(failing=["sgd"])
    found = kept_of(results)
    assert ("sgd", "plain") not in found
    cell = next(c for c in results.within(Contest("l2")) if c.place.method == "muon")
    best = max(row.accuracy for row in cell.trials if row.accuracy is not None)
    assert found["muon", "l2"].held_out == best
    assert (found["muon", "l2"].trials, found["muon", "l2"].passes) == (12, 5.0)


def test_a_study_under_the_open_rules_keeps_apart_what_it_found() -> None:
    made = made_up(("sgd",), ("plain",))
    (cell,) = made.cells
    trials = [replace(row, recipe={**row.recipe, "rules": "open",
                                   "augmentation": [["shift", {"pixels": 1}], ["flip", {}]]})
              for row in cell.trials]  # fmt: skip
    opened = replace(cell, place=replace(cell.place, rules="open"), trials=tuple(trials))
    found = kept_of(replace(made, cells=(cell, opened)))
    assert list(found) == [("sgd", "plain"), ("sgd", "plain, open")]
    assert "augment" not in found["sgd", "plain"].settings
    assert found["sgd", "plain, open"].settings["augment"] == "shift:pixels=1+flip"


def test_tpe_is_a_function_of_the_trials_so_far() -> None:
    scores: list[float | None] = [80.0, None, 85.0, 70.0]
    assert ask("a", SPACE, [], ROUND) == ask("a", SPACE, [], ROUND)
    assert ask("a", SPACE, scores, 2) == ask("a", SPACE, scores, ROUND)[:2]
    assert ask("a", SPACE, scores, 4) != ask("b", SPACE, scores, 4)


def test_tpe_looks_at_scores() -> None:
    """On a score with its peak at lr = 0.01 the later rounds lie nearer to it."""
    from math import log10

    scores: list[float | None] = []
    tried: list[float] = []
    while len(tried) < 40:
        for settings in ask("a", SPACE, scores, ROUND):
            tried.append(log10(float(settings["lr"])))  # type: ignore[arg-type]
        scores = [-abs(x + 2) for x in tried]
    distance = [abs(x + 2) for x in tried]
    assert sum(distance[-16:]) < 0.6 * sum(distance[:16])


def test_a_sampler_that_looks_is_asked_in_rounds() -> None:
    tune = Tuning(trials=6, passes=1, sampler="tpe")
    first = trials("s", "sgd", "plain", tune)
    assert len(first) == 1 + ROUND
    assert len(more_trials("s", "sgd", "plain", tune, {}, [0.0, 1.0, 2.0, 3.0, None])) == 2
    assert more_trials("s", "sgd", "plain", tune, {}, [1.0] * 7) == []
    # what the default reached decides nothing of what is asked
    told = [more_trials("s", "sgd", "plain", tune, {}, [x, 1.0, 2.0, 3.0, None]) for x in (0, 99)]
    assert told[0] == told[1]
    assert more_trials("s", "sgd", "plain", Tuning(), {}, []) == []


@pytest.mark.parametrize("sampler", ["sobol", "tpe"])
def test_a_search_of_nothing_is_refused(sampler: str) -> None:
    """All of its trials would be one run, and its price that of many."""
    given = {"lr": 0.1, "schedule": "linear"}  # a full batch has its size, and no warm-up
    with pytest.raises(UserError, match="nothing is left to search of full_batch in plain"):
        trials("s", "full_batch", "plain", Tuning(2, sampler=sampler), given)
    assert len(trials("s", "full_batch", "plain", Tuning(0, sampler=sampler), given)) == 1
