"""Studies of several problems: tuned anew on each, or the recipes of the first carried over."""

import json
from collections import Counter
from dataclasses import replace

import pytest

from lenetlab.analysis.board import board
from lenetlab.analysis.state import scenario_progress
from lenetlab.errors import UserError
from lenetlab.experiments.run.identity import digest
from lenetlab.experiments.study.coordinator import failed
from lenetlab.experiments.study.run_ids import Names
from lenetlab.experiments.study.study_file import read_study
from lenetlab.experiments.study.worker import Output, work_on
from lenetlab.experiments.tuning.tuned_recipes import kept_of
from lenetlab.problem.own_folder import find_problem
from lenetlab.records.rows import cell_path, read_results
from tests.experiments.study.studying import TINY, Hashed, Inline, go, planned, stub
from tests.own_images import write


@pytest.fixture
def leaves(tmp_path):
    return write(tmp_path / "leaves")


def two(leaves, more=""):
    return f'problems = ["fashion-mnist", "{leaves}"]\n{more}\n{TINY}'


def study_file(folder, text):
    path = folder / "two.toml"
    path.write_text(text)
    return path


def ran(executor):
    """How many tasks of each role there were on each problem."""
    return Counter((t.recipe.problem.name.partition("@")[0], t.role) for t in executor.tasks)


def test_every_problem_is_tuned_by_the_same_points(tmp_path, leaves):
    executor = Inline()
    go(study_file(tmp_path, two(leaves)), tmp_path / "work", executor)
    each = {"trial": 2 * 3, "final": 2 * 2}
    assert ran(executor) == {(problem, role): n for problem in ("fashion-mnist", "leaves")
                             for role, n in each.items()}  # fmt: skip
    trials = {}
    for task in executor.tasks:
        if task.role == "trial":
            recipe = task.recipe.canonical()
            problem = recipe.pop("problem", "fashion-mnist")
            trials.setdefault(problem, []).append(json.dumps(recipe))
    one, other = trials.values()
    assert one == other


def test_recipes_are_carried_over_unchanged(tmp_path, leaves):
    executor = Inline()
    file = study_file(tmp_path, two(leaves, "transfer = true"))
    go(file, tmp_path / "work", executor)
    assert ran(executor) == {("fashion-mnist", "trial"): 6, ("fashion-mnist", "final"): 4,
                             ("leaves", "final"): 4}  # fmt: skip
    finals = {}
    for task in executor.tasks:
        if task.role == "final":
            recipe = task.recipe.canonical()
            recipe.pop("problem", None)
            finals.setdefault((task.recipe.method.name, task.seed), []).append(recipe)
    assert all(one == other for one, other in finals.values())
    again = Inline()
    go(file, tmp_path / "work", again)
    assert again.tasks == []

    results = read_results(tmp_path / "work/results")
    name = find_problem(leaves).name
    assert [contest.problem for contest in results.contests()] == ["fashion-mnist", name]
    assert {cell.place.tuned_on for cell in results.cells} == {"", "fashion-mnist"}
    assert [one.left for one in scenario_progress(results)] == [0, 0]
    first, carried = (board(results, contest) for contest in results.contests())
    assert carried.led
    assert carried.reference.place.name == first.reference.place.name
    assert carried.chosen == "the leader on fashion-mnist, where the recipes are from"
    assert set(kept_of(results)) == {("sgd", "plain"), ("adamw", "plain")}


@pytest.mark.parametrize("scenario", ["l2", "sparse", "sparse+l2"])
def test_recipes_of_every_scenario_are_carried_over(tmp_path, leaves, scenario):
    """With weight decay too, which a search alone sets."""
    text = two(leaves, "transfer = true").replace('"plain"', f'"{scenario}"')
    if "sparse" in scenario:
        text += f'[scenario."{scenario}"]\nconstraint = "magnitude"\n'
    executor = Inline()
    go(study_file(tmp_path, text), tmp_path / "work", executor)
    assert ran(executor) == {("fashion-mnist", "trial"): 6, ("fashion-mnist", "final"): 4,
                             ("leaves", "final"): 4}  # fmt: skip
    decayed = {task.recipe.weight_decay > 0 for task in executor.tasks if task.role == "final"}
    assert ("l2" in scenario) in decayed


