"""How accurate a net is that has fewer weights: accuracy against nonzeros of fc1 and fc2."""

from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean
from typing import Any

import altair as alt

from lenetlab.problem.scenarios import BOUND
from lenetlab.records.cells import Cell
from lenetlab.report.charts.digits import short
from lenetlab.report.charts.rows import Rows
from lenetlab.report.charts.selection import Drawing, board
from lenetlab.report.charts.theme import Styles, logarithmic


def frontier_rows(cells: Sequence[Cell]) -> list[dict[str, Any]]:
    """One row per cell whose net is bounded: its nonzeros and its mean accuracy over seeds."""
    rows = []
    for cell in cells:
        done = [row for row in cell.finals if row.done and row.nonzeros is not None]
        if not done or (constraint := done[0].recorded.constraint) is None:
            continue
        accuracies = [row.accuracy for row in done if row.accuracy is not None]
        rows.append(
            {
                "method": cell.place.method,
                "cell": cell.place.name,
                "board": cell.place.contest.key,
                "constraint": constraint.name,
                "scenario": cell.place.scenario,
                "nonzeros": round(fmean(row.nonzeros or 0 for row in done)),
                "accuracy": short(fmean(accuracies)),
                "accuracy_low": min(accuracies),
                "accuracy_high": max(accuracies),
                "n": len(done),
            }
        )
    return sorted(rows, key=lambda row: (row["method"], row["nonzeros"]))


def frontier(cells: Sequence[Cell], styles: Styles) -> Drawing:
    """Mean test accuracy against the number of nonzero weights, a line per method and constraint,
    bars from the least seed to the largest; a rule marks what scenario `sparse` allows."""
    rows = frontier_rows(cells)
    low = min((row["accuracy_low"] for row in rows), default=0.0)
    along = [*(row["nonzeros"] for row in rows), BOUND]
    names = sorted({row["method"] for row in rows})
    if not set(names) <= set(styles.names):  # a method with several settings has many names there
        styles = replace(styles, names=tuple(names))
    base = alt.Chart(Rows(rows, "frontier")).encode(
        x=logarithmic(alt.X("nonzeros:Q", title="nonzero weights of fc1 and fc2"), along, ",", 8),
        y=alt.Y("accuracy:Q", title="test accuracy, %").scale(domainMin=max(low - 1, 0)),
        color=styles.colour(names),
        detail="constraint:N",
        tooltip=["cell:N", "constraint:N", alt.Tooltip("nonzeros:Q", format=","),
                 alt.Tooltip("accuracy:Q", title="mean accuracy", format=".2f"),
                 alt.Tooltip("n:Q", title="seeds")],
    )  # fmt: skip
    bound = alt.Chart(alt.InlineData(values=[{"nonzeros": BOUND}])).encode(x="nonzeros:Q")
    return alt.layer(
        bound.mark_rule(strokeDash=[2, 3], opacity=0.6),
        base.mark_line().encode(strokeDash=styles.dash(names)),
        base.mark_rule().encode(y="accuracy_low:Q", y2="accuracy_high:Q"),
        base.mark_point(filled=True).encode(shape=styles.shape(names)),
    ).properties(
        description=f"Line chart, {board(cells)}: mean test accuracy against the nonzero weights "
        f"of fc1 and fc2; a dotted rule marks {BOUND:,}, what the scenario sparse allows."
    )
