"""Time to a target: misses and failures are infinite, medians and ratios count them."""

import math
import random
from dataclasses import replace
from typing import Any

import pytest

from lenetlab.analysis.profiles import LATE, profiles, profiles_of
from lenetlab.analysis.speed import durations, reached, speed_up
from lenetlab.analysis.targets import Target, spent_to
from lenetlab.problem.scenarios import BOUND
from lenetlab.records.cells import FINAL, Results, RunRow
from lenetlab.records.contest import Contest
from tests.studies import made_up, row

INF = math.inf


def reaching(seed: int, passes: float | None, recipe: dict[str, Any] | None = None) -> RunRow:
    """A final that has 90 % at `passes`, and 80 % before and after; None: never."""
    made = row(FINAL, seed, "sgd", 88, random.Random(0))
    evaluations = [
        {**evaluation, "accuracy": 90.0 if evaluation["at"] == passes else 80.0, "nonzeros": 100}
        for evaluation in made.evaluations
    ]
    return replace(made, evaluations=evaluations, recipe=recipe or made.recipe)


def test_a_row_and_a_run_are_asked_alike():
    one = reaching(0, 4)
    assert spent_to(one, 90, "passes") == 4
    assert spent_to(one, 90, "seconds") == 2
    assert spent_to(one, 90, "cpu_seconds") == pytest.approx(2.8)
    assert spent_to(one, 90.1, "passes") == INF
    assert spent_to(one, 80, "passes") == 0.1


def test_looks_before_a_constraint_is_in_force_do_not_count():
    recipe = {"method": ["sgd", {}], "constraint": ["magnitude", {}]}
    one = reaching(0, 4, recipe)
    dense = [
        {**evaluation, "nonzeros": BOUND + (evaluation["at"] < 6)} for evaluation in one.evaluations
    ]
    assert spent_to(replace(one, evaluations=dense), 80, "passes") == 6
    assert spent_to(replace(one, evaluations=dense), 90, "passes") == INF


def test_misses_and_failures_are_infinite_and_counted():
    finals = [reaching(0, 1), reaching(1, 2), reaching(2, 4), reaching(3, None),
              replace(reaching(4, 1), status="diverged")]  # fmt: skip
    ninety = [Target(90, "")]
    theirs = durations(finals, ninety)
    (found,) = reached(finals, theirs, ninety)
    assert (found.runs, found.missed) == (5, 2)
    assert (found.passes, found.seconds, found.cpu_seconds) == (4, 2, pytest.approx(2.8))
    (even,) = reached(finals[1:], theirs, ninety)
    assert even.passes == INF  # half of them missed
    assert theirs[0]["passes"] == {0: 1, 1: 2, 2: 4, 3: INF, 4: INF}
    assert reached([], theirs, ninety) == ()


@pytest.mark.parametrize(
    ("ours", "theirs", "times"),
    [
        ([1, 2, 4], [2, 6, 4], 2),  # 2, 3, 1
        ([1, 2, INF], [2, 6, 4], 2),  # 2, 3, 0
        ([1, 2, 4], [INF, 6, INF], INF),
        ([INF, INF, 4], [2, 6, 4], 0),
        ([INF, 2, 4], [INF, 6, 4], 2),  # the first says nothing
        ([INF, INF, 4], [INF, INF, 4], None),
        ([], [], None),
    ],
)  # fmt: skip
def test_a_speed_up_is_the_median_ratio_of_pairs(ours, theirs, times):
    assert speed_up(dict(enumerate(ours)), dict(enumerate(theirs))) == times


def test_speed_ups_are_paired_by_seed():
    assert speed_up({0: 1, 1: 10, 5: 1}, {1: 20, 0: 2, 6: 100}) == 2


def test_a_profile_drawn_by_hand():
    """Three problems, and one that nobody solves. Ratios: a 1, 1, 3; b 2, 1, -; c -, 5, 1."""
    problems = [
        {"a": 1.0, "b": 2.0, "c": INF},
        {"a": 2.0, "b": 2.0, "c": 10.0},
        {"a": 6.0, "b": INF, "c": 2.0},
        {"a": INF, "b": INF, "c": INF},
    ]
    found = {profile.method: profile for profile in profiles_of(problems)}
    assert found["a"].steps == ((1, 2 / 3), (3, 1))
    assert found["b"].steps == ((1, 1 / 3), (2, 2 / 3))
    assert found["c"].steps == ((1, 1 / 3), (5, 2 / 3))
    assert {profile.problems for profile in found.values()} == {3}
    assert found["b"].at(1.99) == 1 / 3
    assert found["b"].at(2) == 2 / 3
    # areas from 1 to 4: a 2/3·2 + 1·1, b 1/3·1 + 2/3·2, c 1/3·3
    assert found["a"].score == pytest.approx((4 / 3 + 1) / 3)
    assert found["b"].score == pytest.approx((1 / 3 + 4 / 3) / 3)
    assert found["c"].score == pytest.approx(1 / 3)
    assert [profile.method for profile in profiles_of(problems)] == ["a", "b", "c"]


def test_a_method_without_runs_somewhere_did_not_get_there():
    found = {profile.method: profile for profile in profiles_of([{"a": 1.0}, {"a": 2, "b": 1}])}
    assert found["a"].steps == ((1, 0.5), (2, 1))
    assert found["b"].steps == ((1, 0.5),)


def test_profiles_of_a_study_are_over_scenarios_and_targets():
    results = made_up(("sgd", "muon"), ("plain", "l2"), seeds=3, trials=1)
    best, worst = profiles(results)
    assert (best.method, worst.method) == ("muon", "sgd")
    solved = sum(
        any(durations(c.finals, LATE)[i]["passes"][0] < INF for c in results.within(Contest(s)))
        for s in ("plain", "l2")
        for i in range(len(LATE))
    )
    assert abs(best.problems - solved) <= 2  # the first seed's instead of the median's
    assert best.at(1) == 1
    assert profiles(Results("x", "x", 0, 0, 0, 0)) == []
