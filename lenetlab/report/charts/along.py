"""What changes inside runs while they train: a small chart a quantity, a line a run."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import altair as alt

from lenetlab.report.charts.selection import Drawing
from lenetlab.report.charts.theme import Styles

Inspected = Mapping[str, Any]  # what inspect.json holds

QUANTITIES: Mapping[str, Callable[[Mapping[str, Any]], float | None]] = {
    "training loss": lambda point: point["loss"],
    "sharpness: largest Hessian eigenvalue": lambda point: point["sharpness"],
    "gradient norm": lambda point: point["gradient_norm"],
    "gradient noise scale, examples": lambda point: point["noise"]["scale"],
}
MATRICES = ("conv1.weight", "conv2.weight", "fc1.weight", "fc2.weight", "fc3.weight")
WIDTH, HEIGHT = 215, 120  # of a small chart


def quantity_rows(inspected: Mapping[str, Inspected]) -> list[dict[str, Any]]:
    """One row per run, by its name, quantity and point; what does not exist is left out."""
    return [
        {"method": name, "panel": title, "passes": point["passes"], "value": value}
        for name, one in inspected.items()
        for title, pick in QUANTITIES.items()
        for point in one["along"]
        if (value := pick(point)) is not None and value > 0
    ]


def layer_rows(inspected: Mapping[str, Inspected], kind: str) -> list[dict[str, Any]]:
    """One row per run, weight matrix and point, of its `norms` or `angles` (in degrees)."""
    scale = math.degrees(1) if kind == "angles" else 1.0
    return [
        {"method": name, "panel": tensor, "passes": point["passes"], "value": scale * value}
        for name, one in inspected.items()
        for tensor in MATRICES
        for point in one["along"]
        if (value := point[kind][tensor]) is not None and value > 0
    ]


def along(inspected: Mapping[str, Inspected], styles: Styles) -> Drawing:
    """Loss, sharpness, gradient norm and noise scale against effective passes."""
    return _small_charts(
        quantity_rows(inspected), styles, list(QUANTITIES), 2,
        "Line charts, a line for each run: training loss, sharpness, gradient norm and gradient "
        "noise scale against effective passes.",
    )  # fmt: skip


def layer_angles(inspected: Mapping[str, Inspected], styles: Styles) -> Drawing:
    """Degrees by which one step turns each weight matrix, against effective passes."""
    return _small_charts(
        layer_rows(inspected, "angles"), styles, MATRICES, 3,
        "Line charts, a line for each run: the angle in degrees by which a step turns each weight "
        "matrix, against effective passes.",
    )  # fmt: skip


def layer_norms(inspected: Mapping[str, Inspected], styles: Styles) -> Drawing:
    """The norm of each weight matrix, against effective passes."""
    return _small_charts(
        layer_rows(inspected, "norms"), styles, MATRICES, 3,
        "Line charts, a line for each run: the norm of each weight matrix against effective "
        "passes.",
    )  # fmt: skip


def _small_charts(
    rows: Sequence[dict[str, Any]],
    styles: Styles,
    panels: Sequence[str],
    columns: int,
    description: str,
) -> Drawing:
    """Root axes to the right, because points are closer together at the beginning."""
    x = alt.X("passes:Q", title="effective passes").scale(type="sqrt", nice=False)
    base = alt.Chart(alt.InlineData(values=list(rows))).encode(
        x=x.axis(tickCount=5),
        y=alt.Y("value:Q", title=None).scale(type="log", nice=False).axis(tickCount=5, format="~g"),
        color=styles.colour(),
        strokeDash=styles.dash(),
    )
    width = WIDTH if columns == 2 else WIDTH * 2 // 3
    drawn: Drawing = (
        alt.layer(
            base.mark_line(strokeWidth=1.5), base.mark_point(filled=True, size=10, aria=False)
        )
        .properties(width=width, height=HEIGHT)
        .facet(facet=alt.Facet("panel:N", title=None, sort=list(panels)), columns=columns)
        .resolve_scale(y="independent")
        .resolve_axis(x="independent")
        .properties(description=description)
    )
    return drawn
