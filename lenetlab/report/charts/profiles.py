"""Two charts of stepped lines: performance profiles, and the best trial for a tuning budget."""

from collections.abc import Sequence
from typing import Any

import altair as alt

from lenetlab.analysis.budget import best_of_k
from lenetlab.analysis.profiles import Profile
from lenetlab.records.cells import Cell
from lenetlab.report.charts.digits import short
from lenetlab.report.charts.rows import Rows
from lenetlab.report.charts.selection import Drawing, choice, when
from lenetlab.report.charts.theme import SHOWN, Styles, logarithmic


def profile_rows(profiles: Sequence[Profile]) -> list[dict[str, Any]]:
    """One row per method and step; all lines go on a little beyond the furthest step of all."""
    end = 1.15 * max((ratio for profile in profiles for ratio, _ in profile.steps), default=1.0)
    rows = []
    for profile in profiles:
        for ratio, fraction in (*profile.steps, (end, profile.steps[-1][1])):
            rows.append(
                {
                    "method": profile.method,
                    "ratio": short(ratio, 5),
                    "fraction": short(fraction, 5),
                    "problems": profile.problems,
                    "score": short(profile.score, 4),
                }
            )
    return rows


def budget_rows(cells: Sequence[Cell]) -> list[dict[str, Any]]:
    """One row per method and number of trials."""
    return [
        {
            "method": cell.place.name,
            "trials": best.k,
            "passes": best.passes and short(best.passes, 5),
            "best": best.median,
            "low": best.low,
            "high": best.high,
        }
        for cell in cells
        for best in best_of_k(cell)
    ]


def profiles(
    rows: Sequence[dict[str, Any]],
    styles: Styles,
    shown: Sequence[str] | None = None,
) -> Drawing:
    """Performance profiles (Dolan and Moré 2002): the fraction of problems on which a method
    needed at most `ratio` times what the best needed. `rows` are `profile_rows`."""
    title = "times the passes of the best"
    x = logarithmic(alt.X("ratio:Q", title=title), [1, *(row["ratio"] for row in rows)])
    y = alt.Y("fraction:Q", title="fraction of problems").scale(domain=[0, 1])
    return _steps(
        rows, styles, shown, x, y, "profiles",
        "Performance profile, a stepped line for each method: the fraction of problems, which are "
        "pairs of scenario and target, on which it needed at most so many times the passes of "
        "the best method.",
    )  # fmt: skip


def budget(
    rows: Sequence[dict[str, Any]],
    styles: Styles,
    scenario: str,
    shown: Sequence[str] | None = None,
) -> Drawing:
    """What tuning buys: the best held-out accuracy of so many trials, the median over all ways to
    choose them (a mean would be off the chart wherever one trial of few failed). `rows` are
    `budget_rows`."""
    most = max((row["trials"] for row in rows), default=1)
    x = alt.X("trials:Q", title="trials that one can afford")
    x = x.scale(domain=[1, max(most, 2)], nice=False).axis(tickMinStep=1, format="d")
    top = max((row["best"] for row in rows), default=100.0)
    least = min((row["best"] for row in rows), default=0.0)
    y = alt.Y("best:Q", title="best held-out accuracy, %")
    y = y.scale(domain=[max(least - 0.3, top - 8), top + 0.2], zero=False, nice=False)
    return _steps(
        rows, styles, shown, x, y, f"budget, {scenario}",
        f"Stepped lines, {scenario}: the best held-out accuracy against the number of trials, the "
        "median over all ways to choose them, for each method.",
    )  # fmt: skip


def _steps(
    rows: Sequence[dict[str, Any]],
    styles: Styles,
    shown: Sequence[str] | None,
    x: alt.X,
    y: alt.Y,
    name: str,
    description: str,
) -> Drawing:
    here = {row["method"] for row in rows}
    wanted = here if shown is None else here & set(shown)
    names = [method for method in styles.names if method in wanted]
    names = names[:SHOWN] if shown is None else names
    chosen = choice(names)
    base = alt.Chart(Rows(rows, name)).encode(
        x=x,
        y=y,
        color=styles.colour(names),
        strokeDash=styles.dash(names),
        opacity=when(chosen, 1, 0.12),
        tooltip=["method:N", alt.Tooltip(x.shorthand), alt.Tooltip(y.shorthand, format=".4~f")],
    )
    line = base.mark_line(interpolate="step-after", clip=True)
    point = base.mark_point(filled=True, clip=True).encode(shape=styles.shape(names))
    return alt.layer(line, point).properties(description=description)
