"""What runs took: effective passes, example gradients, seconds."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lenetlab.records.cells import RunRow


@dataclass(frozen=True)
class Cost:
    """What `runs` runs took: all together for trials, on average for finals.

    passes : effective passes. gradients : example gradients. seconds, cpu_seconds : of training.
    All None if a run was killed from outside: nobody knows what it cost.
    """

    runs: int
    passes: float | None
    gradients: float | None
    seconds: float | None
    cpu_seconds: float | None


def cost(found: Sequence[RunRow], share: int = 1) -> Cost | None:
    """What the runs of rows `found` took, divided by `share`; None without rows. Trials that drew
    one recipe are one run."""
    rows = list({(row.role, row.id): row for row in found}.values())
    if not rows:
        return None

    def shared(values: Iterable[float | None]) -> float | None:
        found = total(values)
        return None if found is None else found / share

    return Cost(
        runs=len(rows),
        passes=shared(row.passes for row in rows),
        gradients=shared(
            row.ledger_counts["gradients"] if row.ledger_counts else None for row in rows
        ),
        seconds=shared(row.train_seconds for row in rows),
        cpu_seconds=shared(row.cpu_seconds for row in rows),
    )


def total(values: Iterable[float | None]) -> float | None:
    """The sum; None if one of the values is not known."""
    known = list(values)
    return None if None in known else sum(value for value in known if value is not None)
