"""Mean ranks across problems, with the critical difference (Demšar 2006, figure 1), a line for each
method: names of twenty methods can be read, and every mean has its interval."""

from typing import Any

import altair as alt

from lenetlab.analysis.across import Ranking
from lenetlab.report.charts.digits import short
from lenetlab.report.charts.rows import Rows
from lenetlab.report.charts.selection import Drawing

LINE = 24  # points of height for a method
STEP = 0.18  # of a rank, between two groups beside the lines


def rank_rows(ranking: Ranking) -> list[dict[str, Any]]:
    """One row per method, the best mean rank first; its ranks in one text, in the order of the
    problems."""
    return [
        {
            "method": one.name,
            "rank": short(one.mean_rank, 4),
            "low": None if one.low is None else short(one.low, 4),
            "high": None if one.high is None else short(one.high, 4),
            "each": ", ".join(f"{rank:g}" for rank in one.ranks),
        }
        for one in ranking.methods
    ]


def ranks(ranking: Ranking) -> Drawing:
    """A dot and an interval a method; above them a bar as long as the critical difference; right of
    them a bar for every group of methods that are within it."""
    rows = rank_rows(ranking)
    order = ["", *(row["method"] for row in rows)]  # the bar has the first line
    k, name = len(rows), ranking.contest.key
    # no two mean ranks are further apart than k - 1: a longer bar says no more
    width = min(ranking.difference, k - 1)
    far = ranking.difference > k - 1
    cd = {"method": "", "rank": 1.0, "end": 1 + width,
          "said": f"critical difference {ranking.difference:.2f}"
          + (f", more than the {k - 1} that there can be" if far else "")}  # fmt: skip
    step = STEP * (k - 1) / 3
    bars = [
        {"method": rows[i]["method"], "group": number, "x": k + step * (number + 1)}
        for number, (first, last) in enumerate(ranking.groups)
        for i in range(first, last + 1)
    ]
    scale = alt.Scale(
        domain=[1 - step, k + step * (len(ranking.groups) + 1)], nice=False, zero=False
    )
    axis = alt.Axis(values=list(range(1, k + 1)), format="d", grid=True)
    x = alt.X("rank:Q", title="mean rank, 1 is best", scale=scale, axis=axis)
    y = alt.Y(
        "method:N", sort=order, title=None, axis=alt.Axis(grid=False, ticks=False, labelLimit=180)
    )
    y = y.scale(domain=order)
    tooltip = ["method:N", alt.Tooltip("rank:Q", title="mean rank"), "low:Q", "high:Q",
               alt.Tooltip("each:N", title="ranks")]  # fmt: skip
    base = alt.Chart(Rows(rows, f"ranks, {name}")).encode(y=y)
    bar = alt.Chart(alt.InlineData(values=[cd])).encode(y=y)
    ends = [bar.mark_tick(thickness=2, size=9).encode(x=alt.X(f"{at}:Q", scale=scale))
            for at in (("rank",) if far else ("rank", "end"))]  # fmt: skip
    return alt.layer(
        bar.mark_rule(strokeWidth=2).encode(x=x, x2="end:Q"),
        *ends,
        bar.mark_text(align="left", baseline="bottom", dx=4, dy=-4)
        .encode(x=alt.X("rank:Q", scale=scale), text="said:N"),
        base.mark_rule(strokeWidth=1.5).encode(x=alt.X("low:Q", scale=scale), x2="high:Q")
        .transform_filter("isValid(datum.low)"),
        base.mark_point(filled=True, size=60, opacity=1).encode(x=x, tooltip=tooltip),
        alt.Chart(alt.InlineData(values=bars)).mark_line(strokeWidth=4, strokeCap="round")
        .encode(x=alt.X("x:Q", scale=scale), y=y, detail="group:N", order=alt.value(0)),
    ).properties(
        height=LINE * (k + 1),
        description=f"{ranking.title}: for each method its mean rank over {len(ranking.problems)} "
        "problems, with an interval over seeds; a bar above shows the critical difference, and "
        "bars at the right join methods that it cannot tell apart.",
    )  # fmt: skip
