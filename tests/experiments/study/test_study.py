"""Studies: what is planned, what is computed again and what is not, what is published."""

import json
import shutil
from dataclasses import replace
from functools import partial
from itertools import pairwise

import pytest
from filelock import FileLock

from lenetlab.errors import UserError
from lenetlab.experiments.recipe.recipe import make_recipe
from lenetlab.experiments.run.folder_lock import exclusive_lock
from lenetlab.experiments.run.in_memory import prepare
from lenetlab.experiments.study.coordinator import failed
from lenetlab.experiments.study.executors import WorkerDied
from lenetlab.experiments.study.model import eval_points
from lenetlab.experiments.study.publish import Publisher
from lenetlab.experiments.study.run_ids import Names
from lenetlab.experiments.study.status import Status, estimate
from lenetlab.experiments.study.worker import Output, Setup, work, work_on
from lenetlab.experiments.tuning.tuned_recipes import Tuned, save_tuned
from lenetlab.records.rows import read_results
from tests.experiments.study.studying import TINY, Hashed, Inline, bits, go, planned, stub


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "tiny.toml"
    path.write_text(TINY)
    return path


def test_a_second_call_runs_nothing_and_a_new_method_runs_alone(tmp_path, file):
    folder = tmp_path / "work"
    first = Inline()
    go(file, folder, first)
    assert [t.role for t in first.tasks].count("trial") == 6
    assert [t.role for t in first.tasks].count("final") == 4
    again = Inline()
    go(file, folder, again)
    assert again.tasks == []
    file.write_text(TINY.replace('"adamw"]', '"adamw", "lion"]'))
    more = Inline()
    go(file, folder, more)
    assert {t.recipe.method.name for t in more.tasks} == {"lion"}
    assert len(more.tasks) == 5


def test_the_time_left_is_told_by_the_nearest_that_was_measured(tmp_path, file, monkeypatch):
    """A cell is 3 trials of 0.02 passes and 2 finals of 0.04; a stub's run is 1 pass in 1 ms."""
    package, folder = tmp_path / "package.json", tmp_path / "work"
    monkeypatch.setattr("lenetlab.experiments.tuning.tuned_recipes.PACKAGE", package)
    with planned(file, folder) as plan:
        assert estimate(plan) == (0, 0, 10)
    kept = Tuned({}, "s", 1, 1.0, 90.0, 0.3, pass_seconds=2.0)
    save_tuned(package, {("sgd", "l2"): kept, ("sgd", "sparse"): replace(kept, pass_seconds=4.0)})
    with planned(file, folder) as plan:
        assert estimate(plan) == (0, pytest.approx(0.14 * 3), 5)
    done = go(file, folder)
    assert estimate(done) == (0, 0, 0)
    for cell in done.cells:
        (folder / "records" / cell.finals[0].id[:2] / f"{cell.finals[0].id}.json").unlink()
    shutil.rmtree(folder / "results")
    with planned(file, folder) as plan:
        plan.lacking()
        assert estimate(plan) == (pytest.approx(2 * 0.04 * 0.001), 0, 0)


def test_finals_have_the_recipe_of_the_best_trial_and_are_published_by_seed(tmp_path, file):
    go(file, tmp_path / "work")
    for cell in read_results(tmp_path / "work" / "results").cells:
        assert [row.number for row in cell.trials] == [0, 1, 2]
        assert [row.seed for row in cell.finals] == [0, 1]
        best = max(cell.trials, key=lambda row: row.accuracy).recipe
        for row in cell.finals:
            assert row.recipe["method"] == best["method"]
            assert "split" not in row.recipe
            assert row.recipe["budget"] == ["passes", 0.04]


def test_a_study_can_be_looked_at_while_it_runs(tmp_path, file):
    """The first method's runs are told when the second's are computed."""
    seen = []

    def work(task):
        found = read_results(tmp_path / "work" / "results")
        seen.append(sum(len(cell.trials) + len(cell.finals) for cell in found.cells))
        assert len(found.cells) == 2
        return stub(task)

    go(file, tmp_path / "work", Inline(work))
    assert seen[0] == 0
    assert seen[-1] == 5


def test_ids_are_those_that_runs_get(runtime):
    names = Names(runtime)
    for recipe in (
        make_recipe("adamw", {"lr": 0.01}, passes=2),
        make_recipe("ema+svrg+sgd", passes=1, scenario="plain"),
        make_recipe("sgd", scenario="sparse", constraint="magnitude", passes=1),
        make_recipe("sgd", rules="open", augment="flip", passes=1),
    ):
        wanted = [prepare(recipe, seed, runtime).identity["id"] for seed in (0, 7)]
        assert names.ids(recipe, [0, 7]) == wanted


