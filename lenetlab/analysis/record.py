"""When does a method beat a target? Not when one lucky seed does."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from scipy import special

from lenetlab.analysis.intervals import quantile_of_t

SEEDS = 10
LEVEL = 0.05


@dataclass(frozen=True)
class Verdict:
    """Whether the target is beaten, and why or why not.

    p : of a mean so far above the target by luck alone; None where it was not tested.
    mean : of the runs that have one; None without any.
    above : the mean is above this with a confidence of 95 %; None where there is no spread.
    """

    target: float
    beaten: bool
    reason: str
    p: float | None = None
    above: float | None = None
    mean: float | None = None

    @property
    def passed(self) -> bool:
        """Whether the mean is above the target, be that a record or not."""
        return self.mean is not None and self.mean > self.target


def record(
    values: Sequence[float], target: float, failed: int = 0, level: float = LEVEL
) -> Verdict:
    """The record rule: at least `SEEDS` runs with seeds fixed beforehand, none failed, and the
    one-sided t test rejects at `level` that their mean is `target` or less."""
    n = len(values)
    mean = fmean(values) if values else None
    if failed:
        return Verdict(target, False, f"{failed} of {n + failed} runs failed", mean=mean)
    if mean is None or n < SEEDS:
        seeds = "seed" if n == 1 else "seeds"
        return Verdict(target, False, f"{n} {seeds}; a record needs {SEEDS}", mean=mean)
    error = stdev(values) / math.sqrt(n)
    above = mean - quantile_of_t(1 - level, n - 1) * error
    if error == 0:
        return Verdict(target, mean > target, f"all {n} seeds give {mean:.2f}",
                       above=mean, mean=mean)  # fmt: skip
    p = float(special.stdtr(n - 1, (target - mean) / error))
    beaten = p <= level
    found = f"mean {mean:.2f} of {n} seeds, p = {p:.2g} one-sided"
    reason = found if beaten else f"{found}: {'not significant' if mean > target else 'not above'}"
    return Verdict(target, beaten, reason, p, above, mean)
