"""A cell's course of training: the mean over its seeds, with a band."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from lenetlab.analysis.intervals import bootstrap_band
from lenetlab.analysis.targets import counting
from lenetlab.records.cells import Cell


@dataclass(frozen=True)
class Point:
    """An evaluation. at : its planned place. x, y : means over the `n` seeds. low, high : of y, by
    bootstrap; None for a single seed."""

    at: float
    x: float
    y: float
    low: float | None
    high: float | None
    n: int


def curves(cell: Cell, x: str = "passes", y: str = "accuracy") -> list[Point]:
    """`y` (accuracy or loss) against `x` (passes, gradients, seconds or cpu_seconds) over the done
    finals, at evaluations that all of them have, of weights within the bound of a constraint.
    The same finals give the same band."""
    runs = [
        {evaluation["at"]: evaluation for evaluation in counting(row)}
        for row in cell.finals
        if row.done
    ]
    shared = [at for at in runs[0] if all(at in run for run in runs)] if runs else []
    if not shared:
        return []
    xs, ys = _values(runs, shared, x), _values(runs, shared, y)
    band = bootstrap_band(ys)
    return [
        Point(
            at,
            fmean(run[i] for run in xs),
            fmean(run[i] for run in ys),
            None if band is None else float(band[0][i]),
            None if band is None else float(band[1][i]),
            len(runs),
        )
        for i, at in enumerate(shared)
    ]


def _values(runs: Sequence[dict[float, Any]], shared: Sequence[float], name: str) -> list[Any]:
    return [[float(run[at][name]) for at in shared] for run in runs]
