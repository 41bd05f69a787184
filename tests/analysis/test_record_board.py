"""Record boards of made-up rows: who holds them, what becomes of the bound, what is said of it."""

import json
from dataclasses import replace
from statistics import fmean

import pytest
from scipy import stats

from lenetlab.analysis.record import records
from lenetlab.analysis.record_board import RecordBoard, record_board
from lenetlab.errors import UserError
from lenetlab.records.cells import Cell, Results
from lenetlab.records.goal import Goal
from lenetlab.records.rows import STUDY, read_results, write_results
from lenetlab.report.record_boards import ahead, columns, verdict
from tests.studies import made_up, with_stages


def study(goal: Goal, failing: tuple[str, ...] = ()) -> Results:
    found = with_stages(made_up(scenarios=["l2"], failing=failing), best=2, searches=0)
    return replace(found, record=goal)


def texts(one: RecordBoard) -> dict[str, str]:
    return {key: column.text(one) for key, column in columns([one]).items()}


def accuracies(results: Results, method: str) -> list[float]:
    (cell,) = (cell for cell in results.cells if cell.place.method == method)
    return [row.accuracy for row in cell.finals]


def test_a_beaten_bound_is_scipys_test_with_holms_correction():
    goal = Goal("the best", above=90.0)
    results = study(goal)
    one = record_board(results, goal)
    assert one.computed
    assert one.line.name == "muon"
    tests = [stats.ttest_1samp(accuracies(results, cell.place.method), 90, alternative="greater")
             for cell in results.cells]  # fmt: skip
    muon = tests[-1]
    assert muon.pvalue == min(found.pvalue for found in tests)
    assert one.verdict.adjusted == pytest.approx(5 * muon.pvalue)
    shown = texts(one)
    assert shown["verdict"] == "beaten"
    assert shown["low"] == f"> {muon.confidence_interval(0.95).low:.2f}"
    assert shown["mean"].startswith(f"{fmean(accuracies(results, 'muon')):.2f} ± ")
    assert (shown["who"], shown["seeds"]) == ("muon", "10")
    assert shown["asked"] == "accuracy above 90 %"
    assert shown["where"] == "l2, 10 passes"
    assert "nonzeros" not in shown
    json.dumps(one.as_json(), allow_nan=False)


def test_the_price_is_that_of_all_runs_that_chose_it():
    goal = Goal("the best", above=90.0)
    results = study(goal)
    rows = [row for cell in results.cells for row in cell.rows if row.role != "final"]
    assert record_board(results, goal).price == pytest.approx(sum(row.passes for row in rows))


def test_a_missed_bound_shows_its_interval():
    goal = Goal("more", above=95.0)
    results = study(goal)
    one = record_board(results, goal)
    muon = stats.ttest_1samp(accuracies(results, "muon"), 95).confidence_interval(0.95)
    assert verdict(one) == f"missed, {muon.low:.2f} … {muon.high:.2f}"
    assert one.computed
    mean = fmean(accuracies(results, "muon"))
    close = record_board(results, Goal("close", above=mean - 0.001))
    assert verdict(close).startswith("not significant, ")


def test_a_bound_may_be_of_the_loss():
    goal = Goal("the least", below=0.5)
    results = study(goal)
    one = record_board(results, goal)
    losses = [row.loss for row in results.cells[-1].finals]
    theirs = stats.ttest_1samp(losses, 0.5, alternative="less")
    assert one.verdict.p == pytest.approx(theirs.pvalue)
    assert one.verdict.bound == pytest.approx(theirs.confidence_interval(0.95).high)
    assert texts(one)["low"] == f"< {one.verdict.bound:.4f}"
    assert texts(one)["mean"].startswith(f"{fmean(losses):.4f} ± ")
    assert verdict(one) == "beaten"
    assert verdict(record_board(results, Goal("less", below=0.01))).startswith("missed, 0.")


def test_what_is_said_of_a_loss_is_said_of_below():
    losses = [0.25 + 0.001 * k for k in range(10)]
    beaten, not_below = (records([(losses, 0)], bound, below=True)[0] for bound in (0.3, 0.2))
    assert beaten.outcome == "beaten"
    assert beaten.passed
    assert "mean 0.2545 of 10 seeds" in beaten.reason
    assert not_below.reason.endswith(": not below")
    assert not not_below.passed
    same = records([([0.25] * 10, 0)], 0.3, below=True)[0]
    assert (same.outcome, same.bound) == ("beaten", 0.25)


def test_who_holds_it_was_chosen_on_held_out_images_whoever_is_better_in_the_test():
    goal = Goal("the best", above=80.0)
    results = study(goal)
    *others, muon = results.cells
    worse = tuple(replace(row, accuracy=row.accuracy - 3) for row in muon.finals)
    changed = replace(results, cells=(*others, replace(muon, finals=worse)))
    one = record_board(changed, goal)
    assert one.line.name == "muon"
    assert one.ahead[0].name == "soap"
    assert f"soap ({fmean(accuracies(results, 'soap')):.2f})" in ahead(one)
    assert "significantly better on the test set than muon" in ahead(one)
    assert ahead(record_board(results, goal)) == ""


def test_what_lacks_runs_has_no_verdict_yet():
    goal = Goal("the best", above=80.0)
    results = study(goal)
    first, *others = results.cells
    fewer = replace(results, cells=(replace(first, finals=first.finals[:9]), *others))
    assert verdict(record_board(fewer, goal)) == "not finished: sgd"
    trials = replace(first, trials=first.trials[:-1])
    assert record_board(replace(results, cells=(trials, *others)), goal).unfinished == ("sgd",)
    undecided = tuple(replace(cell, leading=()) for cell in results.cells)
    assert not record_board(replace(results, cells=undecided), goal).computed
    none = tuple(replace(cell, trials=(), finals=(), confirmations=(), leading=())
                 for cell in results.cells)  # fmt: skip
    one = record_board(replace(results, cells=none), goal)
    assert verdict(one) == "not computed"
    assert not one.computed
    assert texts(one)["mean"] == "–"


def test_a_method_whose_trials_all_failed_is_finished():
    goal = Goal("the best", above=80.0)
    results = study(goal, failing=("sgd",))
    gone = replace(results.cells[0], finals=())
    assert record_board(replace(results, cells=(gone, *results.cells[1:])), goal).computed


def test_a_method_too_slow_for_its_study_is_finished_with_its_trials():
    goal = Goal("the best", above=80.0)
    results = replace(study(goal), cell_limit=3600.0)
    first, *others = results.cells
    trials = tuple(replace(row, cpu_seconds=1e5) for row in first.trials)
    slow = Cell(first.place, trials)
    assert record_board(replace(results, cells=(slow, *others)), goal).computed
    fewer = replace(results, cells=(Cell(first.place, trials[:-1]), *others))
    assert record_board(fewer, goal).unfinished == ("sgd",)


def test_a_bound_is_kept_with_the_rows(tmp_path):
    goal = Goal("the least", below=0.25)
    write_results(tmp_path, study(goal))
    assert read_results(tmp_path).record == goal
    plan = json.loads((tmp_path / STUDY).read_text())
    for wrong in ({"goal": "x"}, {"goal": "x", "above": 1, "below": 2}, {"goal": 1}, 3):
        (tmp_path / STUDY).write_text(json.dumps(plan | {"record": wrong}))
        with pytest.raises(UserError, match="is broken"):
            read_results(tmp_path)
