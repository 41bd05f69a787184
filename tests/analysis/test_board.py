"""A leaderboard: order, standing by significance, what cannot be compared and why."""

import json
import math
import random
from dataclasses import replace
from statistics import fmean

import pytest
from scipy import stats

from lenetlab.analysis.as_json import board_as_json
from lenetlab.analysis.board import Board, Line, board
from lenetlab.analysis.targets import TARGETS
from lenetlab.errors import UserError
from lenetlab.records.cells import FINAL, Cell, Results, RunRow
from lenetlab.records.contest import Contest
from lenetlab.records.selection import leader
from tests.studies import made_up, row

PLAIN = Contest("plain")


def line(found: Board, name: str) -> Line:
    return next(line for line in found.lines if line.name == name)


def change(results: Results, name: str, **changed: object) -> Results:
    cells = [replace(c, **changed) if c.place.name == name else c for c in results.cells]
    return replace(results, cells=tuple(cells))


def shifted(cell: Cell, points: float, seed: int) -> tuple[RunRow, ...]:
    """The cell's finals, each by `points` and a little noise better, in the loss as well."""
    noise = random.Random(seed)
    return tuple(
        replace(r, accuracy=r.accuracy + better, loss=r.loss - better)
        for r in cell.finals
        if (better := points + noise.gauss(0, 0.1))
    )


MADE = made_up(("sgd", "nesterov", "adamw", "soap", "muon"), ("plain",))


def test_lines_are_ordered_by_their_mean_and_have_all_that_was_recorded():
    found = board(MADE, PLAIN)
    means = [one.accuracy.mean for one in found.lines]
    assert means == sorted(means, reverse=True)
    assert [one.rank for one in found.lines] == [1, 2, 3, 4, 5]
    muon = line(found, "muon")
    cell = muon.cell
    assert muon.accuracy.mean == pytest.approx(fmean(r.accuracy for r in cell.finals))
    assert muon.accuracy.median_interval.level == pytest.approx(1002 / 1024)
    assert muon.held_out == cell.best.accuracy
    assert muon.tuning.passes == pytest.approx(sum(r.passes for r in cell.trials))
    assert muon.tuning.runs == len(cell.trials)
    assert (muon.training.passes, muon.training.gradients) == (10, 600_000)
    assert muon.nonzeros == 24480
    assert len(muon.reached) == len(muon.records) == len(TARGETS)
    assert muon.command.startswith("lenetlab run muon --set lr=")
    assert muon.command.endswith("--passes 10 --seed 0 --seeds 10")


def test_every_method_is_compared_with_the_leader_on_held_out_images():
    found = board(MADE, PLAIN)
    first = leader(MADE.cells)
    assert found.reference is first
    assert found.led
    lead = line(found, first.place.name)
    assert (lead.standing, lead.difference, lead.tied) == ("reference", None, True)
    others = [one for one in found.lines if one is not lead]
    p = [stats.ttest_rel([r.accuracy for r in one.cell.finals],
                         [r.accuracy for r in first.finals]).pvalue for one in others]  # fmt: skip
    assert [one.difference.p for one in others] == pytest.approx(p)
    assert all(one.standing == "behind" and one.difference.mean < 0 for one in others)


def test_a_method_that_cannot_be_told_from_the_leader_is_tied_and_a_better_one_ahead():
    lead = leader(MADE.cells)
    changed = change(MADE, "sgd", finals=shifted(lead, 0.02, 1))
    changed = change(changed, "nesterov", finals=shifted(lead, 0.5, 2))
    found = board(changed, PLAIN)
    assert found.reference.place == lead.place  # although another is better on the test set
    assert line(found, "sgd").standing == "tied"
    assert line(found, "sgd").tied
    assert line(found, "nesterov").standing == "ahead"
    assert line(found, "nesterov").rank == 1
    by_loss = board(changed, PLAIN, metric="loss")
    assert line(by_loss, "nesterov").standing == "ahead"
    assert line(by_loss, "nesterov").difference.mean < 0
    assert by_loss.lines[0].loss.mean == min(one.loss.mean for one in by_loss.lines)


