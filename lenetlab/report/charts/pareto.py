"""What accuracy a method has for how much computation, and the front that none is above."""

from collections.abc import Sequence
from statistics import median
from typing import Any

import altair as alt

from lenetlab.records.cells import Cell
from lenetlab.report.charts.curves import AXES, across, curve_rows, stand_out
from lenetlab.report.charts.rows import Rows
from lenetlab.report.charts.selection import Drawing, board, choice, when
from lenetlab.report.charts.theme import Styles

DEEP = 25  # points below the top that a chart shows at most


def front(rows: Sequence[dict[str, Any]], x: str) -> list[dict[str, Any]]:
    """The rows to which no other has at least the accuracy for at most the `x`, by `x`."""
    best, found = float("-inf"), []
    for row in sorted(rows, key=lambda row: (row[x], -row["accuracy"])):
        if row["accuracy"] > best:
            best = row["accuracy"]
            found.append(row)
    return found


def pareto(
    cells: Sequence[Cell],
    styles: Styles,
    x: str = "cpu_seconds",
    shown: Sequence[str] | None = None,
    rows: Sequence[dict[str, Any]] | None = None,
) -> Drawing:
    """Mean test accuracy against computation `x`, one of `AXES`: each evaluation of a method
    is a point, those on the front are joined. Evaluations before the end are on the way of a
    full run: a schedule made for a shorter budget would do better there."""
    rows = curve_rows(cells) if rows is None else rows
    best = front(rows, x)
    on_front = list(dict.fromkeys(row["method"] for row in reversed(best)))
    names = stand_out(cells, styles, shown or on_front[:8] or None)
    chosen = choice(names)
    top = max((row["accuracy"] for row in rows), default=100.0)
    domain = [max(top - DEEP, _floor(best, top), 0), min(top + 1, 100)]
    base = alt.Chart(Rows(rows, f"curves, {board(cells)}")).encode(
        x=across(rows, x),
        y=alt.Y("accuracy:Q", title="test accuracy, %").scale(
            domain=domain, zero=False, nice=False
        ),
        tooltip=["method:N", "family:N", alt.Tooltip(f"{x}:Q", title=AXES[x], format=",.4~g"),
                 alt.Tooltip("accuracy:Q", title="mean accuracy", format=".2f"),
                 alt.Tooltip("passes:Q", format=".3~g"), alt.Tooltip("n:Q", title="seeds")],
    )  # fmt: skip
    points = base.mark_point(clip=True, filled=True).encode(
        color=styles.colour(names), shape=styles.shape(names), opacity=when(chosen, 1, 0.15)
    )
    line = base.mark_line(interpolate="step-after", strokeWidth=1.2, clip=True)
    line.data = Rows(best, f"front, {board(cells)}, {x}")
    return alt.layer(line, points).properties(
        description=f"Scatter chart, {board(cells)}: mean test accuracy against {AXES[x]}, a point "
        "for each evaluation of each; a stepped line joins those that none is above and left of."
    )


def _floor(front: Sequence[dict[str, Any]], top: float) -> float:
    """So that the upper half of the front fills at least a ninth of the height."""
    middle = median(row["accuracy"] for row in front) if front else 0.0
    return middle - 8 * (top - middle)
