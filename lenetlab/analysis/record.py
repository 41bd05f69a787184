"""When does a method beat a target? Not when one lucky seed does."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean, stdev
from typing import Literal

from scipy import special

from lenetlab.analysis.intervals import quantile_of_t
from lenetlab.analysis.proportions import holm
from lenetlab.phrases import count, p_equals

SEEDS = 10
ALPHA = 0.05


RecordOutcome = Literal["beaten", "borderline", "not beaten"]


@dataclass(frozen=True)
class RecordVerdict:
    """Whether the target is beaten, and why or why not.

    outcome : `borderline` where the mean's interval, at 95 % as tables show it, and the corrected
        test disagree: one is above the target and the other not. It is no record.
    p, adjusted : of a mean so far above the target by luck alone, and after Holm's correction for
        all methods that try the target; None where it was not tested.
    bound : the mean is above this with a confidence of 95 %; None where there is no spread.
    mean : of the runs that have one; None without any.
    below : whether the target is one to be below, as that of a loss; then so for all of these.
    """

    target: float
    outcome: RecordOutcome
    reason: str
    p: float | None = None
    adjusted: float | None = None
    bound: float | None = None
    mean: float | None = None
    below: bool = False

    @property
    def beaten(self) -> bool:
        """Whether it is a record."""
        return self.outcome == "beaten"

    @property
    def passed(self) -> bool:
        """Whether the mean is beyond the target, be that a record or not."""
        return self.mean is not None and _beyond(self.mean, self.target, self.below)


def records(
    tried: Sequence[tuple[Sequence[float], int]], target: float, below: bool = False
) -> list[RecordVerdict]:
    """The record rule for every method that tries `target`, each its values and how many runs
    failed: at least `SEEDS` runs with seeds fixed beforehand, none failed, and the one-sided t test
    rejects at `ALPHA` that their mean is `target` or less. With many that try, one is above it by
    luck, so Holm's correction goes over them. With `below` the values are losses, and a record is
    below the target."""
    alone = [_alone(values, target, failed, below) for values, failed in tried]
    tested = [i for i, verdict in enumerate(alone) if verdict.p is not None]
    adjusted = holm([p for verdict in alone if (p := verdict.p) is not None])
    for i, corrected in zip(tested, adjusted, strict=True):
        alone[i] = _judged(alone[i], corrected, len(tried[i][0]), len(tested))
    return alone


def _alone(values: Sequence[float], target: float, failed: int, below: bool) -> RecordVerdict:
    n = len(values)
    mean = fmean(values) if values else None
    verdict = RecordVerdict(target, "not beaten", "", mean=mean, below=below)
    if failed:
        return replace(verdict, reason=f"{failed} of {n + failed} runs failed")
    if mean is None or n < SEEDS:
        return replace(verdict, reason=f"{count(n, 'seed')}; a record needs {SEEDS}")
    error = stdev(values) / math.sqrt(n)
    if error == 0:
        outcome: RecordOutcome = "beaten" if verdict.passed else "not beaten"
        reason = f"all {n} seeds give {_written(mean, below)}"
        return replace(verdict, outcome=outcome, reason=reason, bound=mean)
    side = -1 if below else 1
    p = float(special.stdtr(n - 1, side * (target - mean) / error))
    return replace(verdict, p=p, bound=mean - side * quantile_of_t(1 - ALPHA, n - 1) * error)


def _judged(verdict: RecordVerdict, adjusted: float, n: int, methods: int) -> RecordVerdict:
    """With the outcome. A two-sided interval at 1 - `ALPHA` is above the target where the one-sided
    p is half of `ALPHA` at most."""
    assert verdict.p is not None
    assert verdict.mean is not None
    interval, test = verdict.p <= ALPHA / 2, adjusted <= ALPHA
    outcome: RecordOutcome = (
        "beaten" if interval and test else "borderline" if interval or test else "not beaten"
    )
    side = "below" if verdict.below else "above"
    mean = _written(verdict.mean, verdict.below)
    found = f"mean {mean} of {n} seeds, {p_equals(adjusted)} one-sided"
    if methods > 1:
        found += f", Holm’s over {methods} methods"
    if outcome == "borderline":
        found += ": borderline, "
        found += f"only the interval is {side}" if interval else f"the interval is not {side}"
    elif outcome == "not beaten":
        found += ": not significant" if verdict.passed else f": not {side}"
    return replace(verdict, outcome=outcome, reason=found, adjusted=adjusted)


def _beyond(mean: float, target: float, below: bool) -> bool:
    return mean < target if below else mean > target


def _written(mean: float, below: bool) -> str:
    """An accuracy in percent, or a loss."""
    return f"{mean:.4f}" if below else f"{mean:.2f}"
