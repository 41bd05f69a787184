"""Many verdicts in one order, with ties where the test images cannot tell two nets apart."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from torch import Tensor

from lenetlab.analysis.proportions import holm, mcnemar
from lenetlab.judge.verdict import STATUS, Verdict
from lenetlab.problem.scenarios import SCENARIOS

ALPHA = 0.05


@dataclass(frozen=True)
class Ranked:
    """A verdict and its rank: one more than the number of nets of its scenario that are
    significantly better. None for what does not keep the rules."""

    verdict: Verdict
    rank: int | None
    tied: bool = False

    def __str__(self) -> str:
        return "–" if self.rank is None else f"{self.rank}{'=' if self.tied else ''}"


@dataclass(frozen=True)
class Comparison:
    """McNemar's exact test of two nets on the same images.

    only_first, only_second : images that one classified correctly and the other did not.
    """

    only_first: int
    only_second: int
    p: float

    def as_json(self) -> dict[str, Any]:
        """Plain values, for `--json`."""
        return dict(vars(self))


def compare(first: Tensor, second: Tensor) -> Comparison:
    """Compare what two nets got right (n,), image by image."""
    b, c = int((first & ~second).sum()), int((second & ~first).sum())
    return Comparison(b, c, mcnemar(b, c))


def rank(verdicts: Sequence[Verdict]) -> list[Ranked]:
    """The nets that keep the rules, scenario by scenario; after them what breaks them, then what is
    unreadable. Within a scenario by accuracy, then loss, then name.

    Two nets of a scenario differ if McNemar's exact test says so at 5 %, by Holm's correction over
    its pairs. What keeps the rules and has no net, as where every final diverged, has no rank.
    """
    kept = [v for v in verdicts if _has_rank(v)]
    others = sorted((v for v in verdicts if not _has_rank(v)), key=_order)
    where = [*SCENARIOS, *(v.scenario for v in kept)]  # a challenge is of several
    places = [
        place
        for scenario in dict.fromkeys(where)
        for place in _within([v for v in kept if v.scenario == scenario])
    ]
    return places + [Ranked(verdict, None) for verdict in others]


def _has_rank(verdict: Verdict) -> bool:
    return verdict.outcome == "kept" and verdict.score is not None


def _within(verdicts: Sequence[Verdict]) -> list[Ranked]:
    ranked = sorted(verdicts, key=_order)
    scores = [v.score for v in ranked if v.score is not None]
    pairs = list(combinations(range(len(scores)), 2))
    adjusted = holm([compare(scores[i].right, scores[j].right).p for i, j in pairs])
    better = [0] * len(scores)
    for (_, j), p in zip(pairs, adjusted, strict=True):
        if p < ALPHA:
            # the second of a pair stands behind the first in accuracy
            better[j] += 1
    places = [
        Ranked(verdict, 1 + n, better.count(n) > 1)
        for verdict, n in zip(ranked, better, strict=True)
    ]
    return sorted(places, key=lambda place: place.rank or 0)


def _order(verdict: Verdict) -> tuple[int, float, float, str]:
    score = verdict.score
    if score is None:
        return STATUS[verdict.outcome], 1.0, 0.0, verdict.name
    found = score.evaluation
    return STATUS[verdict.outcome], -found.correct, found.loss, verdict.name
