"""The answer in one figure: what accuracy can be had for how much computation, and by whom."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from lenetlab.analysis.at_budget import AtBudget, count_budgets
from lenetlab.analysis.targets import STARTER
from lenetlab.problem.problems import DEFAULT
from lenetlab.records.cells import RunRow
from lenetlab.records.recipe import RecordedRecipe
from lenetlab.report.charts.curves import AXES
from lenetlab.report.charts.digits import short
from lenetlab.report.charts.pareto import front
from lenetlab.report.charts.rows import Rows
from lenetlab.report.charts.selection import Drawing
from lenetlab.report.charts.theme import Styles, logarithmic
from lenetlab.report.colours import FAMILY_COLOURS

SPENT = ("passes", "cpu_seconds")
STARTER_PASSES = 10.0  # ten epochs, a gradient a step
BELOW = 3.0  # points below the best of the least budget at which the axis begins
FEW, FAR = 8, 15.0  # points that are all within the axis, unless so far below the best of all
SPAN = 2.0  # times the least computation that the axis reaches to, at least
ABOVE, RIGHT = -7, 8  # pixels of a name from its point
WIDE, TALL = 0.2, 0.14  # of the axes: the room of a name in a small chart
LETTER, FREE = 0.01, 0.06  # of the horizontal one: a letter, and what is free at its left
NAME = 32  # letters of a name, with what was set of it; the rest is cut
GAP = 36  # … left free for the first name


def at_budget_rows(points: Sequence[AtBudget], styles: Styles) -> list[dict[str, Any]]:
    """One row per method and budget."""
    return [
        {
            "line": one.line,
            "cell": one.cell.place.name,
            "called": styles.among_scenarios(one.cell.place.name, one.cell.place.scenario),
            "family": one.cell.place.family.replace("_", " ") or styles.label(one.cell.place.name),
            "colour": styles.colour_of(one.cell.place.name),
            "board": one.cell.place.contest.key,
            "budget": f"{one.budget[1]:g} {one.budget[0]}",
            "passes": short(one.passes),
            "cpu_seconds": None if one.cpu_seconds is None else short(one.cpu_seconds),
            "accuracy": short(one.accuracy.mean),
            "accuracy_low": short(at.low if (at := one.accuracy.interval) else one.accuracy.mean),
            "accuracy_high": short(at.high if at else one.accuracy.mean),
            "n": one.accuracy.n,
        }
        for one in points
    ]


def axes_of(points: Sequence[AtBudget]) -> list[str]:
    """Those of `SPENT` that are known of all. Passes first where they differ by the budget; of one
    budget all have the same, and seconds tell more."""
    known = [axis for axis in SPENT if all(getattr(one, axis) is not None for one in points)]
    if not points:
        return []
    return known if count_budgets(points) > 1 else known[::-1]


def starter_at(row: RunRow | None, axis: str) -> dict[str, Any] | None:
    """Where the starter script ends; its seconds are known where the whole of it was timed, by
    `row`."""
    whole = row is not None and row.done and row.recorded.budget == RecordedRecipe.budget
    spent = getattr(row, axis) if whole else None
    if spent is None and axis == "passes":
        spent = STARTER_PASSES
    return None if spent is None else {axis: spent, "accuracy": STARTER}


def starter_beside(
    points: Sequence[AtBudget], row: RunRow | None, axis: str
) -> dict[str, Any] | None:
    """The same beside `points`, where they are on the script's images."""
    return starter_at(row, axis) if points[0].cell.place.problem == DEFAULT else None


