"""Training loss along single runs, and the two panels of the starter script."""

import math
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

import altair as alt

from lenetlab.records.cells import Cell
from lenetlab.records.run_folder import Run
from lenetlab.report.charts.curves import AXES
from lenetlab.report.charts.digits import short
from lenetlab.report.charts.rows import Rows
from lenetlab.report.charts.selection import Drawing
from lenetlab.report.charts.theme import Styles, ticks
from lenetlab.report.colours import COLOURS

FEWEST = 3  # points of a line; two are no curve


def training_rows(cells: Sequence[Cell], runs: Mapping[str, Run]) -> list[dict[str, Any]]:
    """One row per method and point of its trace: mean training loss since the point before, the
    mean over the seeds with a result. `runs` by id; a method with fewer than three is left out."""
    rows = []
    for cell in cells:
        traces = [runs[row.id].trace for row in cell.finals if row.done and row.id in runs]
        points = list(zip(*traces, strict=False))  # alike but for the seed, so of one length
        found = [
            {
                "method": cell.place.name,
                "passes": short(fmean(point["passes"] for point in at)),
                "loss": short(fmean(point["loss"] for point in at)),
            }
            for at in points
            if all(point["loss"] is not None and point["loss"] > 0 for point in at)
        ]
        rows += found if len(found) >= FEWEST else []
    return rows


def training_loss(rows: Sequence[dict[str, Any]], styles: Styles, about: str) -> Drawing:
    """`training_rows` as lines, in the logarithm."""
    shown = list(dict.fromkeys(row["method"] for row in rows))
    values = [row["loss"] for row in rows]
    domain = [min(values, default=0.1) * 0.97, max(values, default=1.0) * 1.03]
    y = alt.Y("loss:Q", title="training loss").axis(values=ticks(*domain), format="~g")
    data = Rows(rows, f"training, {about}")
    line = alt.Chart(data).mark_line(clip=True, strokeWidth=1.4)
    return alt.layer(
        line.encode(
            x=alt.X("passes:Q", title=AXES["passes"]),
            y=y.scale(type="log", domain=domain, nice=False),
            color=styles.colour(shown),
            strokeDash=styles.dash(shown),
        )
    ).properties(description=f"Line chart, {about}: training loss against effective passes.")


def starter_training(run: Run) -> Drawing | None:
    """The script's upper panel: training loss against epochs, the mean between two points."""
    rows = [{"epoch": p["epochs"], "loss": p["loss"]} for p in run.trace if p["loss"] is not None]
    return _panel(rows, "training loss", COLOURS[0])


def starter_test(run: Run) -> Drawing | None:
    """Its lower panel: the average test loss that it prints after every epoch."""
    rows = [
        {"epoch": evaluation["epochs"], "loss": evaluation["starter_average_loss"]}
        for evaluation in run.evaluations
    ]
    return _panel(rows, "average test loss, as printed", COLOURS[1])


def _panel(rows: Sequence[dict[str, Any]], title: str, colour: str) -> Drawing | None:
    """None for fewer than three points."""
    if len(rows) < FEWEST:
        return None
    last = rows[-1]["epoch"]
    every = math.ceil(last / 10)
    whole = list(range(0, math.floor(last) + 1, every or 1))
    x = alt.X("epoch:Q", title="epochs").scale(domain=[0, last], nice=False)
    x = x.axis(format="d", values=whole)
    y = alt.Y("loss:Q", title=title).scale(zero=False)
    line = alt.Chart(Rows(rows, title))
    return alt.layer(line.mark_line(color=colour, strokeWidth=1.4).encode(x=x, y=y)).properties(
        description=f"Line chart: {title} against epochs."
    )
