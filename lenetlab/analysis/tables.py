"""Runs that differ in their seed alone, summed up in one row."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any

from lenetlab.records.finished import ended
from lenetlab.records.run_folder import Run

FIGURES = (
    "accuracy", "loss", "starter_average_loss", "train_accuracy", "train_loss", "passes",
    "train_seconds", "cpu_seconds",
)  # fmt: skip


@dataclass(frozen=True)
class Spread:
    """Mean and sample standard deviation over seeds (None for fewer than two values) of `n`
    finished runs that have the figure."""

    mean: float
    deviation: float | None
    n: int


@dataclass(frozen=True)
class SummaryRow:
    """One setting: its runs, the figures of those that finished, and the failures. Accuracies and
    losses are of the images that `measured_on` says."""

    label: str
    runs: tuple[Run, ...]
    figures: dict[str, Spread]
    failures: tuple[str, ...]

    @property
    def most_nonzeros(self) -> int | None:
        """Of fc1 and fc2, in the run that has most; None if none has finished."""
        found = [run.summary()["nonzeros"] for run in self.runs if run.status == "done"]
        return max(found, default=None)

    def as_json(self) -> dict[str, Any]:
        """The row as plain values, for `--json`."""
        figures = {name: vars(spread) for name, spread in self.figures.items()}
        return {
            "label": self.label,
            "measured_on": measured_on(self.runs),
            "figures": figures,
            "failures": list(self.failures),
        }


def measured_on(runs: Iterable[Run]) -> str:
    """`test` or `held-out`: the images that all of `runs` were measured on; `test or held-out`
    where they differ."""
    return " or ".join(sorted({run.measured_on for run in runs}, reverse=True))


def tabulate(labelled: Iterable[tuple[str, Run]]) -> list[SummaryRow]:
    """One row per label, in the order in which labels first occur."""
    groups: dict[str, list[Run]] = {}
    for label, run in labelled:
        groups.setdefault(label, []).append(run)
    return [_row(label, runs) for label, runs in groups.items()]


def _row(label: str, runs: Sequence[Run]) -> SummaryRow:
    finished = [run.summary() for run in runs if run.status == "done"]
    figures = {}
    for name in FIGURES if finished else ():
        values = [float(summary[name]) for summary in finished if summary[name] is not None]
        deviation = stdev(values) if len(values) > 1 else None
        if values:  # a loss that is no number is missing
            figures[name] = Spread(fmean(values), deviation, len(values))
    failures = tuple(
        f"seed {run.seed}: {ended(run.status, run.result.reason)}"
        for run in runs
        if run.status != "done"
    )
    return SummaryRow(label, tuple(runs), figures, failures)
