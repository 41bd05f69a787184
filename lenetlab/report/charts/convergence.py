"""Measured convergence and theory's bound: a small chart for each method."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from lenetlab.report.charts.selection import Drawing
from lenetlab.report.colours import COLOURS

LEAST = 1e-15  # what is below it is rounding
WIDTH, HEIGHT = 190, 130  # of a small chart


def course_rows(found: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One row per method, k and line; what is lost in rounding is left out."""
    rows = []
    for one in found:
        panel = one["title"]
        for i, k in enumerate(one["k"]):
            low, high = max(one["low"][i], LEAST), one["high"][i]
            measured = {"low": low, "high": high} if high > LEAST else {"low": None, "high": None}
            for line, value in (("measured", one["measured"][i]), ("theory", one["theory"][i])):
                if value is not None and value > LEAST:
                    band = measured if line == "measured" else {"low": None, "high": None}
                    rows.append({"panel": panel, "line": line, "k": k, "value": value, **band})
    return rows


def convergence(found: Sequence[Mapping[str, Any]]) -> Drawing:
    """F − F* against k of every course in `found`, as convergence.json has them: the mean over
    seeds in a band from the least to the largest, and theory's bound dashed above it."""
    order = [one["title"] for one in found]
    colour = alt.Color("line:N", title=None).scale(domain=["measured", "theory"], range="category")
    dash = alt.StrokeDash("line:N", title=None).scale(
        domain=["measured", "theory"], range=[[1, 0], [5, 3]]
    )
    base = alt.Chart(alt.InlineData(values=course_rows(found))).encode(
        x=alt.X("k:Q", title="k").scale(nice=False).axis(tickCount=5, format=",d", tickMinStep=1),
    )
    scale = alt.Scale(type="log", nice=False)
    y = alt.Y("value:Q", title=None, scale=scale).axis(tickCount=5, format=".0e")
    low = alt.Y("low:Q", title=None, scale=scale).axis(tickCount=5, format=".0e")
    own = alt.value(COLOURS[0])  # of what is measured; the line alone has a legend
    band = base.mark_area(opacity=0.2, aria=False).transform_filter("isValid(datum.low)")
    drawn: Drawing = (
        alt.layer(
            band.encode(y=low, y2="high:Q", color=own),
            base.mark_line(strokeWidth=1.6).encode(y=y, color=colour, strokeDash=dash),
            base.mark_point(filled=True, size=14, aria=False)
            .transform_filter("datum.line === 'measured'")
            .encode(y=y, color=own),
        )
        .properties(width=WIDTH, height=HEIGHT)
        .facet(facet=alt.Facet("panel:N", title=None, sort=order), columns=3)
        .resolve_scale(x="independent", y="independent")
        .properties(
            description="Line charts, one for each method: how far the objective is above its "
            "minimum against steps or stages k, measured, and theory's upper bound."
        )
    )
    return drawn
