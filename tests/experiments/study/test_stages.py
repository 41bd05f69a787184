"""The stages of a study: what is confirmed, what the leading methods get, in which order; and how
it goes on where another machine stopped."""

import json
from collections import Counter
from dataclasses import replace

import pytest

from lenetlab.analysis.board import board
from lenetlab.analysis.luck import luck
from lenetlab.analysis.state import scenario_progress
from lenetlab.experiments.study.coordinator import failed
from lenetlab.experiments.study.publish import Publisher
from lenetlab.experiments.study.run_ids import Names
from lenetlab.experiments.study.worker import Output, work_on
from lenetlab.experiments.tuning.tuned_recipes import kept_of
from lenetlab.records.contest import Contest
from lenetlab.records.rows import read_results
from lenetlab.records.selection import leader
from tests.experiments.study.studying import Hashed, Inline, bits, go, planned, stub

METHODS = ["sgd", "adamw", "lion", "muon"]
STAGED = f"""title = "Staged"
scenarios = ["plain"]
methods = {json.dumps(METHODS)}
passes = 0.04
seeds = 2
[tune]
trials = 3
passes = 0.02
confirm = 2
[leader]
best = 2
seeds = 3
[luck]
best = 1
searches = 2
"""
STAGES = ["trial", "confirmation", "final", "leader"]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "staged.toml"
    path.write_text(STAGED)
    return path


def graded(task):
    """Later methods are better by a point; within one, a run is worth a function of its recipe and
    its seed, less than a point."""
    base = 80.0 + METHODS.index(task.recipe.method.name)
    luck_ = int(Hashed().ids(task.recipe, [task.seed])[0][:4], 16) % 50 / 100
    row = stub(task).row
    return Output(replace(row, accuracy=base + luck_, loss=1.0 - luck_ / 100))


def roles(tasks):
    return Counter((t.recipe.method.name, t.role) for t in tasks)


def test_every_cell_is_complete_before_the_next_and_the_leading_get_more(tmp_path, file):
    executor = Inline(graded)
    go(file, tmp_path / "work", executor)
    seen = executor.tasks
    first = [(t.recipe.method.name, t.role) for t in seen[: 4 * (4 + 4 + 2)]]
    assert first == [(m, role) for m in METHODS for role, n in
                     zip(STAGES, (4, 4, 2), strict=False) for _ in range(n)]  # fmt: skip
    more = seen[40:]
    assert roles(more[:6]) == {("muon", "leader"): 3, ("lion", "leader"): 3}
    # two further searches of muon: the default was tried, 3 are drawn, 2 confirmed twice
    assert roles(more[6:]) == {("muon", "trial"): 6, ("muon", "confirmation"): 8}
    seeds = {role: {t.seed for t in seen if t.role == role} for role in STAGES}
    assert seeds == {"trial": {0}, "confirmation": {1001, 1002}, "final": {0, 1},
                     "leader": {2001, 2002, 2003}}  # fmt: skip
    splits = {(t.role, t.recipe.split, t.recipe.budget.amount) for t in seen}
    assert splits == {("trial", "inner", 0.02), ("confirmation", "inner", 0.04),
                      ("final", "official", 0.04), ("leader", "inner", 0.04)}  # fmt: skip

    again = Inline(graded)
    go(file, tmp_path / "work", again)
    assert again.tasks == []