def test_real_runs_are_those_of_a_single_computation(tmp_path, file, runtime):
    executor = Inline(lambda task: work_on(task, runtime))
    plan = go(file, tmp_path / "work", executor, Names(runtime))
    assert {plan.store.get(t.id).status for cell in plan.cells for t in cell.tasks} == {"done"}
    final = next(t for t in executor.tasks if t.role == "final" and t.number == 1)
    row = plan.store.row(final.id)
    again = work_on(final, runtime).row
    assert (row.accuracy, row.loss, row.steps) == (again.accuracy, again.loss, again.steps)
    kept = {path.stem for path in (tmp_path / "work" / "weights").iterdir()}
    assert kept == {t.id for t in executor.tasks if t.role == "final" and t.number == 0}


def test_a_worker_with_other_bits_ends_the_study(tmp_path, file, runtime):
    with pytest.raises(UserError, match="was planned"):
        go(file, tmp_path / "work", Inline(lambda task: work_on(task, runtime)))
    assert bits(tmp_path / "work") == {}


def test_rows_found_in_results_count_as_done(tmp_path, file):
    go(file, tmp_path / "one", results=tmp_path / "results")
    before = {p: p.read_bytes() for p in (tmp_path / "results").rglob("*.jsonl")}
    (before_path := next(iter(before))).write_bytes(
        b"\n".join(before[before_path].splitlines()[:2]) + b"\n"
    )
    executor = Inline()
    go(file, tmp_path / "two", executor, results=tmp_path / "results")
    assert len(executor.tasks) == 3
    assert {p: p.read_bytes() for p in (tmp_path / "results").rglob("*.jsonl")} == before


def test_failures_are_terminal_until_tried_again(tmp_path, file):
    def sick(task):
        if task.recipe.method.name == "sgd":
            return Output(failed(task, "diverged", "the loss is infinite"))
        if task.role == "final" and task.number == 1:
            raise ZeroDivisionError("by nothing")
        return stub(task)

    plan = go(file, tmp_path / "work", Inline(sick))
    assert [cell.without_recipe for cell in plan.cells] == [True, False]
    said = {(c.cell.place.method, t.role, t.number, r.status) for c, t, r in plan.failures()}
    assert said == {
        *(("sgd", "trial", k, "diverged") for k in range(3)),
        ("adamw", "final", 1, "error"),
    }
    untouched = Inline()
    go(file, tmp_path / "work", untouched)
    assert untouched.tasks == []
    retried = Inline()
    plan = go(file, tmp_path / "work", retried, retry=True)
    assert len(retried.tasks) == 3 + 2 + 1
    assert not list(plan.failures())
    published = read_results(tmp_path / "work" / "results")
    assert all(row.done for cell in published.cells for row in (*cell.trials, *cell.finals))


def test_what_fails_again_is_not_tried_for_ever(tmp_path, file):
    executor = Inline(lambda task: Output(failed(task, "diverged", "again")))
    go(file, tmp_path / "work", executor)
    go(file, tmp_path / "work", executor, retry=True)
    assert len(executor.tasks) == 12


def test_a_lost_run_is_given_out_again_but_not_for_ever(tmp_path, file):
    lost = []

    def dying(task):
        if task.number == 1 and (task.role == "final" or len(lost) < 3):
            lost.append(task)
            raise WorkerDied("killed")
        return stub(task)

    plan = go(file, tmp_path / "work", Inline(dying))
    failures = [(t.role, t.number, r.status) for _, t, r in plan.failures()]
    assert failures == [("final", 1, "error")] * 2


def test_a_run_that_two_cells_share_is_computed_once(tmp_path, file):
    text = TINY.replace('["sgd", "adamw"]', '["sgd"]').partition("[tune]")[0]
    file.write_text(text + "[vary]\nlr = [0.1, 0.10]\n")
    with pytest.raises(UserError, match="twice"):
        go(file, tmp_path / "work")
    file.write_text(text + "[vary]\nlr = [0.5, 0.1]\n")
    executor = Inline()
    plan = go(file, tmp_path / "work", executor)
    assert [cell.place.variant for cell in plan.cells] == ["lr=0.5", "lr=0.1"]
    assert len(executor.tasks) == 4


