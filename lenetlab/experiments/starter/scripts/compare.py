"""A script's evaluations beside ours, and what of them may be compared."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lenetlab.experiments.starter.recipe import TestLine, baseline_recipe
from lenetlab.experiments.starter.scripts.recipe import Described, test_batch
from lenetlab.experiments.starter.scripts.record import Record
from lenetlab.problem.evaluation import SCRIPT_BATCH
from lenetlab.records.starter import SEED

HIGHEST = 3 * math.log(10)  # nats; guessing has ln 10, and more than this no net that learns


@dataclass(frozen=True)
class Compared:
    """Evaluations of both, in order.

    apart : why average losses are not compared; None if they are the same figure.
    """

    ours: list[TestLine]
    theirs: list[TestLine]
    apart: str | None

    def equal(self, mine: TestLine | None, other: TestLine | None) -> bool:
        """Whether all that can be compared is equal to the last digit."""
        if mine is None or other is None:
            return False
        return mine.correct == other.correct and (
            self.apart is not None or mine.starter_average_loss == other.starter_average_loss
        )

    @property
    def equals(self) -> int:
        """How many are equal."""
        return sum(map(self.equal, self.ours, self.theirs))

    @property
    def same(self) -> bool:
        """Whether all are."""
        return self.equals == max(len(self.ours), len(self.theirs))


def compare(ours: Sequence[TestLine], theirs: Sequence[TestLine], record: Record) -> Compared:
    """Pair the evaluations. The starter script's average loss depends on the batch size at
    which it is measured; others print the mean over images or batches."""
    apart = None
    size = test_batch(record)
    if size is None:
        apart = "the batch size of the script's measurement is not known"
    elif size != SCRIPT_BATCH:
        apart = (
            f"the script measures at batch {size}, and the starter script's figure, the sum of "
            f"the means of batches of {SCRIPT_BATCH} over 10,000, is another there"
        )
    elif any(line.starter_average_loss * SCRIPT_BATCH > HIGHEST for line in theirs):
        apart = (
            "the script's is on another scale than the starter script's, the sum of the means "
            f"of batches of {SCRIPT_BATCH} over 10,000"
        )
    return Compared(list(ours), list(theirs), apart)


def is_baseline(described: Sequence[Described], epochs: float, seed: int = SEED) -> bool:
    """Whether the script trains the baseline, so that its lines should be ours."""
    return len(described) == 1 and (
        (it := described[0]).recipe == baseline_recipe(epochs) and it.seed == seed and not it.others
    )