def test_the_confirmed_recipe_has_the_finals_and_is_kept_with_both_figures(tmp_path, file):
    go(file, tmp_path / "work", Inline(graded))
    results = read_results(tmp_path / "work" / "results")
    for cell in results.cells:
        two = sorted(cell.trials, key=lambda row: -row.accuracy)[:2]
        means = {
            row.number: sum(c.accuracy for c in cell.confirmations if c.number == row.number) / 2
            for row in two
        }
        assert len(cell.confirmations) == 4
        assert set(means) == {row.number for row in cell.confirmations}
        best = max(means, key=means.__getitem__)
        assert cell.best.number == best
        for row in (*cell.finals, *cell.leading):
            assert row.recipe["method"] == cell.best.recipe["method"]
        kept = kept_of(results)[cell.place.method, "plain"]
        assert kept.confirmed == pytest.approx(means[best], abs=1e-4)
        assert kept.held_out == cell.best.accuracy
        assert (kept.trials, kept.passes, kept.budget, kept.seeds) == (4, 0.02, 0.04, 2)
        assert kept.effort == pytest.approx(4 * 0.02 + 4 * 0.04)
        assert "confirmed by 2 fresh seeds of 0.04 passes" in str(kept)
    assert leader(results.cells).place.method == "muon"
    assert [len(cell.leading) for cell in results.cells] == [0, 0, 3, 3]
    (found,) = luck(results, Contest("plain"))
    assert found.cell.place.method == "muon"
    searches = [cell.place.search for cell in results.searches]
    assert (len(found.means), searches) == (3, [2, 3])
    one, two, three = (results.cells[-1], *results.searches)
    assert one.trials[0].id == two.trials[0].id == three.trials[0].id  # the default
    assert len({row.id for cell in (one, two, three) for row in cell.trials}) == 10
    assert [state.left for state in scenario_progress(results)] == [0]


def test_the_leader_is_who_does_best_when_run_with_more_seeds(tmp_path, file):
    def otherwise(task):
        output = graded(task)
        if task.role != "leader" or task.recipe.method.name != "muon":
            return output
        return Output(replace(output.row, accuracy=output.row.accuracy - 4))

    go(file, tmp_path / "work", Inline(otherwise))
    assert leader(read_results(tmp_path / "work" / "results").cells).place.method == "lion"


def test_beside_the_code_no_stage_has_rows_by_changed_code(tmp_path, file):
    def by_changed_code(task):
        output = graded(task)
        changed = task.role in ("confirmation", "leader") and task.seed % 1000 == 1
        return Output(replace(output.row, machine={"git": "0123456789ab" + "+" * changed}))

    go(file, tmp_path / "work", Inline(by_changed_code))
    everything = read_results(tmp_path / "work" / "results").rows()
    left_out = {row.id for row in everything if row.of_changed_code}
    assert {row.role for row in everything if row.id in left_out} == {"confirmation", "leader"}
    with planned(file, tmp_path / "work", results=tmp_path / "beside") as plan:
        publisher = Publisher(plan, tmp_path / "note.json", committed=True)
        plan.lacking()
        publisher.all()
    published = read_results(tmp_path / "beside").rows()
    assert publisher.left_out == left_out
    assert {row.id for row in published} == {row.id for row in everything} - left_out


def test_a_recipe_that_collapses_when_confirmed_is_not_the_winner(tmp_path, file):
    """All confirmations of sgd end at chance; of adamw, those of the best trial."""
    text = STAGED.partition("[leader]")[0].replace(', "lion", "muon"', "")
    file.write_text(text)
    best = {}

    def sick(task):
        output = graded(task)
        name = task.recipe.method.name
        if task.role == "trial":
            best[name] = max(best.get(name, (0, 0)), (output.row.accuracy, task.number))
        if task.role == "confirmation" and (name == "sgd" or task.number == best[name][1]):
            return Output(failed(task, "diverged", "the loss is infinite"))
        return output

    executor = Inline(sick)
    plan = go(file, tmp_path / "work", executor)
    assert [cell.without_recipe for cell in plan.cells] == [True, False]
    # of sgd all four trials are confirmed, two and two
    assert roles(executor.tasks)["sgd", "confirmation"] == 8
    assert roles(executor.tasks)["adamw", "confirmation"] == 4
    cell = read_results(tmp_path / "work" / "results").cells[1]
    assert cell.best.number != best["adamw"][1]
    assert len(cell.finals) == 2
    untouched = Inline(sick)
    go(file, tmp_path / "work", untouched)
    assert untouched.tasks == []


def test_the_plan_is_told_by_stages_before_anything_is_known(tmp_path, file):
    with planned(file, tmp_path / "work") as plan:
        before = Counter()
        for share in plan.shares:
            before[share.stage] += share.runs
        passes = sum(share.runs * share.passes for share in plan.shares)
        runs = plan.runs
    assert before == {"trials": 16, "confirmations": 16, "finals": 8, "leader runs": 6,
                      "further searches": 2 * (3 + 4)}  # fmt: skip
    assert passes == pytest.approx((16 + 6) * 0.02 + (16 + 8 + 6 + 8) * 0.04)
    after = go(file, tmp_path / "work", Inline(graded))
    assert after.runs == runs + 2  # with the default of each search, which costs nothing


