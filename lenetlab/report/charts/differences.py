"""Every method's difference to one of them, its interval drawn; open where it is not decided."""

from collections.abc import Sequence
from typing import Any

import altair as alt

from lenetlab.analysis.board import Board
from lenetlab.report.charts.digits import short
from lenetlab.report.charts.rows import Rows
from lenetlab.report.charts.selection import Drawing
from lenetlab.report.charts.theme import Styles
from lenetlab.report.wording.standings import STANDINGS

LINE = 12  # points of height for a method
FAR = 4  # times the middle difference: what lies farther below is drawn at the edge


def difference_rows(board: Board) -> list[dict[str, Any]]:
    """One row per method that was compared, in the order of the leaderboard."""
    return [
        {
            "method": line.name,
            "difference": short(line.difference.mean, 5),
            "low": short(line.difference.low, 5),
            "high": short(line.difference.high, 5),
            "p": short(line.difference.adjusted, 3),
            "n": line.difference.n,
            "open": line.standing in ("tied", "borderline"),
            "verdict": STANDINGS[line.standing].alone,
        }
        for line in board.lines
        if line.difference is not None
    ]


def differences(
    rows: Sequence[dict[str, Any]], first: str, scenario: str, styles: Styles
) -> Drawing:
    """A line per method: its paired difference in test accuracy to `first`, in points, with its
    interval. `rows` are some of `difference_rows`, drawn in their order. One that lies far below
    all others is a triangle at the edge with its value, so that the others can be told apart."""
    order = [row["method"] for row in rows]
    edge = _edge(rows)
    data = Rows(rows, f"differences, {scenario}")
    drawn = {"at": "difference", "low_at": "low", "high_at": "high"}
    base = alt.Chart(data).transform_calculate(
        far=f"datum.difference < {edge}",
        **{name: f"max(datum.{value}, {edge})" for name, value in drawn.items()},
    ).encode(
        y=alt.Y("method:N", sort=order, title=None).axis(
            grid=False, labelLimit=210, labelExpr=styles.labels(briefly=True)
        ),
        tooltip=["method:N", alt.Tooltip("difference:Q", format="+.3f"),
                 alt.Tooltip("low:Q", format="+.3f"), alt.Tooltip("high:Q", format="+.3f"),
                 alt.Tooltip("p:Q", title="p (Holm)", format=".3~g"), "verdict:N"],
    )  # fmt: skip
    zero = alt.Chart(alt.InlineData(values=[{"difference": 0}])).mark_rule(strokeDash=[2, 3])
    title = "difference, points"
    points = alt.X("at:Q", title=title).axis(tickCount=5, labelOverlap=False)
    far = base.transform_filter("datum.far").encode(x=points)
    return alt.layer(
        zero.encode(x="difference:Q"),
        base.mark_rule(strokeWidth=1.5).encode(x=alt.X("low_at:Q", title=title), x2="high_at:Q"),
        base.mark_point(filled=True, size=45)
        .encode(x=points)
        .transform_filter("!datum.open && !datum.far"),
        base.mark_point(filled=False, size=45)
        .encode(x=points)
        .transform_filter("datum.open && !datum.far"),
        far.mark_point(filled=True, size=45, shape="triangle-left"),
        far.mark_text(align="left", dx=7).encode(text=alt.Text("difference:Q", format="+.1f")),
    ).properties(
        height=LINE * max(len(rows), 2),
        description=f"{scenario}: for each method the difference of its mean test accuracy to "
        f"that of {first}, with its interval. Open circles are ties or borderline.",
    )  # fmt: skip


def _edge(rows: Sequence[dict[str, Any]]) -> float:
    """Where the axis begins: at the least end of an interval that is not far below the others."""
    apart = sorted(abs(row["difference"]) for row in rows)
    middle = apart[len(apart) // 2] if apart else 0.0
    near = [row["low"] for row in rows if row["difference"] >= -FAR * middle]
    return min(near, default=0.0)