@pytest.mark.parametrize("damage", ["cut", "figure", "swapped"])
def test_a_broken_record_is_named_set_aside_and_computed_again(tmp_path, file, damage):
    folder = tmp_path / "work"
    go(file, folder)
    whole = bits(folder)
    path, other = sorted(folder.glob("records/*/*.json"))[:2]
    content = path.read_bytes()
    path.write_bytes(
        {
            "cut": content[: len(content) // 2],
            "figure": content.replace(b'"accuracy":', b'"accuracy":1', 1),
            "swapped": other.read_bytes(),
        }[damage]
    )
    shutil.rmtree(folder / "results")  # else the published row would do
    executor = Inline()
    plan = go(file, folder, executor)
    assert len(plan.store.aside) == 1
    assert str(path) in plan.store.aside[0]
    assert (folder / "aside" / path.name).exists()
    assert [t.id for t in executor.tasks] == [path.stem]
    assert bits(folder) == whole


def test_a_record_that_cannot_be_read_is_no_broken_one(tmp_path, file):
    """Hours of runs are not computed again because a disk was away."""
    folder = tmp_path / "work"
    go(file, folder)
    path = min(folder.glob("records/*/*.json"))
    path.rename(kept := tmp_path / "kept")
    path.mkdir()  # nothing that can be read; permissions do not stop root
    executor = Inline()
    with pytest.raises(UserError, match=r"cannot be read \(Is a directory\); see to that"):
        go(file, folder, executor)
    path.rmdir()
    kept.rename(path)
    assert not (folder / "aside").exists()
    go(file, folder, executor)
    assert not executor.tasks


def test_a_worker_without_data_ends_the_study_and_is_no_result(tmp_path, file):
    folder = tmp_path / "work"
    for setup, said in (
        (Setup(data=tmp_path / "gone"), "gone is not a folder"),
        (Setup(engine="abacus"), "abacus"),
    ):
        with pytest.raises(UserError, match=said):
            go(file, folder, Inline(partial(work, setup=setup)))
    assert bits(folder) == {}


def test_a_message_that_is_no_unicode_is_kept(tmp_path, file):
    """As of an `OSError` about a file whose name is no UTF-8."""

    def failing(task):
        return Output(failed(task, "error", "OSError: caf\udce9"))

    folder = tmp_path / "work"
    plan = go(file, folder, Inline(failing))
    rows = [plan.store.row(task.id) for cell in plan.cells for task in cell.trials]
    assert {row.reason for row in rows} == {"OSError: caf\udce9"}
    executor = Inline()
    again = go(file, folder, executor)
    assert not executor.tasks
    assert not again.store.aside


def test_a_file_that_is_not_ours_among_the_records_is_passed_by(tmp_path, file):
    folder = tmp_path / "work"
    whole = bits((go(file, folder), folder)[1])
    (folder / "records" / ".DS_Store").write_text("a file")
    executor = Inline()
    go(file, folder, executor)
    assert not executor.tasks
    assert bits(folder) == whole


def test_a_run_that_two_cells_share_is_done_in_both(tmp_path):
    """Told while it runs and after a restart alike."""
    shared = tmp_path / "shared.toml"
    shared.write_text(
        'title = "S"\nscenarios = ["plain"]\nmethods = ["sgd"]\npasses = 0.04\nseeds = 2\n'
        '[vary]\nschedule = ["cosine", "cosine:warmup=0"]\n'
    )
    told = []
    plan = go(shared, tmp_path / "work", notify=lambda status, _: told.append(status.as_json()))
    assert told[-1]["scenarios"] == {"plain": {"planned": 4, "done": 4, "failed": 0}}
    assert Status(plan, 1).as_json()["scenarios"] == told[-1]["scenarios"]


@pytest.mark.parametrize(
    "broken", ["", "torn", "[]", '{"format": 3}', '{"format": 3, "runs": [[1]]}', '{"format": 1}']
)
def test_the_index_has_every_run_and_a_broken_one_is_made_again(tmp_path, file, broken):
    folder = tmp_path / "work"
    go(file, folder)
    index = json.loads((folder / "index.json").read_text())
    assert sorted(id for id, *_ in index["runs"]) == sorted(bits(folder))
    (folder / "index.json").write_text(broken)
    executor = Inline()
    go(file, folder, executor)
    assert not executor.tasks
    again = json.loads((folder / "index.json").read_text())
    assert sorted(again["runs"]) == sorted(index["runs"])


def test_a_record_that_changed_is_read_again_whatever_the_index_says(tmp_path, file):
    folder = tmp_path / "work"
    go(file, folder)
    path = next(folder.glob("records/*/*.json"))
    path.write_bytes(path.read_bytes()[:-20])
    with planned(file, folder, results=tmp_path / "none") as plan:  # nothing published to go by
        assert path.stem not in plan.store
        assert len(plan.store) == len(bits(folder)) == 9


def test_two_at_once_are_refused(tmp_path):
    with (
        exclusive_lock(tmp_path, "study"),
        pytest.raises(UserError, match="another process is computing the study"),
        exclusive_lock(tmp_path, "study"),
    ):
        pass
    with FileLock(tmp_path / ".lock", timeout=0):
        pass


class Other(Hashed):
    """Another version: other runs of the same study."""

    def numerics(self, recipe):
        return {"method_version": 2}

    def ids(self, recipe, seeds):
        return [f"{abs(hash((recipe.label(), str(recipe.budget), s))):016x}" for s in seeds]


def test_beginnings_do_not_replace_more_rows_from_elsewhere(tmp_path, file):
    go(file, tmp_path / "one", results=tmp_path / "results")
    path = tmp_path / "results" / "plain" / "sgd.jsonl"
    before = path.read_bytes()

    class Stops(Inline):
        def submit(self, task):
            if len(self.tasks) == 2:
                raise KeyboardInterrupt
            return super().submit(task)

    with pytest.raises(KeyboardInterrupt):
        go(file, tmp_path / "two", Stops(), Other(), results=tmp_path / "results")
    assert path.read_bytes() == before


def test_a_whole_cell_replaces_that_of_another_version_however_many_rows_it_had(tmp_path, file):
    """More recipes may have had to be confirmed there."""
    go(file, tmp_path / "one", results=tmp_path / "results")
    path = tmp_path / "results" / "plain" / "sgd.jsonl"
    first, *rest = path.read_text().splitlines()
    old = {json.loads(line)["id"] for line in (first, *rest)}
    more = json.dumps(json.loads(first) | {"number": 99, "id": "f" * 16})
    path.write_text("\n".join([first, *rest, more]) + "\n")
    go(file, tmp_path / "two", Inline(), Other(), results=tmp_path / "results")
    found = {json.loads(line)["id"] for line in path.read_text().splitlines()}
    assert found
    assert not found & {*old, "f" * 16}


def test_stopped_it_publishes_what_it_has_and_goes_on(tmp_path, file):
    class Stops(Inline):
        def submit(self, task):
            if len(self.tasks) == 2:
                raise KeyboardInterrupt
            return super().submit(task)

    with pytest.raises(KeyboardInterrupt):
        go(file, tmp_path / "work", Stops())
    cell = read_results(tmp_path / "work" / "results").cells[0]
    assert [row.number for row in cell.trials] == [0, 1]
    executor = Inline()
    go(file, tmp_path / "work", executor)
    assert len(executor.tasks) == 8


def test_beside_the_code_only_rows_of_committed_code_are_published(tmp_path, file):
    def by_changed_code(task):
        output = stub(task)
        changed = task.role == "final" and task.number == 1
        machine = {"git": "0123456789ab" + "+" * changed}
        return Output(replace(output.row, machine=machine))

    go(file, tmp_path / "work", Inline(by_changed_code))
    everything = read_results(tmp_path / "work" / "results")
    assert len(everything.rows()) == 10  # in a folder of one's own all is published
    with planned(file, tmp_path / "work", results=tmp_path / "beside") as plan:
        publisher = Publisher(plan, tmp_path / "note.json", committed=True)
        assert not plan.lacking()
        publisher.all()
    published = read_results(tmp_path / "beside")
    left_out = {row.id for cell in everything.cells for row in cell.finals if row.number == 1}
    assert publisher.left_out == left_out
    assert {r.id for r in published.rows()} == {r.id for r in everything.rows()} - left_out


def test_finals_are_measured_closely_from_the_start():
    points = eval_points(3)
    assert points[0] == 0.05
    assert points[-9:] == (1, 1.25, 1.5, 1.75, 2, 2.25, 2.5, 2.75, 3)
    for before, at in pairwise(points):
        assert before < at <= before + 0.25
        assert at / before < 2**0.5 + 0.015
    assert eval_points(0.3) == (0.05, 0.07, 0.1, 0.14, 0.2, 0.28)
    assert eval_points(0.04) == ()


def test_numbers_of_rows_are_those_of_the_plan(tmp_path, file):
    """A record may have been computed under another number."""
    folder = tmp_path / "work"
    with planned(file, folder) as plan:
        task = plan.cells[0].trials[2]
        plan.store.put(replace(stub(task).row, number=0))
    go(file, folder)
    cell = read_results(folder / "results").cells[0]
    assert [(row.number, row.id) for row in cell.trials][2] == (2, task.id)