def test_stopped_anywhere_it_goes_on_to_the_same_rows(tmp_path, file):
    go(file, tmp_path / "whole", Inline(graded))
    for stop in (1, 5, 9, 39, 42, 50):

        class Stops(Inline):
            def submit(self, task, stop=stop):
                if len(self.tasks) == stop:
                    raise KeyboardInterrupt
                return super().submit(task)

        folder = tmp_path / f"stopped-{stop}"
        with pytest.raises(KeyboardInterrupt):
            go(file, folder, Stops(graded))
        go(file, folder, Inline(graded))
        assert bits(folder) == bits(tmp_path / "whole")
        for path in (tmp_path / "whole" / "results").rglob("*.json*"):
            there = folder / "results" / path.relative_to(tmp_path / "whole" / "results")
            assert there.read_bytes() == path.read_bytes()


class Elsewhere(Names):
    """The names that runs get on another machine."""

    def numerics(self, recipe):
        found = dict(super().numerics(recipe))
        found |= {"capability": "AVX-9", "torch": "9.9", "kernel": "0" * 16}
        return {name: value for name, value in found.items() if name != "threads"}


class Newer(Names):
    """The names that runs get once SGD has been changed."""

    def numerics(self, recipe):
        found = dict(super().numerics(recipe))
        if recipe.method.name == "sgd":
            found["method_version"] += 1
        return found


def told(names):
    """Rows with the numerics of a machine."""

    def work(task):
        return Output(replace(graded(task).row, numerics=dict(names.numerics(task.recipe))))

    return work


@pytest.mark.parametrize("what", ["results", "records"])
def test_a_study_of_another_machine_is_gone_on_with(tmp_path, file, runtime, what):
    """From its published rows, or from the records of its working folder."""
    there, here = Elsewhere(runtime), Names(runtime)
    one, two = tmp_path / "one", tmp_path / "two"
    go(file, one, Inline(told(there)), there, results=tmp_path / "results")
    before = {p: p.read_bytes() for p in (tmp_path / "results").rglob("*.json*")}
    if what == "records":
        two = one
        for path in before:
            path.unlink()
    untouched = Inline(told(here))
    plan = go(file, two, untouched, here, results=tmp_path / "results")
    assert untouched.tasks == []
    assert {p: p.read_bytes() for p in (tmp_path / "results").rglob("*.json*")} == before
    row = plan.store.row(plan.cells[0].finals[0].id)
    assert row.numerics["capability"] == "AVX-9"  # it keeps its own

    file.write_text(STAGED.replace("seeds = 2\n[tune]", "seeds = 3\n[tune]"))
    more = Inline(told(here))
    go(file, two, more, here, results=tmp_path / "results")
    assert roles(more.tasks) == {(name, "final"): 1 for name in METHODS}
    cell = read_results(tmp_path / "results").cells[0]
    kinds = [row.numerics["capability"] for row in cell.finals]
    assert kinds == ["AVX-9", "AVX-9", here.numerics(plan.cells[0].trials[0].recipe)["capability"]]


def test_a_changed_method_is_computed_again_and_nothing_else(tmp_path, file, runtime):
    old, new = Elsewhere(runtime), Newer(runtime)
    go(file, tmp_path / "one", Inline(told(old)), old, results=tmp_path / "results")
    executor = Inline(told(new))
    go(file, tmp_path / "two", executor, new, results=tmp_path / "results")
    assert roles(executor.tasks) == {
        ("sgd", "trial"): 4, ("sgd", "confirmation"): 4, ("sgd", "final"): 2,
    }  # fmt: skip
    cells = read_results(tmp_path / "results").cells
    versions = {cell.place.method: {row.numerics["method_version"] for row in cell.rows}
                for cell in cells}  # fmt: skip
    assert len(versions["sgd"]) == 1
    assert versions["sgd"] == {new.numerics(_recipe(file))["method_version"]}