def test_failures_are_shown_and_not_tested():
    cell = MADE.cells[0]
    broken = row(FINAL, 3, "sgd", 88, random.Random(0), failed=True)
    finals = tuple(broken if r.seed == 3 else r for r in cell.finals)
    found = board(change(MADE, "sgd", finals=finals), PLAIN)
    sgd = found.lines[-1]
    assert (sgd.name, sgd.rank, sgd.standing) == ("sgd", None, "untested")
    assert sgd.reason == "1 of 10 runs failed"
    assert sgd.failures == ("seed 3: diverged, loss is nan at step 17",)
    assert sgd.accuracy.n == 9
    assert not any(verdict.beaten for verdict in sgd.records)
    assert sgd.reached[0].missed == 1
    # and the others are corrected for three tests, not four
    assert sum(one.difference is not None for one in found.lines) == 3


def test_nothing_is_compared_with_a_leader_whose_finals_failed():
    lead = leader(MADE.cells)
    finals = tuple(replace(r, status="timeout", reason=None) for r in lead.finals)
    found = board(change(MADE, lead.place.name, finals=finals), PLAIN)
    assert found.reference.place == lead.place
    assert all(one.difference is None for one in found.lines)
    assert line(found, "sgd").reason == f"runs of {lead.place.name} failed"
    assert line(found, lead.place.name).failures[0] == "seed 0: timeout"
    by_sgd = board(change(MADE, lead.place.name, finals=finals), PLAIN, against="sgd")
    assert line(by_sgd, "nesterov").standing == "ahead"


def test_it_is_said_when_only_some_were_tried_on_held_out_images():
    some = change(MADE, leader(MADE.cells).place.name, trials=())
    assert "of the 4 of 5 tried on them" in board(some, PLAIN).chosen
    assert board(MADE, PLAIN).chosen == "best on held-out training images, not on the test set"


def test_without_trials_the_first_of_the_study_is_compared_with_never_the_best():
    found = board(made_up(("sgd", "muon"), ("plain",), trials=0), PLAIN)
    assert found.reference.place.name == "sgd"
    assert not found.led
    assert found.chosen == "the first of the study, since nothing was tuned"
    assert line(found, "muon").standing == "ahead"
    assert line(found, "muon").tuning is None
    assert line(found, "muon").held_out is None


def test_one_seed_has_no_interval_and_no_test():
    found = board(made_up(("sgd", "muon"), ("plain",), seeds=1), PLAIN)
    sgd = line(found, "sgd")
    assert sgd.accuracy.n == 1
    assert sgd.accuracy.interval is sgd.accuracy.deviation is sgd.difference is None
    assert sgd.reason == "1 seed in common; two are needed"
    assert sgd.rank == 2


def test_a_study_with_trials_alone_and_one_where_all_diverged():
    found = board(made_up(("sgd", "muon"), ("plain",), seeds=0), PLAIN)
    sgd = line(found, "sgd")
    assert (sgd.rank, sgd.accuracy, sgd.reached, sgd.records) == (None, None, (), ())
    assert sgd.reason == "no run on the test set"
    assert "--split inner" in sgd.command  # of the best trial
    lost = board(made_up(("sgd", "muon"), ("plain",), failing=("sgd", "muon")), PLAIN)
    assert [one.rank for one in lost.lines] == [None, None]
    assert lost.lines[0].reason == "10 of 10 runs failed" or lost.lines[0].standing == "reference"
    assert lost.lines[0].training is None
    empty = board(Results("x", "x", 0, 0, 0, 0), PLAIN)
    assert (empty.reference, empty.lines) == (None, ())


