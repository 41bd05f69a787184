"""Methods ranked across problems: which are, by what, and how sure the mean ranks are."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import rankdata

from lenetlab.analysis.across import rankings
from lenetlab.analysis.board import board
from lenetlab.analysis.profiles import profiles
from lenetlab.analysis.speed import durations
from lenetlab.records.cells import Cell, Results
from tests.studies import made_up

METHODS = ("sgd", "adamw", "muon")
PROBLEMS = ("fashion-mnist", "mnist", "leaves@12345678")


def on(problem: str, accuracies: dict[str, list[float]], scenario: str = "plain") -> list[Cell]:
    """Cells with such final accuracies by seed."""
    made = made_up(tuple(accuracies), (scenario,), seeds=10, trials=1)
    return [
        replace(
            cell,
            place=replace(cell.place, problem=problem),
            finals=tuple(replace(row, accuracy=value, loss=1 - value / 100)
                         for row, value in zip(cell.finals, accuracies[cell.place.name],
                                               strict=False)),
        )
        for cell in made.cells
    ]  # fmt: skip


def study(*cells: Cell) -> Results:
    return replace(made_up(METHODS, ("plain",)), cells=cells)


CLEAR = {"sgd": [80.0, 80.1], "adamw": [85.0, 85.2], "muon": [90.0, 90.1]}
SWAPPED = {"sgd": [80.0, 80.1], "adamw": [95.0, 95.2], "muon": [90.0, 90.1]}


def test_mean_ranks_are_those_of_the_means():
    cells = [*on(PROBLEMS[0], CLEAR), *on(PROBLEMS[1], CLEAR), *on(PROBLEMS[2], SWAPPED)]
    (found,) = rankings(study(*cells))
    assert found.problems == PROBLEMS
    assert [one.name for one in found.methods] == ["muon", "adamw", "sgd"]
    assert [one.ranks for one in found.methods] == [(1, 1, 2), (2, 2, 1), (3, 3, 3)]
    assert [one.mean_rank for one in found.methods] == pytest.approx([4 / 3, 5 / 3, 3])
    # seeds are far closer than methods: no draw of them changes a rank
    assert all(one.low == one.high == one.mean_rank for one in found.methods)
    assert (found.seeds, found.needed, found.left_out) == (2, 3, ())
    assert found.difference == pytest.approx(2.343 * math.sqrt(12 / 18), abs=0.001)
    assert found.groups == ((0, 2),)
    (by_loss,) = rankings(study(*cells), metric="loss")
    assert [one.mean_rank for one in by_loss.methods] == [one.mean_rank for one in found.methods]


def test_intervals_are_those_of_seeds_drawn_again():
    """Against a plain loop over draws of seeds, of two noisy methods."""
    rng = np.random.default_rng(3)
    noisy = {"sgd": list(90 + rng.normal(size=10)), "adamw": list(90.2 + rng.normal(size=10)),
             "muon": [95.0 + 0.01 * k for k in range(10)]}  # fmt: skip
    (found,) = rankings(study(*on(PROBLEMS[0], noisy), *on(PROBLEMS[1], CLEAR_10)))
    draws = []
    for _ in range(3000):
        taken = rng.integers(10, size=10)
        first = rankdata([-np.mean(np.array(noisy[name])[taken]) for name in METHODS])
        draws.append((first + np.array([3, 2, 1])) / 2)
    drawn = np.asarray(draws)
    alone, best = np.mean(drawn[:, 0] == 2.5), np.mean(drawn[:, 2] == 1)
    sgd = next(one for one in found.methods if one.name == "sgd")
    assert 0.1 < alone < 0.9  # so that either rank is within 95 %
    assert (sgd.low, sgd.high) == (2.5, 3.0)
    assert best == 1
    assert (found.methods[0].name, found.methods[0].low, found.methods[0].high) == ("muon", 1, 1)


CLEAR_10 = {name: [values[0] + 0.01 * k for k in range(10)] for name, values in CLEAR.items()}


def test_a_failed_method_is_last_and_an_absent_one_is_named():
    lost = on(PROBLEMS[1], CLEAR)
    lost[2] = replace(lost[2], finals=(lost[2].finals[0], replace(
        lost[2].finals[1], status="diverged", accuracy=None, loss=None)))  # fmt: skip
    (found,) = rankings(study(*on(PROBLEMS[0], CLEAR), *lost))
    muon = next(one for one in found.methods if one.name == "muon")
    assert muon.ranks == (1, 3)
    assert muon.means == (pytest.approx(90.05), None)
    (found,) = rankings(study(*on(PROBLEMS[0], CLEAR), *on(PROBLEMS[1], CLEAR)[:2]))
    assert [one.name for one in found.methods] == ["adamw", "sgd"]
    assert found.left_out == ("muon",)


def test_one_seed_gives_ranks_without_intervals():
    single = {name: values[:1] for name, values in CLEAR.items()}
    (found,) = rankings(study(*on(PROBLEMS[0], single), *on(PROBLEMS[1], single)))
    assert found.seeds == 1
    assert {one.low for one in found.methods} == {None}


def test_scenarios_are_ranked_apart_and_one_problem_is_no_ranking():
    both = [cell for scenario in ("plain", "l2") for problem in PROBLEMS[:2]
            for cell in on(problem, CLEAR, scenario)]  # fmt: skip
    assert [one.title for one in rankings(study(*both))] == ["plain", "l2"]
    assert rankings(study(*on(PROBLEMS[0], CLEAR))) == []
    apart = [*on(PROBLEMS[0], {"sgd": [80.0]}), *on(PROBLEMS[1], {"muon": [80.0]})]
    assert rankings(study(*apart)) == []


def test_no_leaderboard_mixes_problems_and_targets_are_fashion_mnists():
    results = study(*on(PROBLEMS[0], CLEAR), *on(PROBLEMS[1], SWAPPED))
    usual, other = (board(results, contest) for contest in results.leaderboards())
    assert [one.contest.title for one in (usual, other)] == ["plain", "plain on mnist"]
    assert other.contest.key == "plain,mnist"
    assert {line.cell.place.problem for line in other.lines} == {"mnist"}
    assert all(line.reached and line.records for line in usual.lines)
    assert not any(line.reached or line.records for line in other.lines)
    alone = study(*on(PROBLEMS[0], CLEAR))
    assert profiles(results) == profiles(alone)
    assert durations(other.lines[0].cell.finals, ()) == []
