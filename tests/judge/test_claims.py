"""A run folder's claims hold for an honest run, and every alteration is found."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from lenetlab.experiments.recipe.batch_plans import plans
from lenetlab.experiments.recipe.recipe import Recipe, make_recipe
from lenetlab.experiments.run.identity import digest
from lenetlab.experiments.run.on_disk import execute
from lenetlab.experiments.run.runtime import Runtime
from lenetlab.experiments.study.run_ids import Names
from lenetlab.judge.child import open_folder
from lenetlab.judge.claims import check, recipe_of
from lenetlab.judge.verdict import judge
from lenetlab.records.run_folder import read_run


def edit(path: Path, name: str, change: Callable[[Any], Any]) -> None:
    file = path / name
    value = json.loads(file.read_text())
    change(value)
    file.write_text(json.dumps(value))


def test_an_honest_run_keeps_the_rules(honest, scorer):
    verdict = judge(honest, None, scorer)
    assert (verdict.outcome, verdict.problems) == ("kept", ())
    assert len(verdict.claims) == 9
    assert verdict.score is not None
    assert verdict.score.evaluation.correct == read_run(honest).result.correct


def test_weights_whose_loss_is_nothing_are_compared_too(honest, scorer):
    """In float32, where a net knows every image and its last layer is scaled up."""
    found = open_folder(honest)
    score = judge(honest, None, scorer).score
    nothing = dataclasses.replace(score, evaluation=dataclasses.replace(score.evaluation, loss=0.0))
    said = [claim.wrong for claim in check(found, nothing, "native") if claim.wrong]
    assert len(said) == 1
    assert "the weights give" in said[0]
    small = dataclasses.replace(found.run.result, loss=1.2e-11)  # the last bit of one image's
    almost = dataclasses.replace(found, run=dataclasses.replace(found.run, result=small))
    said = [claim.what for claim in check(almost, nothing, "another") if claim.wrong]
    assert "accuracy and loss are those of the weights" not in said


def test_its_recipe_is_read_back_whole(honest):
    found = read_run(honest)
    assert recipe_of(found).canonical() == found.identity["recipe"]


# Every kind of part that a recipe can have, in a training of a second or two.
RECIPES: dict[str, dict[str, Any]] = {
    "nothing set": {"method": "sgd"},
    "its own batch size": {"method": "single_sample", "passes": 0.005},
    "constraint": {"method": "adamw", "scenario": "sparse", "constraint": "magnitude"},
    "constraint and decay": {
        "method": "sgd", "scenario": "sparse+l2", "constraint": "rigl",
        "settings": {"weight_decay": 1e-3},
    },
    "constraint of units": {"method": "adamw", "scenario": "frontier", "constraint": "units"},
    "augmentation": {"method": "adamw", "rules": "open", "augment": "flip+shift:pixels=1"},
    "first weights that look at images": {"method": "sgd", "initialisation": "lsuv:examples=64"},
    "decay of weights by the method": {
        "method": "adamw", "scenario": "l2", "decay": "weights",
        "settings": {"weight_decay": 0.1},
    },
    "decay of weights by the oracle": {
        "method": "lbfgs", "scenario": "l2", "decay": "weights", "batch_size": 600,
        "settings": {"weight_decay": 1e-3}, "passes": 0.1,
    },
    "average, update and estimator": {"method": "ema+cautious+sam+adamw"},
    "a wrapper's setting": {
        "method": "svrg+sgd", "settings": {"lr": 0.1, "svrg.alpha": 0.5}, "passes": 1.2,
        "batch_size": 6000,
    },
    "growing batches": {"method": "sgd", "plan": "geometric:factor=3,every=0.01"},
    "batches by a test": {"method": "sgd", "plan": "norm_test:every=5"},
    "staircase": {"method": "adamw", "schedule": "step:gamma=0.5"},
    "warm-up": {"method": "adamw", "schedule": "one-cycle", "warmup": 0.1},
    "Robbins and Monro": {"method": "sgd", "schedule": "1/t:tau=10"},
    "epochs": {"method": "sgd", "epochs": 0.02, "passes": None},
    "held out": {"method": "armijo", "split": "inner"},
    "curvature": {"method": "newton_cg", "batch_size": 600, "passes": 0.2},
}  # fmt: skip


@pytest.fixture(params=RECIPES)
def recipe(request: pytest.FixtureRequest) -> Recipe:
    given = {"passes": 0.02, **RECIPES[request.param]}
    return make_recipe(given.pop("method"), given.pop("settings", None), **given)


def test_every_kind_of_recipe_is_read_back(recipe, honest):
    found = read_run(honest)
    found.identity["recipe"] = json.loads(json.dumps(recipe.canonical()))
    assert recipe_of(found) == recipe


def test_every_kind_of_recipe_is_trained_again(recipe, scorer, tmp_path):
    threads = torch.get_num_threads()
    found = execute(recipe, 3, Runtime(out=tmp_path, device="cpu", threads=1))
    torch.set_num_threads(threads)
    assert found.status == "done", found.result.reason
    assert Names(Runtime(device="cpu", threads=1)).ids(recipe, [3]) == [found.identity["id"]]
    verdict = rejudged(found.path, scorer)
    assert (verdict.outcome, verdict.problems) == ("kept", ())
    assert "trained again, it has the same bits" in [claim.what for claim in verdict.claims]
    rules = [note for note in verdict.notes if "no result of strict ones" in note]
    assert len(rules) == (recipe.rules == "open")


def test_the_recipes_above_have_every_part():
    """Fails when a field of recipes is added that none of them sets."""
    recipes = [
        make_recipe(given.pop("method"), given.pop("settings", None), **given)
        for given in ({**recipe} for recipe in RECIPES.values())
    ]
    for name in {field.name for field in dataclasses.fields(Recipe)} - {"problem"}:  # it knows one
        assert len({str(getattr(recipe, name)) for recipe in recipes}) > 1, name
    assert {recipe.plan.name for recipe in recipes} == set(plans())


def more_correct(result: Any) -> None:
    result["correct"] += 50
    result["accuracy"] += 0.5


def one_correct(value: Any) -> None:
    final = value["evaluations"][-1] if "evaluations" in value else value
    final["correct"] += 1
    final["accuracy"] = final["correct"] / 100


def final_as(path: Path, change: Callable[[Any], None]) -> None:
    edit(path, "result.json", change)
    edit(path, "curve.json", change)


def fewer_losses(path: Path) -> None:
    np.save(path / "losses.npy", np.load(path / "losses.npy")[:-1])


def other_weights(path: Path) -> None:
    tensors = load_file(path / "weights.safetensors")
    save_file({k: v * 1.5 for k, v in tensors.items()}, path / "weights.safetensors")


ALTERATIONS: dict[str, tuple[Callable[[Path], None], str]] = {
    "another seed": (
        lambda p: edit(p, "run.json", lambda v: v.update(seed=6)),
        "hash to the run's identity",
    ),
    "another rate": (
        lambda p: edit(p, "run.json", lambda v: v["recipe"]["method"][1].update(lr=0.5)),
        "hash to the run's identity",
    ),
    "weight decay in plain": (
        lambda p: edit(p, "run.json", lambda v: v["recipe"]["method"][1].update(weight_decay=0.1)),
        "weight_decay=0.1 is not allowed in scenario 'plain'",
    ),
    "a hidden field": (
        lambda p: edit(p, "run.json", lambda v: v["recipe"].update(teacher="yes")),
        "'teacher', which this version does not know",
    ),
    "an unknown method": (
        lambda p: edit(p, "run.json", lambda v: v["recipe"].update(method=["adamv", {}])),
        "unknown method 'adamv'",
    ),
    "a default written out": (
        lambda p: edit(p, "run.json", lambda v: v["recipe"].update(scenario="plain")),
        "would write it differently",
    ),
    "other data": (
        lambda p: edit(p, "run.json", lambda v: v.update(data="0" * 16)),
        "Fashion-MNIST's training images",
    ),
    "a smaller bill": (
        lambda p: edit(p, "result.json", lambda v: v["ledger_counts"].update(gradients=600)),
        "passes claimed, the ledger comes to 0.01",
    ),
    "fewer passes": (
        lambda p: edit(p, "result.json", lambda v: v.update(passes=0.01)),
        "0.01 passes claimed, the ledger comes to",
    ),
    "more than the budget": (
        lambda p: edit(p, "run.json", lambda v: v["recipe"].update(budget=["passes", 0.01])),
        "the budget is kept",
    ),
    "fewer steps": (fewer_losses, "every step has its loss"),
    "more correct": (
        lambda p: edit(p, "result.json", more_correct),
        "accuracy and loss are those of the weights",
    ),
    "one more correct": (lambda p: final_as(p, one_correct), "by the same engine"),
    "another loss": (
        lambda p: edit(p, "result.json", lambda v: v.update(loss=0.1)),
        "accuracy and loss are those of the weights",
    ),
    "other weights": (other_weights, "accuracy and loss are those of the weights"),
    "another end of the curve": (
        lambda p: edit(p, "curve.json", lambda v: v["evaluations"][-1].update(loss=0.1)),
        "they end the curve",
    ),
    "fewer nonzeros": (
        lambda p: edit(p, "result.json", lambda v: v.update(nonzeros=10)),
        "count of nonzeros",
    ),
    "a missing field": (
        lambda p: edit(p, "result.json", lambda v: v.pop("ledger_counts")),
        "the records are complete",
    ),
    "a text for a number": (
        lambda p: edit(p, "result.json", lambda v: v.update(passes="few")),
        "the records are complete",
    ),
}


@pytest.mark.parametrize("name", ALTERATIONS)
def test_an_altered_run_breaks_the_rules(name, copy, scorer):
    alter, words = ALTERATIONS[name]
    alter(copy)
    verdict = judge(copy, None, scorer)
    assert verdict.outcome == "broken"
    assert words in "; ".join(verdict.problems)


def test_a_run_of_another_scenario_breaks_the_rules(copy, scorer):
    verdict = judge(copy, "l2", scorer)
    assert "it was trained in scenario plain, not l2" in verdict.problems


@pytest.mark.parametrize("name", ["result.json", "curve.json", "machine.json", "losses.npy"])
def test_half_a_run_cannot_be_judged(name, copy, scorer):
    (copy / name).unlink()
    verdict = judge(copy, None, scorer)
    assert verdict.outcome == "unreadable"
    assert "is no whole run folder" in verdict.problems[0]
    (copy / name).write_text("{broken")
    assert judge(copy, None, scorer).outcome == "unreadable"


def test_a_failed_run_cannot_be_judged(copy, scorer):
    edit(copy, "result.json", lambda v: v.update(status="diverged", reason="loss is nan"))
    verdict = judge(copy, None, scorer)
    assert verdict.outcome == "unreadable"
    assert "ended as diverged, loss is nan" in verdict.problems[0]


def test_a_method_from_outside_is_not_imported(copy, scorer, tmp_path):
    (tmp_path / "mine.py").write_text("raise SystemExit('imported')")
    method = [f"{tmp_path}/mine.py:Mine", {}]
    edit(copy, "run.json", lambda v: v["recipe"].update(method=method))
    verdict = judge(copy, None, scorer, Runtime(out=tmp_path / "runs", device="cpu"))
    assert "from outside the package and was not checked" in " ".join(verdict.notes)
    assert "not trained again" in verdict.problems[-1]
    assert verdict.outcome == "broken"  # the copy's hash is another's


def rejudged(path: Path, scorer: Any) -> Any:
    threads = torch.get_num_threads()
    verdict = judge(path, None, scorer, Runtime(out=path.parent / "unused", device="cpu"))
    torch.set_num_threads(threads)
    return verdict


def test_a_rerun_has_the_same_bits(honest, scorer):
    verdict = rejudged(honest, scorer)
    assert verdict.outcome == "kept"
    assert "trained again, it has the same bits" in [claim.what for claim in verdict.claims]


def test_a_rerun_finds_one_changed_bit(copy, scorer):
    tensors = load_file(copy / "weights.safetensors")
    tensors["fc1.bias"].view(torch.int32)[7] ^= 1
    save_file(tensors, copy / "weights.safetensors")
    verdict = rejudged(copy, scorer)
    assert "1 of 44,426 weights differ" in "; ".join(verdict.problems)


def test_other_numerics_are_said_and_not_compared(copy, scorer):
    edit(copy, "run.json", lambda v: v["numerics"].update(torch="1.0.0"))
    verdict = rejudged(copy, scorer)
    assert (
        "not trained again: the numerics differ here, torch 1.0.0 there and"
        in (verdict.problems[-1])
    )
    assert all("trained again" not in claim.what for claim in verdict.claims)


def named_anew(path: Path) -> None:
    """Its run.json hashes to its id again."""

    def name(said: Any) -> None:
        said["id"] = digest({key: said[key] for key in ("recipe", "seed", "data", "numerics")})

    edit(path, "run.json", name)


def test_what_was_not_trained_again_has_not_passed(copy, scorer):
    edit(copy, "run.json", lambda v: v["numerics"].update(torch="1.0.0"))
    named_anew(copy)
    assert judge(copy, None, scorer).outcome == "kept"
    verdict = rejudged(copy, scorer)
    assert verdict.outcome == "unchecked"
    assert len(verdict.problems) == 1
    file = rejudged(copy / "weights.safetensors", scorer)
    assert file.outcome == "unchecked"
    assert file.problems == ("not trained again: it is no run folder",)


def test_a_budget_beyond_the_recorded_steps_is_not_spent_again(copy, scorer):
    edit(copy, "run.json", lambda v: v["recipe"].update(budget=["passes", 1e5]))
    named_anew(copy)
    verdict = rejudged(copy, scorer)
    assert verdict.outcome == "broken"
    assert "30 steps are recorded, and its budget is not spent" in verdict.problems[-1]


@pytest.mark.parametrize(
    "change",
    [{"engine": 5}, {"engine": "abacus"}, {"device": "cuda:99"}, {"threads": "many"},
     {"threads": 10**9}, {"threads": True}],
    ids=str,
)  # fmt: skip
def test_numerics_that_name_nothing_are_not_trained_by(copy, scorer, change):
    edit(copy, "run.json", lambda v: v["numerics"].update(change))
    named_anew(copy)
    verdict = rejudged(copy, scorer)
    assert verdict.outcome == "unchecked"
    assert "not trained again" in verdict.problems[-1]
