"""Accuracy and loss on the test set while a method trains: the mean over seeds, in a band."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean
from typing import Any

import altair as alt

from lenetlab.problem.scenarios import BOUND
from lenetlab.report.charts.choice import Drawing, board, choice, when
from lenetlab.report.charts.theme import SHOWN, Styles, ticks
from lenetlab.results import Cell, Row

AXES = {
    "passes": "effective passes",
    "gradients": "gradient evaluations (one example each)",
    "cpu_seconds": "CPU seconds of training",
}


def curve_rows(cells: Sequence[Cell]) -> list[dict[str, Any]]:
    """One row per method and look: means over the seeds that are done, and the least and the
    largest of them. Looks at which a constraint was not yet in force are left out."""
    rows = []
    for cell in cells:
        done = [row for row in cell.finals if row.done]
        runs = [[look for look in row.looks if _counts(row, look)] for row in done]
        for looks in zip(*_common(runs), strict=True):
            rows.append(
                {
                    "method": cell.place.name,
                    "family": cell.place.family,
                    "n": len(looks),
                    **{axis: _short(fmean(look[axis] for look in looks)) for axis in AXES},
                    **dict(_band("accuracy", looks)),
                    **dict(_band("loss", looks)),
                }
            )
    return rows


def _counts(row: Row, look: Mapping[str, Any]) -> bool:
    constraint = row.recipe.get("constraint")
    return constraint is None or look["nonzeros"] <= constraint[1].get("keep", BOUND)


def _common(runs: list[list[Mapping[str, Any]]]) -> list[list[Mapping[str, Any]]]:
    """The looks that all runs have, so that every mean is over the same seeds."""
    shared = (
        set.intersection(*({look["at"] for look in looks} for looks in runs)) if runs else set()
    )
    return [[look for look in looks if look["at"] in shared] for looks in runs]


def _band(name: str, looks: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, float]]:
    values = [float(look[name]) for look in looks]
    yield name, _short(fmean(values))
    yield f"{name}_low", _short(min(values))
    yield f"{name}_high", _short(max(values))


def _short(value: float) -> float:
    """Six digits are more than a screen can show, and keep a page small."""
    return float(f"{value:.6g}")


def accuracy_curves(
    cells: Sequence[Cell],
    styles: Styles,
    x: str = "passes",
    shown: Sequence[str] | None = None,
    interactive: bool = True,
) -> Drawing:
    """Test accuracy against `x`, one of `AXES`. `shown` methods (by default the best) stand out
    among faint others; where `interactive`, a click on the legend chooses them.

    The axis begins a little below the least final accuracy shown, so that differences of a few
    tenths can be seen."""
    rows, chosen = curve_rows(cells), stand_out(cells, styles, shown)
    ends = {row["method"]: row["accuracy"] for row in rows}  # the last look of each
    least = min((ends[name] for name in chosen if name in ends), default=0.0)
    top = max((row["accuracy_high"] for row in rows), default=100.0)
    domain = [max(least - 7, top - 40, 0), min(top + 0.3, 100)]
    y = alt.Y("accuracy:Q", title="test accuracy, %")
    y = y.scale(domain=domain, zero=False, nice=False)
    return _curves(cells, rows, styles, chosen, x, y, interactive)


def loss_curves(
    cells: Sequence[Cell],
    styles: Styles,
    x: str = "passes",
    shown: Sequence[str] | None = None,
    interactive: bool = True,
) -> Drawing:
    """True mean test loss against `x`, as `accuracy_curves`; logarithmic."""
    rows, chosen = curve_rows(cells), stand_out(cells, styles, shown)
    here = [row for row in rows if row["method"] in chosen]
    domain = [
        min((row["loss_low"] for row in here), default=0.1) * 0.97,
        min(max((row["loss_high"] for row in here), default=1.0), 1.2),
    ]
    y = alt.Y("loss:Q", title="test loss (true mean)").axis(values=ticks(*domain), format="~g")
    y = y.scale(type="log", domain=domain, nice=False)
    return _curves(cells, rows, styles, chosen, x, y, interactive)


def stand_out(cells: Sequence[Cell], styles: Styles, shown: Sequence[str] | None) -> list[str]:
    """The methods that stand out: `shown`, by default the best few of those in `cells`."""
    here = {cell.place.name for cell in cells if any(row.done for row in cell.finals)}
    best = [name for name in styles.names if name in here][:SHOWN]
    return best if shown is None else [name for name in styles.names if name in shown]


def _curves(
    cells: Sequence[Cell],
    rows: list[dict[str, Any]],
    styles: Styles,
    shown: list[str],
    x: str,
    y: alt.Y,
    interactive: bool,
) -> Drawing:
    name, scenario = str(y.shorthand)[:-2], board(cells)
    chosen = choice(shown, interactive)
    along = [row[x] for row in rows]
    across = ticks(min(along), max(along)) if along else []
    base = alt.Chart(alt.InlineData(values=rows, name=f"curves, {scenario}")).encode(
        x=alt.X(f"{x}:Q")
        .scale(type="log", nice=False)
        .title(AXES[x])
        .axis(format="~s" if x == "gradients" else "~g", values=across),
        color=styles.colour(None if interactive else shown),
        tooltip=["method:N", "family:N", alt.Tooltip(f"{x}:Q", title=AXES[x], format=",.4~g"),
                 alt.Tooltip(f"{name}:Q", title=f"mean {name}", format=".4~f"),
                 alt.Tooltip(f"{name}_low:Q", title="least", format=".4~f"),
                 alt.Tooltip(f"{name}_high:Q", title="largest", format=".4~f"),
                 alt.Tooltip("n:Q", title="seeds")],
    )  # fmt: skip
    low = y.copy()
    low.shorthand = f"{name}_low:Q"
    band = base.mark_area(clip=True, line=False).encode(
        y=low, y2=f"{name}_high:Q", opacity=when(chosen, 0.18, 0)
    )
    line = base.mark_line(clip=True).encode(
        y=y,
        strokeDash=styles.dash(None if interactive else shown),
        opacity=when(chosen, 1, 0.12),
    )
    point = base.mark_point(clip=True, filled=True).encode(
        y=y,
        shape=styles.shape(None if interactive else shown),
        opacity=when(chosen, 1, 0),
    )
    return alt.layer(band, line, point.add_params(chosen) if interactive else point).properties(
        description=f"Line chart, {scenario}: {y['title']} against {AXES[x]}, a line for each "
        "method, the mean over seeds, in a band from the least to the largest."
    )
