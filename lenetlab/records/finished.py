"""What a run came to, in one shape from the training loop to the row of a study.

A new figure is a field here, and the line of `experiments/run/in_memory.py` that measures it: run
folder, summary and row carry it along.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self


def ended(status: str, reason: str | None) -> str:
    """How a run ended, and why where that is known: `diverged, loss is nan at step 17`."""
    return f"{status}, {reason}" if reason else status


@dataclass(frozen=True, kw_only=True)
class Result:
    """The figures that are reproduced bit for bit. Those that do not exist are None, never 0: of a
    failed run the measured ones, and of one that was killed from outside all of them.

    status, reason : `done`, `diverged`, `error`, `timeout` …, and why it is not `done`.
    accuracy : percent of the test images, or of the held-out ones; correct : their count.
    loss : the true mean cross-entropy, in nats; starter_average_loss : what the script prints.
    nonzeros : of the 40,800 weights of fc1 and fc2.
    train_accuracy, train_loss : of the first 10,000 training images at the end; None in rows from
        before they were measured.
    passes, epochs, steps : where it ended. ledger_counts : what was computed.
    discarded_passes : the cost of the step that no longer fitted in the budget, 0 if all did.
    """

    status: str
    reason: str | None
    accuracy: float | None = None
    loss: float | None = None
    starter_average_loss: float | None = None
    correct: int | None = None
    nonzeros: int | None = None
    train_accuracy: float | None = None
    train_loss: float | None = None
    passes: float | None = None
    epochs: float | None = None
    steps: int | None = None
    ledger_counts: Mapping[str, int] | None = None
    discarded_passes: float | None = None

    @classmethod
    def read(cls, found: Mapping[str, Any]) -> Self:
        """From what a file holds, checked or not; what it lacks is None."""
        return cls(**{field.name: found.get(field.name) for field in fields(cls)})  # type: ignore[arg-type]

    @property
    def done(self) -> bool:
        """Whether it has figures."""
        return self.status == "done"


@dataclass(frozen=True, kw_only=True)
class Spent:
    """What it took, different every time: seconds of training; of training, by all threads; of
    measuring and saving, in neither of the others; and memory in MB."""

    train_seconds: float | None = None
    cpu_seconds: float | None = None
    overhead_seconds: float | None = None
    peak_memory_mb: float | None = None

    def rounded(self) -> "Spent":
        """To four digits after the point."""
        return Spent(**{k: v if v is None else round(v, 4) for k, v in vars(self).items()})
