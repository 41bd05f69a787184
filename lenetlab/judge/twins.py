"""Submissions that are one net: the same weights, nearly the same, or the same answer to every
test image.

Equal weights come from equal seeds, recipes and kinds of machine, and from copying; which it was is
for a person to ask. Nearly equal ones also come from rounding, from added noise, and from the same
seed and recipe on another kind of machine. Nets of which one has its hidden units in another order
still answer alike: two trainings never do, on all of 10,000 images.
"""

from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple

import torch
from scipy.sparse.csgraph import connected_components

from lenetlab.judge.scoring import Score
from lenetlab.judge.verdict import Verdict

LEARNED = 5  # classes that a net has to call some image by, to be told from others
# How far apart the weights of one net may be, relative to their norm. Measured: the script by
# another engine 10⁻⁶, rounded to float16 0.0002, to bfloat16 0.0016, to three decimals up to 0.006.
# With one seed the script for 10 and for 11 epochs 0.019, a good recipe for 9 and for 10 0.1. Two
# seeds 1.4, which is √2: at right angles to each other.
NEAR = 0.01
WEIGHTS, NEARLY = "the same weights", "nearly the same weights"
ANSWERS = "the same answers to all images"


class Twins(NamedTuple):
    """Two or more submissions, and in what they are the same."""

    what: str
    names: list[str]


def twins(verdicts: Sequence[Verdict]) -> list[Twins]:
    """The groups of submissions that are one net. What is one by a stricter measure is named by its
    first in the next."""
    left = [v for v in verdicts if v.w is not None and v.score is not None and _distinct(v.score)]
    found: list[Twins] = []
    for what, mark in ((WEIGHTS, _digests), (NEARLY, _neighbours), (ANSWERS, _answers)):
        groups = _groups(left, mark)
        found += [Twins(what, [v.name for v in group]) for group in groups if len(group) > 1]
        left = [group[0] for group in groups]
    return found


def twins_of(name: str, found: Sequence[Twins]) -> tuple[str, ...]:
    """In what a submission is the same as which others, a sentence for each measure."""
    return tuple(
        f"{what} as {', '.join(other for other in names if other != name)}"
        for what, names in found
        if name in names
    )


def _groups(
    verdicts: Sequence[Verdict], mark: Callable[[Sequence[Verdict]], Sequence[Hashable]]
) -> list[list[Verdict]]:
    """The verdicts that have the same mark, in their order."""
    found: dict[Hashable, list[Verdict]] = {}
    for its, verdict in zip(mark(verdicts), verdicts, strict=True):
        found.setdefault(its, []).append(verdict)
    return list(found.values())


def _digests(verdicts: Sequence[Verdict]) -> list[str]:
    return [v.digest for v in verdicts]


def _neighbours(verdicts: Sequence[Verdict]) -> list[int]:
    """A number for each; nets that hang together by pairs of nearly the same weights have one."""
    known = [v.w for v in verdicts if v.w is not None]
    if not known:
        return []
    w = torch.stack(known)
    # without differences of large squares, which are no good for what lies close together
    apart = torch.cdist(w, w, compute_mode="donot_use_mm_for_euclid_dist")
    norms = w.norm(dim=1)
    near = apart <= NEAR * torch.maximum(norms[:, None], norms)
    numbers: list[int] = connected_components(near.numpy(), directed=False)[1].tolist()
    return numbers


def _answers(verdicts: Sequence[Verdict]) -> list[bytes]:
    """The predictions, as far as a score keeps them: which are right, and the classes of all."""
    scores = [v.score for v in verdicts if v.score is not None]
    return [score.right.numpy().tobytes() + str(score.confusion).encode() for score in scores]


def _distinct(score: Score) -> bool:
    """Whether its answers tell it from others: nets that learned nothing call all images alike."""
    return sum(any(column) for column in zip(*score.confusion, strict=True)) > LEARNED