def test_a_transfer_waits_for_its_recipe_and_has_none_where_there_is_none(tmp_path, leaves):
    file = study_file(tmp_path, two(leaves, "transfer = true"))
    with planned(file, tmp_path / "planned") as plan:
        lacking = [task for cell in plan.lacking() for task in plan.missing(cell)]
        assert {task.role for task in lacking} == {"trial"}
        assert [one.place.problem == "fashion-mnist" for one in (c.cell for c in plan.cells)] == [
            True, False, True, False,
        ]  # fmt: skip

    def hopeless(task):
        if task.role == "trial" and task.recipe.method.name == "sgd":
            return Output(replace(failed(task, "diverged", "nan"), steps=1))
        return stub(task)

    executor = Inline(hopeless)
    plan = go(file, tmp_path / "work", executor)
    assert {t.recipe.method.name for t in executor.tasks if t.role == "final"} == {"adamw"}
    assert [cell.without_recipe for cell in plan.cells] == [True, True, False, False]


def test_finals_that_are_there_already_complete_a_transfer(tmp_path, leaves):
    """The store has the finals of the second problem, and lost the trials they were chosen by."""
    file = study_file(tmp_path, two(leaves, "transfer = true"))
    go(file, tmp_path / "work", Inline())
    executor = Inline()
    folder = tmp_path / "work/results"
    for path in (folder / "plain").glob("*.jsonl"):
        path.unlink()
    go(file, tmp_path / "again", executor, results=folder)
    assert ran(executor) == {("fashion-mnist", "trial"): 6, ("fashion-mnist", "final"): 4}


def test_what_a_file_says_of_problems_is_checked_at_once(tmp_path, leaves):
    text = two(leaves).replace('"fashion-mnist"', '"kmnits", "mnist", "mnist"')
    text = "transfer = 1\n" + text
    with pytest.raises(UserError) as caught:
        read_study(study_file(tmp_path, text))
    said = str(caught.value)
    assert "line 1: transfer = 1: expected true or false" in said
    assert "line 2: unknown problem 'kmnits'; did you mean 'kmnist'?" in said
    assert "mnist is listed twice in problems" in said
    alone = TINY.replace("title", "transfer = true\ntitle")
    with pytest.raises(UserError, match="expected \\[tune\\], and two problems or more"):
        read_study(study_file(tmp_path, alone))
    own = TINY + '[settings]\nproblem = "mnist"\n'
    with pytest.raises(UserError, match="problem is no setting here"):
        read_study(study_file(tmp_path, own))


def test_a_study_without_problems_writes_what_it_did(tmp_path):
    file = study_file(tmp_path, TINY)
    go(file, tmp_path / "work", Inline())
    plan = json.loads((tmp_path / "work/results/study.json").read_text())
    assert all("problem" not in cell and "tuned_on" not in cell for cell in plan["cells"])
    assert (tmp_path / "work/results/plain/sgd.jsonl").exists()
    study, _ = read_study(file)
    named, _ = read_study(study_file(tmp_path, 'problems = ["fashion-mnist"]\n' + TINY))
    assert named == study


def test_cells_of_two_problems_have_files_of_their_own(tmp_path, leaves):
    study, _ = read_study(study_file(tmp_path, two(leaves)))
    paths = {cell_path(tmp_path, cell.place) for cell in study.cells}
    assert len(paths) == 4
    digits = find_problem(leaves).name.partition("@")[2]
    assert tmp_path / f"plain,leaves-{digits}/sgd.jsonl" in paths


def test_real_runs_on_two_problems(tmp_path, leaves, runtime):
    """Planned names are those that workers find; the images are those of each problem."""
    text = two(leaves, "transfer = true").replace('"sgd", "adamw"', '"sgd"')
    text = text.replace("0.04", "0.01").replace("0.02", "0.01").replace("trials = 2", "trials = 1")
    executor = Inline(lambda task: work_on(task, runtime))
    plan = go(study_file(tmp_path, text), tmp_path / "work", executor, Names(runtime))
    assert not list(plan.failures())
    results = read_results(tmp_path / "work/results")
    row = results.cells[1].finals[0]
    assert row.recorded.problem == find_problem(leaves).name
    train, _, test, _ = runtime.load("official", find_problem(leaves))
    assert (len(train), len(test)) == (600, 200)
    assert (row.correct or 0) / 2 == row.accuracy
    said = {"recipe": dict(row.recipe), "seed": 0, "data": train.checksum,
            "numerics": dict(row.numerics)}  # fmt: skip
    assert digest(said) == row.id


def test_ids_of_the_test_executor_tell_problems_apart(leaves):
    from lenetlab.experiments.recipe.recipe import make_recipe

    recipes = [make_recipe("sgd"), make_recipe("sgd", problem=leaves)]
    assert len({Hashed().ids(recipe, [0])[0] for recipe in recipes}) == 2