def at_budget(
    rows: Sequence[dict[str, Any]],
    x: str,
    scenario: str,
    starter: dict[str, Any] | None = None,
    roomy: bool = True,
    legend: bool = True,
) -> Drawing:
    """Mean test accuracy against `x`, one of `SPENT`: a point for each of `at_budget_rows`, with
    its interval, in the colour of its family; those of a method are joined. The stepped line is
    the front, whose methods are named. `starter` has x and accuracy; where it is below the axis it
    is drawn at its foot, as are others there. Where it is not `roomy` the best of the
    front alone are named, and of charts below each other one has a `legend`."""
    here = [row for row in rows if row[x] is not None]
    best = front(here, x)
    low, high = _range(here)
    along = _along([*(row[x] for row in here), *([starter[x]] if starter else [])])
    colours = {row["family"]: row["colour"] for row in sorted(here, key=_place)}
    named = {tuple(row["budget"].split(" ")) for row in here} if x == "passes" else set()
    budgets = sorted(float(amount) for amount, unit in named if unit == "passes")
    axis = logarithmic(
        alt.X(f"{x}:Q", title=AXES[x]),
        along,
        gap=GAP,
        at=budgets if len(named) == len(budgets) > 2 else (),
    )
    y = alt.Y("shown:Q", title="test accuracy, %").scale(domain=[low, high], zero=False, nice=False)
    families = alt.Legend(symbolOpacity=1, symbolLimit=0, labelLimit=0)
    data = Rows(here, f"at budgets, {scenario}")
    base = alt.Chart(data).transform_calculate(
        shown=f"max(datum.accuracy, {low})", below=f"datum.accuracy < {low}"
    ).encode(
        x=axis,
        color=alt.Color("family:N", title=None, legend=families if legend else None)
        .scale(domain=list(colours), range=list(colours.values())),
        tooltip=[alt.Tooltip("called:N", title="method"), alt.Tooltip("cell:N", title="name"),
                 "family:N", "budget:N",
                 alt.Tooltip(f"{x}:Q", title=AXES[x], format=",.4~g"),
                 alt.Tooltip("accuracy:Q", title="mean accuracy", format=".2f"),
                 alt.Tooltip("accuracy_low:Q", title="from", format=".2f"),
                 alt.Tooltip("accuracy_high:Q", title="to", format=".2f"),
                 alt.Tooltip("n:Q", title="seeds")],
    )  # fmt: skip
    within = base.transform_filter("!datum.below")
    steps = alt.Chart(Rows(_steps(best, x, along), f"front at budgets, {scenario}, {x}"))
    return alt.layer(
        steps.mark_line(interpolate="step-after", strokeWidth=1.4, clip=True).encode(
            x=axis, y=alt.Y("accuracy:Q")
        ),
        base.mark_line(strokeWidth=1, opacity=0.45, clip=True).encode(y=y, detail="line:N"),
        within.mark_rule(strokeWidth=1.2, clip=True).encode(
            y=alt.Y("accuracy_low:Q"), y2="accuracy_high:Q"
        ),
        within.mark_point(filled=True, size=55, opacity=1).encode(y=y),
        base.transform_filter("datum.below")
        .mark_point(filled=True, shape="triangle-down", size=45, opacity=1)
        .encode(y=y),
        *_names(best, x, along, (low, high), scenario, roomy),
        *(_starter(starter, x, low) if starter else ()),
    ).properties(
        description=f"Scatter chart, {scenario}: mean test accuracy against {AXES[x]}, a point for "
        "each method and each budget that its runs were made for, with its interval; a stepped "
        f"line joins those that none is above and left of: {_said(best)}."
    )


def _place(row: dict[str, Any]) -> int:
    """Of its colour, that of its family, in the legend."""
    return list(FAMILY_COLOURS.values()).index(row["colour"])


def _along(spent: Sequence[float]) -> Sequence[float]:
    """What is spent, and around it if all of it is nearly the same."""
    low, high = min(spent, default=1.0), max(spent, default=1.0)
    around = (SPAN * low / high) ** 0.5
    return spent if around <= 1 else [*spent, low / around, high * around]