def test_seeds_that_one_of_two_lacks_are_left_out_of_their_difference():
    lead = leader(MADE.cells)
    found = board(change(MADE, "sgd", finals=MADE.cells[0].finals[:4]), PLAIN)
    sgd = line(found, "sgd")
    assert (sgd.difference.n, sgd.difference.df) == (4, 3)
    pairs = zip(sgd.cell.finals, lead.finals[:4], strict=True)
    assert sgd.difference.mean == pytest.approx(fmean(a.accuracy - b.accuracy for a, b in pairs))


def test_who_to_compare_with_must_be_there_and_one():
    with pytest.raises(UserError, match="did you mean 'muon'"):
        board(MADE, PLAIN, against="muo")
    place = MADE.cells[0].place
    twice = [replace(MADE.cells[0], place=replace(place, variant=v)) for v in ("lr=1", "lr=2")]
    results = replace(MADE, cells=(*twice, *MADE.cells[1:]))
    with pytest.raises(UserError, match="more than one setting"):
        board(results, PLAIN, against="sgd")
    assert board(results, PLAIN, against="sgd, lr=2").reference is results.cells[1]
    beside = replace(MADE, cells=(twice[0], *MADE.cells))  # a variant, and then the method itself
    assert board(beside, PLAIN, against="sgd").reference is beside.cells[1]


def test_a_board_is_json_without_infinities():
    text = json.dumps(board_as_json(board(MADE, PLAIN)), allow_nan=False)
    lines = json.loads(text)["lines"]
    assert [one["name"] for one in lines] == [one.name for one in board(MADE, PLAIN).lines]
    never = lines[-1]["reached"][-1]
    assert (never["passes"], never["missed"]) == (None, 10)
    assert math.isinf(board(MADE, PLAIN).lines[-1].reached[-1].passes)


def test_what_a_killed_run_cost_is_not_known_and_no_zero():
    results = made_up(["sgd", "muon"], ["plain"])
    killed = replace(results.cells[0].trials[3], status="timeout", passes=None, ledger_counts=None,
                     train_seconds=None, cpu_seconds=None)  # fmt: skip
    trials = (*results.cells[0].trials[:3], killed, *results.cells[0].trials[4:])
    found = replace(results, cells=(replace(results.cells[0], trials=trials), results.cells[1]))
    sgd, muon = (next(x for x in board(found, PLAIN).lines if x.name == n)
                 for n in ("sgd", "muon"))  # fmt: skip
    assert sgd.tuning.passes is None
    assert sgd.tuning.cpu_seconds is None
    assert muon.tuning.passes == pytest.approx(sum(t.passes for t in muon.cell.trials))


def test_plain_has_a_board_of_its_own_for_methods_that_leave_norms_free():
    """Its leader is the best of those on held-out images, and its comparisons are among them."""
    first = leader(MADE.cells)
    held = [
        replace(c, place=replace(c.place, norms="sphere")) if c is first else c for c in MADE.cells
    ]
    made = replace(MADE, cells=tuple(held))
    whole, free = [board(made, contest) for contest in made.leaderboards()]
    assert [one.contest.title for one in (whole, free)] == ["plain", "plain, free norms"]
    assert whole.lead.name == first.place.name
    assert first.place.name not in [line.name for line in free.lines]
    rest = [c for c in made.cells if c.place.norms == "free"]
    assert free.lead.name == leader(rest).place.name
    assert len(free.compared) == len(rest) - 1
    assert board_as_json(free)["norms"] == "free"
    assert made.contests() == [whole.contest]  # every cell is counted once


def test_where_all_leave_norms_free_there_is_one_board():
    assert MADE.leaderboards() == MADE.contests()
    l2 = made_up(("sgd", "muon"), ("l2",))
    mixed = (replace(l2.cells[0], place=replace(l2.cells[0].place, norms="ball")), l2.cells[1])
    assert len(replace(l2, cells=mixed).leaderboards()) == 1
