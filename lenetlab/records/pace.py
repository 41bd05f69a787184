"""Whether a cell can be finished in the time that its study gives it, by the pace of its trials.

A method that takes an hour for what others do in minutes keeps its trials, and nothing more of it
is computed; its leaderboard says so.
"""

from collections.abc import Iterable
from typing import Protocol

from lenetlab.records.selection import Stages


class Timed(Protocol):
    """What a run took."""

    @property
    def cpu_seconds(self) -> float | None: ...
    @property
    def passes(self) -> float | None: ...


def cell_passes(
    trials: int, tuning_passes: float, stages: Stages, seeds: int, passes: float
) -> float:
    """The effective passes of a whole cell: trials, confirmations, finals."""
    return trials * tuning_passes + (stages.confirmations + seeds) * passes


def beyond(limit: float | None, trials: Iterable[Timed], passes: float) -> float | None:
    """CPU seconds of a cell of `passes`, at the pace of its `trials`, where they exceed a limit."""
    if limit is None:
        return None
    seconds = projected(trials, passes)
    return seconds if seconds is not None and seconds > limit else None


def projected(trials: Iterable[Timed], passes: float) -> float | None:
    """CPU seconds that `passes` take at the pace of `trials`; None where no trial was timed."""
    known = [(t.cpu_seconds, t.passes) for t in trials if t.cpu_seconds is not None and t.passes]
    if not known:
        return None
    return passes * sum(seconds for seconds, _ in known) / sum(own for _, own in known)
