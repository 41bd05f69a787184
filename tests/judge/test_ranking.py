"""Scores against a plain loop over the images, the bound, and ranks with ties."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from lenetlab.judge.ranking import compare, rank
from lenetlab.judge.rules import scenario_problems
from lenetlab.judge.scoring import Score
from lenetlab.judge.verdict import Verdict
from lenetlab.problem.model import CONSTRAINED, logits, views
from lenetlab.problem.scenarios import BOUND

from .corpus import weights


@pytest.fixture(scope="module")
def score(scorer) -> Score:
    found = scorer.score(weights())
    assert found is not None
    return found


def test_a_score_is_what_a_plain_evaluation_gives(score, test):
    w = weights().double()
    with torch.no_grad():
        scores = logits(views(w), test.images.unsqueeze(1).double() / 255)
    predicted = scores.argmax(dim=1)
    assert score.evaluation.loss == pytest.approx(float(F.cross_entropy(scores, test.labels)), 1e-6)
    counted = [[0] * 10 for _ in range(10)]
    for truth, given in zip(test.labels.tolist(), predicted.tolist(), strict=True):
        counted[truth][given] += 1
    assert score.confusion == counted
    assert score.evaluation.correct == sum(counted[k][k] for k in range(10))
    assert score.per_class == pytest.approx([counted[k][k] / 10 for k in range(10)])
    assert torch.equal(score.right, predicted == test.labels)
    assert score.low < score.evaluation.accuracy < score.high


def test_nonzeros_are_counted_by_layer(scorer):
    w = weights()
    named = views(w)
    named["fc1.weight"][:, :100] = 0
    named["fc3.weight"][0, :4] = -0.0
    found = scorer.score(w)
    assert found.nonzeros == {
        "conv1": 150, "conv2": 2400, "fc1": 120 * 156, "fc2": 10_080, "fc3": 836,
    }  # fmt: skip
    assert found.constrained == 120 * 156 + 10_080


@pytest.mark.parametrize("scenario", ["sparse", "sparse+l2"])
def test_the_bound_is_met_exactly_and_jointly(scenario):
    w = weights()
    w[BOUND:CONSTRAINED] = 0
    assert scenario_problems(w, scenario) == []
    w[CONSTRAINED - 1] = 1e-45  # the smallest there is
    (problem,) = scenario_problems(w, scenario)
    assert problem.startswith("24,481 nonzeros")
    assert scenario_problems(w, "plain") == []


def verdict(score: Score, name: str, right: Tensor, outcome: str = "kept") -> Verdict:
    evaluation = replace(score.evaluation, correct=int(right.sum()))
    return Verdict(name, "plain", outcome, score=replace(score, right=right, evaluation=evaluation))


def right(wrong: range, n: int = 10_000) -> Tensor:
    made = torch.ones(n, dtype=torch.bool)
    made[list(wrong)] = False
    return made


def test_two_nets_are_compared_image_by_image():
    found = compare(right(range(0, 10)), right(range(5, 30)))
    assert (found.only_first, found.only_second) == (20, 5)
    assert found.p == pytest.approx(0.004077, abs=1e-6)


def test_ranks_count_the_significantly_better(score):
    """b and c err on nearly the same images as each other, d on many more; broken and unreadable
    files have no rank."""
    entries = [
        verdict(score, "d", right(range(0, 400))),
        verdict(score, "b", right(range(0, 100))),
        verdict(score, "over the bound", right(range(0, 1)), "broken"),
        Verdict("noise", "plain", "unreadable", ("is noise",)),
        verdict(score, "c", right(range(2, 105))),
        verdict(score, "e", right(range(0, 403))),
    ]
    places = rank(entries)
    shown = {place.verdict.name: str(place) for place in places}
    assert shown == {
        "b": "1=",
        "c": "1=",
        "d": "3=",
        "e": "3=",
        "over the bound": "–",
        "noise": "–",
    }
    assert [place.verdict.name for place in places] == list(shown)


def test_what_keeps_the_rules_without_a_net_has_no_rank(score):
    """A challenge whose every final diverged."""
    places = rank([Verdict("none", "plain", "kept"), verdict(score, "b", right(range(0, 100)))])
    assert [(place.verdict.name, str(place)) for place in places] == [("b", "1"), ("none", "–")]


def test_equal_nets_stand_by_name_however_they_are_handed_in(score):
    entries = [verdict(score, name, right(range(0, 100))) for name in ("c", "a", "b")]
    entries += [Verdict(name, "plain", "unreadable") for name in ("z", "y")]
    for given in (entries, entries[::-1]):
        assert [place.verdict.name for place in rank(given)] == ["a", "b", "c", "y", "z"]
        assert [str(place) for place in rank(given)] == ["1=", "1=", "1=", "–", "–"]


def test_a_small_difference_is_a_rank_between_two_and_a_tie_among_three(score):
    """p = 10/256 parts two nets; among three pairs Holm's correction asks for a third of 5 %."""
    first, third, second = right(range(0, 1)), right(range(1, 9)), right(range(0, 4))
    assert compare(first, third).p == 10 / 256
    nets = [verdict(score, str(i), r) for i, r in enumerate((first, third, second))]
    assert [place.rank for place in rank(nets[:2])] == [1, 2]
    assert [str(place) for place in rank(nets)] == ["1=", "1=", "1="]


def test_only_nets_of_one_scenario_are_ranked_together(score):
    """In the order of the scenarios; a net of another one makes no pair to be corrected for."""
    sparse = [
        replace(verdict(score, name, right(range(*wrong))), scenario="sparse")
        for name, wrong in (("thin", (0, 400)), ("thinner", (0, 900)))
    ]
    plain = [verdict(score, "p", right(range(0, 1))), verdict(score, "q", right(range(1, 9)))]
    places = rank([*sparse, *plain])
    assert [(place.verdict.name, str(place)) for place in places] == [
        ("p", "1"), ("q", "2"), ("thin", "1"), ("thinner", "2"),
    ]  # fmt: skip
