"""Accuracy and loss on the test set while a method trains: the mean over seeds, in a band."""

from collections.abc import Sequence
from statistics import fmean
from typing import Any

import altair as alt

from lenetlab.analysis.curves import Point, curves
from lenetlab.records.cells import Cell
from lenetlab.report.charts.digits import short
from lenetlab.report.charts.rows import Rows
from lenetlab.report.charts.selection import Drawing, board, choice, when
from lenetlab.report.charts.theme import SHOWN, Styles, logarithmic, ticks

AXES = {
    "passes": "effective passes",
    "gradients": "gradient evaluations (one example each)",
    "cpu_seconds": "CPU seconds of training",
}


def curve_rows(cells: Sequence[Cell]) -> list[dict[str, Any]]:
    """One row per method and evaluation: means over the seeds that are done, with the band of
    `lenetlab.analysis.curves`. A single seed has no band: its ends are None."""
    rows = []
    for cell in cells:
        accuracy, loss = curves(cell, y="accuracy"), curves(cell, y="loss")
        done = [
            {evaluation["at"]: evaluation for evaluation in row.evaluations}
            for row in cell.finals
            if row.done
        ]
        for up, down in zip(accuracy, loss, strict=True):
            rows.append(
                {
                    "method": cell.place.name,
                    "family": cell.place.family,
                    "n": up.n,
                    **{axis: short(fmean(run[up.at][axis] for run in done)) for axis in AXES},
                    **_band("accuracy", up),
                    **_band("loss", down),
                }
            )
    return rows


def _band(name: str, point: Point) -> dict[str, float | None]:
    low, high = (None if end is None else short(end) for end in (point.low, point.high))
    return {name: short(point.y), f"{name}_low": low, f"{name}_high": high}


def _ends(rows: Sequence[dict[str, Any]], field: str) -> list[float]:
    """Where the bands end, `accuracy_low` say; a single seed's at its value."""
    return [row[field.partition("_")[0]] if row[field] is None else row[field] for row in rows]


def accuracy_curves(
    cells: Sequence[Cell],
    styles: Styles,
    x: str = "passes",
    shown: Sequence[str] | None = None,
    rows: Sequence[dict[str, Any]] | None = None,
) -> Drawing:
    """Test accuracy against `x`, one of `AXES`. `shown` methods (by default the best) stand out
    among faint others.

    `rows`, if they are at hand, are `curve_rows(cells)`, which take a while. The axis begins a
    little below the least final accuracy shown, or below all that is shown if that is higher, so
    that differences of tenths can be seen."""
    rows = curve_rows(cells) if rows is None else rows
    chosen = stand_out(cells, styles, shown)
    ends = {row["method"]: row["accuracy"] for row in rows}  # the last evaluation of each
    least = min((ends[name] for name in chosen if name in ends), default=0.0)
    top = max(_ends(rows, "accuracy_high"), default=100.0)
    here = [row for row in rows if row["method"] in chosen]
    lowest = min(_ends(here, "accuracy_low"), default=0.0)
    domain = [max(least - 7, top - 40, lowest - 0.3, 0), min(top + 0.3, 100)]
    y = alt.Y("accuracy:Q", title="test accuracy, %")
    y = y.scale(domain=domain, zero=False, nice=False)
    return _curves(cells, rows, styles, chosen, x, y)


def loss_curves(
    cells: Sequence[Cell],
    styles: Styles,
    x: str = "passes",
    shown: Sequence[str] | None = None,
    rows: Sequence[dict[str, Any]] | None = None,
) -> Drawing:
    """True mean test loss against `x`, as `accuracy_curves`; logarithmic."""
    rows = curve_rows(cells) if rows is None else rows
    chosen = stand_out(cells, styles, shown)
    here = [row for row in rows if row["method"] in chosen]
    domain = [
        min(_ends(here, "loss_low"), default=0.1) * 0.97,
        min(max(_ends(here, "loss_high"), default=1.0), 1.2),
    ]
    y = alt.Y("loss:Q", title="test loss (true mean)").axis(values=ticks(*domain), format="~g")
    y = y.scale(type="log", domain=domain, nice=False)
    return _curves(cells, rows, styles, chosen, x, y)


def across(rows: Sequence[dict[str, Any]], x: str) -> alt.X:
    """The axis of computation `x`, one of `AXES`."""
    form = "~s" if x == "gradients" else "~g"
    values = [row[x] for row in rows]
    return logarithmic(alt.X(f"{x}:Q", title=AXES[x]), values, form, gap=4)  # points are whole


def stand_out(cells: Sequence[Cell], styles: Styles, shown: Sequence[str] | None) -> list[str]:
    """The methods that stand out: `shown`, by default the best few of those in `cells`."""
    here = {cell.place.name for cell in cells if any(row.done for row in cell.finals)}
    best = [name for name in styles.names if name in here][:SHOWN]
    return best if shown is None else [name for name in styles.names if name in shown]


def _curves(
    cells: Sequence[Cell],
    rows: Sequence[dict[str, Any]],
    styles: Styles,
    shown: list[str],
    x: str,
    y: alt.Y,
) -> Drawing:
    name, scenario = str(y.shorthand)[:-2], board(cells)
    chosen = choice(shown)
    several = any(row["n"] > 1 for row in rows)
    base = alt.Chart(Rows(rows, f"curves, {scenario}")).encode(
        x=across(rows, x),
        color=styles.colour(shown),
        tooltip=["method:N", "family:N", alt.Tooltip(f"{x}:Q", title=AXES[x], format=",.4~g"),
                 alt.Tooltip(f"{name}:Q", title=f"mean {name}", format=".4~f"),
                 *([alt.Tooltip("band:N", title="95 % band of the mean")] if several else []),
                 alt.Tooltip("n:Q", title="seeds")],
    )  # fmt: skip
    if several:
        low_end, high_end = (f"format(datum.{name}_{end}, '.4~f')" for end in ("low", "high"))
        interval = f"datum.n > 1 ? {low_end} + ' to ' + {high_end} : '–'"
        base = base.transform_calculate(band=interval)
    low = y.copy()
    low.shorthand = f"{name}_low:Q"
    band = base.mark_area(clip=True, line=False, opacity=0.18).transform_filter(chosen)
    band = band.transform_filter("datum.n > 1")
    band = band.encode(y=low, y2=f"{name}_high:Q")
    line = base.mark_line(clip=True).encode(
        y=y,
        strokeDash=styles.dash(shown),
        opacity=when(chosen, 1, 0.12),
    )
    point = base.mark_point(clip=True, filled=True).transform_filter(chosen)
    point = point.encode(y=y, shape=styles.shape(shown))
    return alt.layer(band, line, point).properties(
        description=f"Line chart, {scenario}: {y['title']} against {AXES[x]}, a line for each "
        f"method{', the mean over seeds, in its 95 % band' if several else ', of one seed each'}."
    )
