"""Submissions that are one net: the same weights, or the same answer to every test image.

Equal weights come from equal seeds, recipes and kinds of machine, and from copying; which it was is
for a person to ask. Nets of which one has its hidden units in another order, or its weights a
little changed, still answer alike: two trainings never do, on all of 10,000 images.
"""

from collections.abc import Sequence
from typing import NamedTuple

from lenetlab.judge.scoring import Score
from lenetlab.judge.verdict import Verdict

LEARNED = 5  # classes that a net has to call some image by, to be told from others
WEIGHTS, ANSWERS = "the same weights", "the same answers to all images"


class Twins(NamedTuple):
    """Two or more submissions, and in what they are the same."""

    what: str
    names: list[str]


def twins(verdicts: Sequence[Verdict]) -> list[Twins]:
    """The groups of submissions that are one net."""
    alike: dict[bytes, list[Verdict]] = {}
    for verdict in verdicts:
        if verdict.score is not None and _distinct(verdict.score):
            alike.setdefault(_answers(verdict.score), []).append(verdict)
    found: list[Twins] = []
    for group in alike.values():
        equal: dict[str, list[str]] = {}
        for verdict in group:
            equal.setdefault(verdict.digest, []).append(verdict.name)
        found += [Twins(WEIGHTS, names) for names in equal.values() if len(names) > 1]
        if len(equal) > 1:
            found.append(Twins(ANSWERS, [names[0] for names in equal.values()]))
    return found


def _distinct(score: Score) -> bool:
    """Whether its answers tell it from others: nets that learned nothing call all images alike."""
    return sum(any(column) for column in zip(*score.confusion, strict=True)) > LEARNED


def _answers(score: Score) -> bytes:
    """The predictions, as far as a score keeps them: which are right, and the classes of all."""
    return score.right.numpy().tobytes() + str(score.confusion).encode()
