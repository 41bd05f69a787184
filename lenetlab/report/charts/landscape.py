"""The loss around and between weights: on lines, and on a plane with trajectories in it."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import contourpy
import numpy as np
from scipy.interpolate import RectBivariateSpline

from lenetlab.report.charts.digits import short
from lenetlab.report.charts.selection import Drawing
from lenetlab.report.charts.theme import Styles, ticks

SIDE = 330  # of the plane, which is square
GREYS = alt.SchemeParams("greys", extent=[0, 0.75])  # lines of all colours stand out from them
LEVELS = 12  # contour lines
CEILING = 1.3  # times the largest loss of a point: what is higher is all one shade


def plane(found: Mapping[str, Any], names: Sequence[str], styles: Styles) -> Drawing:
    """The loss on a plane, as plane.json has it, and the trajectories of the runs called `names`
    in it: from a cross to a large dot. Shades and contours are logarithmic."""
    low = min(map(min, found["loss"]))
    high = max(max(run["loss"]) for run in found["runs"]) * CEILING
    left, right = found["x"][0], found["x"][-1]
    bottom, top = found["y"][0], found["y"][-1]
    x = alt.X("x:Q", title="distance in weights").scale(domain=[left, right], nice=False)
    y = alt.Y("y:Q", title="distance in weights").scale(domain=[bottom, top], nice=False)
    x, y = x.axis(grid=False), y.axis(grid=False)
    shade = alt.Color("loss:Q", title="training loss")
    shade = shade.scale(type="log", domain=[low, high], clamp=True, scheme=GREYS)
    shade = shade.legend(orient="right", values=ticks(low, high), format="~g", gradientLength=160)
    shades = alt.Chart(alt.InlineData(values=_cells(found))).mark_rect(clip=True, aria=False)
    shades = shades.encode(
        x=x, x2="x2:Q", y=y, y2="y2:Q", color=shade,
        tooltip=[alt.Tooltip("loss:Q", format=".4f")],
    )  # fmt: skip
    lines = alt.Chart(alt.InlineData(values=_contours(found, low, high))).mark_line(
        strokeWidth=0.6, opacity=0.45, clip=True, aria=False
    )
    lines = lines.encode(x=x, y=y, detail="line:N", order="order:Q")
    rows = _points(found, names)
    colour = styles.colour()
    unnamed = colour.legend(None)
    base = alt.Chart(alt.InlineData(values=rows)).encode(
        x=x, y=y,
        tooltip=["method:N", alt.Tooltip("passes:Q", format=".3f"),
                 alt.Tooltip("loss:Q", format=".4f"), alt.Tooltip("distance:Q", format=".3g")],
    )  # fmt: skip
    drawn: Drawing = (
        alt.layer(
            shades,
            lines,
            base.mark_line(strokeWidth=1.8).encode(order="order:Q", color=colour),
            base.mark_point(filled=True, size=14, opacity=1).encode(color=unnamed),
            base.mark_point(shape="cross", angle=45, filled=True, size=90, opacity=1)
            .encode(color=unnamed)
            .transform_filter("datum.order === 0"),
            base.mark_point(filled=True, size=110, opacity=1)
            .encode(color=unnamed)
            .transform_filter("datum.last"),
        )
        .resolve_scale(color="independent")
        .properties(
            height=SIDE,
            description="Map of the training loss on a plane of weights, with contour lines and "
            f"the trajectories of {', '.join(names)}, each from a cross to a large dot.",
        )
    )  # fmt: skip
    return drawn


def lines(
    found: Mapping[str, Sequence[Mapping[str, Any]]], styles: Styles, title: str, words: str
) -> Drawing:
    """Losses along lines: for each run's name the lines it has, `t` and `loss` each."""
    rows = [
        {"method": name, "line": f"{name} {i}", "t": t, "loss": loss}
        for name, several in found.items()
        for i, one in enumerate(several)
        for t, loss in zip(one["t"], one["loss"], strict=True)
        if math.isfinite(loss)
    ]
    chart = alt.Chart(alt.InlineData(values=rows)).mark_line(strokeWidth=1.5)
    return alt.layer(
        chart.encode(
            x=alt.X("t:Q", title=title).scale(nice=False),
            y=alt.Y("loss:Q", title="training loss")
            .scale(type="log", nice=False)
            .axis(values=ticks(*_extent([row["loss"] for row in rows])), format="~g"),
            color=styles.colour(),
            strokeDash=styles.dash(),
            detail="line:N",
        )
    ).properties(description=f"Line chart: {words}")


def _extent(values: Sequence[float]) -> tuple[float, float]:
    return min(values, default=0.1), max(values, default=1.0)


def _cells(found: Mapping[str, Any]) -> list[dict[str, float]]:
    """A rectangle around every point of the finer grid, the loss at its middle; a little larger
    than its share, so that no ground shows between them."""
    found = _finer(found, 2)
    width = (found["x"][1] - found["x"][0]) / 2 * 1.08
    height = (found["y"][1] - found["y"][0]) / 2 * 1.08
    return [
        dict(
            zip(
                ("x", "x2", "y", "y2", "loss"),
                (short(v, 5) for v in (x - width, x + width, y - height, y + height, loss)),
                strict=True,
            )
        )
        for y, row in zip(found["y"], found["loss"], strict=True)
        for x, loss in zip(found["x"], row, strict=True)
    ]


def _contours(found: Mapping[str, Any], low: float, high: float) -> list[dict[str, Any]]:
    """Lines of equal loss, their levels equally far apart in the logarithm."""
    found = _finer(found, 4)
    z = np.log(np.clip(found["loss"], None, high * 1.05))
    made = contourpy.contour_generator(found["x"], found["y"], z)
    rows: list[dict[str, Any]] = []
    for level in np.linspace(math.log(low), math.log(high), LEVELS + 2)[1:-1]:
        for i, one in enumerate(made.lines(float(level))):
            rows += [
                {"line": f"{level:.4f} {i}", "order": k, "x": short(x, 5), "y": short(y, 5)}
                for k, (x, y) in enumerate(np.asarray(one))
            ]
    return rows


def _finer(found: Mapping[str, Any], times: int) -> dict[str, Any]:
    """The grid with `times` as many points each way, by cubic splines through the logarithm."""
    x, y = (
        np.linspace(at[0], at[-1], times * (len(at) - 1) + 1) for at in (found["x"], found["y"])
    )
    spline = RectBivariateSpline(found["y"], found["x"], np.log(found["loss"]))
    return {"x": x, "y": y, "loss": np.exp(spline(y, x))}


def _points(found: Mapping[str, Any], names: Sequence[str]) -> list[dict[str, Any]]:
    return [
        {"method": name, "order": k, "last": k == len(run["x"]) - 1, "x": run["x"][k],
         "y": run["y"][k], "passes": run["passes"][k], "loss": run["loss"][k],
         "distance": run["distance"][k]}
        for name, run in zip(names, found["runs"], strict=True)
        for k in range(len(run["x"]))
    ]  # fmt: skip
