"""How much a method depends on its learning rate and batch size: its trials, on held-out images."""

from collections.abc import Sequence
from typing import Any

import altair as alt

from lenetlab.records.cells import Cell
from lenetlab.records.finished import ended
from lenetlab.report.charts.rows import Rows
from lenetlab.report.charts.selection import Drawing, board
from lenetlab.report.charts.theme import logarithmic

FACET = 165  # points of width of a small chart, three of which stand beside each other
# viridis without its ends, of which one vanishes on a dark page and one on a white one
VISIBLE = alt.SchemeParams("viridis", extent=[0.3, 0.85])


def trial_rows(cells: Sequence[Cell]) -> list[dict[str, Any]]:
    """One row per trial that has a learning rate; a failed one has its reason, no accuracy."""
    return [
        {
            "method": cell.place.name,
            "trial": row.number,
            "run": row.id,
            "rate": rate,
            "batch": row.recorded.batch_size,
            "accuracy": row.accuracy if row.done else None,
            "status": ended(row.status, row.reason),
        }
        for cell in cells
        for row in cell.trials
        if (rate := row.recorded.rate) is not None
    ]


def sensitivity(cells: Sequence[Cell], methods: Sequence[str], interactive: bool = True) -> Drawing:
    """Held-out accuracy against the learning rate, coloured by batch size; failed trials are
    crosses on the floor. On a page one of `methods` at a time, chosen from a list; on paper a
    small chart for each."""
    rows = [row for row in trial_rows(cells) if row["method"] in methods]
    done = [row["accuracy"] for row in rows if row["accuracy"] is not None]
    top = max(done, default=100.0)
    floor = max(min(done, default=0.0) - 0.5, top - 8)
    sizes = sorted({row["batch"] for row in rows})
    base = alt.Chart().encode(
        x=logarithmic(alt.X("rate:Q", title="learning rate"), [row["rate"] for row in rows], gap=6),
        tooltip=["method:N", "trial:Q", "rate:Q", "batch:N", "accuracy:Q", "status:N"],
    )
    height = alt.Y("shown:Q", title="held-out accuracy, %").scale(
        domain=[floor, top + 0.2], zero=False, nice=False
    )
    points = (
        base.mark_point(filled=True, size=60, opacity=0.9)
        .transform_filter("isValid(datum.accuracy)")
        .encode(
            y=height,
            color=alt.Color(
                "batch:N", title="batch size", sort=sizes, legend=alt.Legend(columns=4)
            ).scale(domain=sizes, scheme=VISIBLE),
            shape=alt.Shape(
                "batch:N", title="batch size", sort=sizes, legend=alt.Legend(columns=4)
            ).scale(domain=sizes),
        )
    )
    failed = (
        base.mark_point(shape="cross", angle=45, size=45, filled=True)
        .transform_filter("!isValid(datum.accuracy)")
        .encode(y=height)
    )
    text = (
        f"Scatter chart, {board(cells)}: held-out accuracy of the trials against learning rate, "
        "coloured by batch size; crosses at the bottom are trials that failed."
    )
    data = Rows(rows, f"trials, {board(cells)}")
    # what lies below the floor is drawn on it, so that it is not lost
    layers = alt.layer(points, failed, data=data).transform_calculate(
        shown=f"isValid(datum.accuracy) ? max(datum.accuracy, {floor}) : {floor}"
    )
    if not interactive:
        return (
            layers.properties(width=FACET, height=FACET * 0.55)
            .facet(facet=alt.Facet("method:N", title=None, sort=list(methods)), columns=3)
            .properties(description=text)
        )
    bound = alt.binding_select(options=list(methods), name="method ")
    one = alt.param(name="one", bind=bound, value=methods[0] if methods else "")
    return (
        layers.add_params(one).transform_filter("datum.method === one").properties(description=text)
    )