def _recipe(file):
    from lenetlab.experiments.study.study_file import read_study

    return read_study(file)[1][0][0]


def test_a_failed_run_of_another_machine_is_tried_again_here(tmp_path, file, runtime):
    there, here = Elsewhere(runtime), Names(runtime)

    def sick(task):
        row = told(there)(task).row
        bad = task.role == "final" and task.number == 1
        return Output(replace(row, status="diverged", reason="!") if bad else row)

    go(file, tmp_path / "one", Inline(sick), there, results=tmp_path / "results")
    untouched = Inline(told(here))
    go(file, tmp_path / "two", untouched, here, results=tmp_path / "results")
    assert untouched.tasks == []
    retried = Inline(told(here))
    go(file, tmp_path / "two", retried, here, retry=True, results=tmp_path / "results")
    assert roles(retried.tasks) == {(name, "final"): 1 for name in METHODS}
    cells = read_results(tmp_path / "results").cells
    assert all(row.done for cell in cells for row in cell.rows)


def test_real_runs_of_all_stages(tmp_path, file, runtime):
    file.write_text("""scenarios = ["plain"]
methods = ["adamw"]
passes = 0.08
seeds = 1
[tune]
trials = 1
passes = 0.02
confirm = 1
[leader]
best = 1
seeds = 2
""")
    executor = Inline(lambda task: work_on(task, runtime))
    go(file, tmp_path / "work", executor, Names(runtime))
    results = read_results(tmp_path / "work" / "results")
    (cell,) = results.cells
    assert all(row.done for row in results.rows())
    assert [len(rows) for rows in (cell.trials, cell.confirmations, cell.finals, cell.leading)] \
        == [2, 2, 1, 2]  # fmt: skip
    assert [row.seed for row in cell.confirmations] == [1001, 1002]
    assert len({row.loss for row in (*cell.confirmations, *cell.leading)}) == 4
    assert {row.correct <= 10_000 for row in cell.rows} == {True}


def paced(seconds):
    """Work at so many CPU seconds a pass."""

    def work(task):
        row = graded(task).row
        passes = task.recipe.budget.amount
        pace = seconds[task.recipe.method.name]
        return Output(replace(row, passes=passes, cpu_seconds=passes * pace))

    return work


def test_a_method_too_slow_for_its_study_keeps_its_trials_and_says_so(tmp_path, file):
    # a whole cell is 4 trials of 0.02 passes, 4 confirmations and 2 finals of 0.04: 0.32 passes
    file.write_text("cell_limit = 3.2\n" + STAGED)
    executor = Inline(paced({"sgd": 1.0, "adamw": 9.99, "lion": 10.01, "muon": 500.0}))
    go(file, tmp_path / "work", executor)
    ran = roles(executor.tasks)
    for method, finals in (("sgd", 2), ("adamw", 2), ("lion", 0), ("muon", 0)):
        assert ran[method, "final"] == finals
        assert ran[method, "trial"] >= 4
        assert (ran[method, "confirmation"] > 0) == (finals > 0)
    assert ran["adamw", "leader"] == ran["sgd", "leader"] == 3  # of those that can be confirmed

    results = read_results(tmp_path / "work" / "results")
    slow = {c.place.method: results.too_slow(c) for c in results.cells}
    assert (slow["sgd"], slow["adamw"]) == (None, None)
    assert slow["lion"] == pytest.approx(3.2032)
    assert slow["muon"] == pytest.approx(160.0)
    said = {line.name: line.reason for line in board(results, Contest("plain")).lines}
    assert "would take 3 minutes of a core, more than the 0.0533333" in said["muon"]
    assert [state.left for state in scenario_progress(results)] == [0]
    again = Inline(graded)
    go(file, tmp_path / "work", again)
    assert again.tasks == []


def test_finals_may_have_seeds_of_their_own(tmp_path, file):
    file.write_text("first_seed = 100\n" + STAGED)
    executor = Inline(graded)
    go(file, tmp_path / "work", executor)
    finals = [task for task in executor.tasks if task.role == "final"]
    assert {task.seed for task in finals} == {100, 101}
    assert {task.seed for task in finals if task.save_weights} == {100}