def _range(rows: Sequence[dict[str, Any]]) -> tuple[float, float]:
    """From a little below the best of every budget to a little above the best of all; the interval
    of a method that broke down with some seeds is cut."""
    best: dict[str, float] = {}
    for row in rows:
        best[row["budget"]] = max(best.get(row["budget"], 0.0), row["accuracy"])
    most = max((row["accuracy"] for row in rows), default=100.0)
    top = max((min(row["accuracy_high"], most + 1) for row in rows), default=100.0)
    foot = min(best.values(), default=BELOW) - BELOW
    if 0 < len(rows) <= FEW:
        foot = min(foot, *(row["accuracy"] - 1 for row in rows if row["accuracy"] > most - FAR))
    return max(foot, 0.0), min(top + 0.4, 100.0)


def _steps(best: Sequence[dict[str, Any]], x: str, along: Sequence[float]) -> list[dict[str, Any]]:
    """The front until the end of the axis."""
    if not best:
        return []
    points = [{x: row[x], "accuracy": row["accuracy"]} for row in best]
    return [*points, {x: max(along), "accuracy": points[-1]["accuracy"]}]


def _names(
    best: Sequence[dict[str, Any]],
    x: str,
    along: Sequence[float],
    heights: tuple[float, float],
    scenario: str,
    roomy: bool,
) -> list[alt.Chart]:
    """What stands on the front, named where another method comes, above and left of its point, or
    right of it where the axis is too near. In a small chart only as far as names keep apart."""
    (low, high), start, end = heights, min(along), max(along)
    seen = [row for row in best if row["accuracy"] >= low]
    new = [row for i, row in enumerate(seen) if not i or row["line"] != seen[i - 1]["line"]]
    new = new if roomy else kept_apart(new, x, start, end, high - low)
    if not new:
        return []
    rows = [row | {"called": _cut(row["called"]), "left": _fits(row, x, start, end)} for row in new]
    data = Rows(rows, f"names at budgets, {scenario}, {x}")
    chart = alt.Chart(data).encode(x=f"{x}:Q", y="accuracy:Q", text="called:N")
    return [
        chart.mark_text(align="left", dx=4, dy=2 * ABOVE, fontSize=11).transform_filter(
            "!datum.left"
        ),
        chart.mark_text(align="right", dx=-RIGHT, dy=ABOVE, fontSize=11).transform_filter(
            "datum.left"
        ),
    ]


def _cut(name: str) -> str:
    return name if len(name) <= NAME else f"{name[: NAME - 1]}…"


def _fits(row: Mapping[str, Any], x: str, low: float, high: float) -> bool:
    """Whether the name has room left of its point, on an axis from `low` to `high`."""
    at = math.log(row[x] / low) / math.log(high / low)
    return LETTER * len(_cut(row["called"])) < at + FREE


def kept_apart(
    rows: Sequence[dict[str, Any]], x: str, low: float, high: float, height: float
) -> list[dict[str, Any]]:
    """The best, and every next one whose name fits left of its point and lies beside none of
    those before."""
    kept: list[dict[str, Any]] = []
    span = math.log(high / low)
    for row in reversed(rows):
        if _fits(row, x, low, high) and all(
            abs(math.log(row[x] / one[x])) > WIDE * span
            or abs(row["accuracy"] - one["accuracy"]) > TALL * height
            for one in kept
        ):
            kept.append(row)
    return kept[::-1]


def _starter(starter: dict[str, Any], x: str, low: float) -> list[alt.Chart]:
    below = starter["accuracy"] < low
    where = f", {starter['accuracy']:.2f} %{' (far below)' if below else ''}"
    row = {x: starter[x], "accuracy": max(starter["accuracy"], low), "said": f"the starter{where}"}
    chart = alt.Chart(alt.InlineData(values=[row])).encode(x=f"{x}:Q", y="accuracy:Q")
    shape = "triangle-down" if below else "circle"
    return [
        chart.mark_point(filled=True, size=90, shape=shape, opacity=1),
        chart.mark_text(align="right", dx=-RIGHT, dy=-6, fontSize=11).encode(text="said:N"),
    ]


def _said(best: Sequence[dict[str, Any]]) -> str:
    return "; ".join(f"{row['called']}, {row['accuracy']:.2f} %" for row in best) or "none yet"
