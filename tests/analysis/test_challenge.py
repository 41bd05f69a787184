"""The verdict on a guest, against scipy's own tests on the same numbers."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from scipy import stats

from lenetlab.analysis.board import board
from lenetlab.analysis.challenge import Challenge, arrivals, challenge
from lenetlab.records.cells import Cell, Results, RunRow
from lenetlab.records.contest import Contest
from tests.studies import made_up

RESULTS = made_up(scenarios=["plain"])
CELLS = {cell.place.method: cell for cell in RESULTS.cells}
NEW, LEADER = CELLS["muon"], CELLS["sgd"]


def judged(guest: str, leader: str, results: Results = RESULTS) -> Challenge:
    (contest,) = results.contests()
    return challenge(results, contest, guest, leader)


def without(changed: Cell, finals: Sequence[RunRow]) -> Results:
    """The study with other finals of a cell."""
    cells = tuple(
        replace(cell, finals=tuple(finals)) if cell is changed else cell for cell in RESULTS.cells
    )
    return replace(RESULTS, cells=cells)


def _accuracies(cell: Cell) -> list[float]:
    return [float(row.accuracy) for row in cell.finals if row.accuracy is not None]


def test_runs_are_compared_in_pairs_of_seeds() -> None:
    found = judged("muon", "sgd")
    test = stats.ttest_rel(_accuracies(NEW), _accuracies(LEADER))
    assert found.accuracy is not None
    assert found.accuracy.p == pytest.approx(test.pvalue)
    low, high = test.confidence_interval(0.95)
    assert (found.accuracy.low, found.accuracy.high) == pytest.approx((low, high))
    assert found.verdict == "better"
    assert judged("sgd", "muon").verdict == "worse"


def test_runs_of_another_machine_are_pairs_as_on_a_board() -> None:
    """A leaderboard and a challenge say the same of two methods, whoever computed them where."""
    elsewhere = [replace(row, numerics={**row.numerics, "capability": "AVX2"})
                 for row in LEADER.finals]  # fmt: skip
    assert (
        judged("muon", "sgd", without(LEADER, elsewhere)).accuracy == judged("muon", "sgd").accuracy
    )


def test_seeds_that_are_not_in_common_are_not_compared() -> None:
    others = [replace(row, seed=row.seed + 100) for row in LEADER.finals]
    found = judged("muon", "sgd", without(LEADER, others))
    assert found.accuracy is None
    assert found.untested == "muon and sgd have no two seeds in common"
    assert found.verdict == "not tested"


def test_every_resident_is_compared_as_on_a_board_whose_reference_is_the_guest() -> None:
    found = judged("soap", "muon")
    assert [one.name for one in found.answered("worse")] == ["muon"]
    assert {one.name for one in found.answered("better")} == {"sgd", "nesterov", "adamw"}
    lines = {line.name: line for line in board(RESULTS, Contest("plain"), against="soap").lines}
    for one in found.residents:
        d = lines[one.name].difference
        assert d is not None
        assert one.effect is not None
        assert one.effect.p == d.adjusted
        assert (one.effect.mean, one.effect.low, one.effect.high) == (-d.mean, -d.high, -d.low)
        assert one.effect.low < one.effect.mean < one.effect.high


def test_failed_finals_are_said_and_nothing_is_tested() -> None:
    found = judged("muon", "sgd", made_up(scenarios=["plain"], failing=["muon"]))
    assert found.verdict == "not tested"
    assert len(found.failures) == 10
    assert not any(record.beaten for record in found.records)
    assert {one.answer for one in found.residents} == {"not compared"}


def test_held_out_images_say_who_would_lead_only_at_the_same_price() -> None:
    best = max(RESULTS.cells, key=lambda cell: cell.best.accuracy if cell.best else 0).place.name
    assert [judged(name, "sgd").leads for name in CELLS] == [name == best for name in CELLS]
    fewer = tuple(replace(cell, trials=cell.trials[:3]) if cell is NEW else cell
                  for cell in RESULTS.cells)  # fmt: skip
    assert judged("muon", "sgd", replace(RESULTS, cells=fewer)).leads is None


def test_a_median_is_there_where_more_than_half_arrived_and_its_interval_from_six_seeds() -> None:
    """Order statistics by hand: of ten values the interval is from the second to the ninth."""
    reached = arrivals(NEW)[2]
    passes = sorted(
        next(e["passes"] for e in row.evaluations if e["accuracy"] >= 89.38) for row in NEW.finals
    )
    assert (reached.runs, reached.reached) == (10, 10)
    assert (reached.passes.low, reached.passes.high) == (passes[1], passes[8])
    assert reached.passes.median == (passes[4] + passes[5]) / 2

    never = [replace(row, evaluations=[]) for row in NEW.finals]
    some = replace(NEW, finals=(*NEW.finals[:8], *never[8:]))
    assert arrivals(some)[2].reached == 8
    assert arrivals(some)[2].passes.median is not None
    assert arrivals(some)[2].passes.high is None  # among those that never did
    half = replace(NEW, finals=(*NEW.finals[:5], *never[5:]))
    assert arrivals(half)[2].passes.median is None
    few = arrivals(replace(NEW, finals=NEW.finals[:5]))[2].passes
    assert few.median is not None
    assert few.low is None
