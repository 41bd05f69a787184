"""The findings' figures: differences in rows, and curves over what was varied, with intervals."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from curves import INK, STYLE, svg
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

from findings.effects import Effect
from lenetlab.analysis.intervals import Summary
from lenetlab.report.colours import COLOURS, FAMILY_COLOURS
from lenetlab.report.formats import points

WIDE = 6.8
ROW = 0.27  # inches


def forest(groups: Mapping[str, Sequence[Effect]], axis: str, within: float = math.inf) -> str:
    """A row an effect with its interval, in the colour of its family, under the names of their
    groups; hollow where it may be luck. What lies beyond `within` points stands at the edge."""
    rows: list[tuple[str, Effect | None]] = []
    for title, effects in groups.items():
        rows += [(title, None)] * bool(title)
        rows += [(one.name, one) for one in effects if one.difference]
    with rc_context(STYLE):
        figure = Figure(figsize=(WIDE, 0.7 + ROW * len(rows)), layout="constrained")
        axes = figure.subplots()
        for i, (_, one) in enumerate(rows):
            if one is not None:
                _row(axes, i, one, within)
        axes.axvline(0, color=INK, linewidth=0.8)
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_yticks(range(len(rows)), [text for text, _ in rows])
        for label, (_, one) in zip(axes.get_yticklabels(), rows, strict=True):
            label.set_fontweight("normal" if one else "bold")
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel(axis)
        _plain(axes)
        return svg(figure)


def forests(panels: Mapping[str, Sequence[Effect]], axis: str) -> str:
    """A forest a panel, beside each other; rows are those of the first, then what others have."""
    names = list(dict.fromkeys(one.name for some in panels.values() for one in some))
    with rc_context(STYLE):
        figure = Figure(figsize=(WIDE + 0.6, 0.9 + ROW * len(names)), layout="constrained")
        rows = figure.subplots(1, len(panels), sharex=True, sharey=True, squeeze=False)
        for axes, (title, effects) in zip(rows[0], panels.items(), strict=True):
            for one in effects:
                if one.difference:
                    _row(axes, names.index(one.name), one, math.inf, labelled=False)
            axes.axvline(0, color=INK, linewidth=0.8)
            axes.set_title(title, fontsize=9)
            axes.set_ylim(len(names) - 0.4, -0.6)
            axes.set_yticks(range(len(names)), names)
            axes.tick_params(axis="y", length=0)
            _plain(axes)
        figure.supxlabel(axis, fontsize=9)
        return svg(figure)


def _row(axes: Axes, i: int, effect: Effect, within: float, labelled: bool = True) -> None:
    d = effect.difference
    assert d is not None
    colour = FAMILY_COLOURS.get(effect.family, INK)
    face = colour if effect.side in ("above", "below") else "none"
    beyond = abs(d.mean) > within
    if beyond:
        edge = math.copysign(within, d.mean)
        axes.plot(edge, i, ">" if edge > 0 else "<", color=colour, markerfacecolor=face)
        right = edge < 0
    else:
        low, high = max(d.low, -within), min(d.high, within)
        axes.plot([low, high], [i, i], color=colour, linewidth=1.8)
        for end, cut, mark in ((low, d.low < -within, "<"), (high, d.high > within, ">")):
            if cut:  # it goes on
                axes.plot(end, i, mark, color=colour, markersize=4)
        axes.plot(d.mean, i, "o", color=colour, markerfacecolor=face, markersize=5.5)
        edge, right = high, True
    if not labelled:
        return
    axes.annotate(points(d.mean), (edge, i), (6 if right else -8, 0), textcoords="offset points",
                  ha="left" if right else "right", va="center", fontsize=8)  # fmt: skip


@dataclass(frozen=True)
class Series:
    """A curve: points (x, mean, low, high), in a colour, dashed or not."""

    name: str
    points: Sequence[tuple[float, float, float, float]]
    colour: str
    dashed: bool = False


def point(x: float, found: Summary) -> tuple[float, float, float, float]:
    """A mean of accuracies in percent, with its interval as far as there are such accuracies."""
    span = found.interval
    low, high = (span.low, span.high) if span else (found.mean, found.mean)
    return x, found.mean, max(low, 0.0), min(high, 100.0)


def over(
    series: Sequence[Series],
    axes_titles: tuple[str, str],
    marks: Mapping[str, float] | None = None,
    apart: float = 0.0,
    ticks: Sequence[float] | None = None,
) -> str:
    """Curves over a logarithmic axis. `marks` are heights with their names. Curves stand beside
    each other by a factor of 1 + `apart`; `ticks` are what was varied unless given."""
    with rc_context(STYLE):
        figure = Figure(figsize=(WIDE, 3.5), layout="constrained")
        axes = figure.subplots()
        middle = (len(series) - 1) / 2
        for i, one in enumerate(series):
            factor = (1 + apart) ** (i - middle)
            _curve(axes, one, factor)
        xs = sorted({x for one in series for x, *_ in one.points})
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(FixedLocator(ticks or xs))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,.10g}"))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_minor_formatter(NullFormatter())
        for name, height in (marks or {}).items():
            axes.axhline(height, color=INK, linewidth=0.8, linestyle=":")
            axes.annotate(name, (0.005, height), xycoords=("axes fraction", "data"),
                          xytext=(0, 2), textcoords="offset points", fontsize=8)  # fmt: skip
        axes.set_xlabel(axes_titles[0])
        axes.set_ylabel(axes_titles[1])
        _plain(axes)
        axes.legend(frameon=False, fontsize=8, labelcolor=INK, loc="upper left",
                    bbox_to_anchor=(1, 1))  # fmt: skip
        return svg(figure)


def _curve(axes: Axes, one: Series, factor: float) -> None:
    xs = [x * factor for x, *_ in one.points]
    means = [y for _, y, _, _ in one.points]
    spans = [[y - low for _, y, low, _ in one.points], [high - y for _, y, _, high in one.points]]
    axes.errorbar(xs, means, yerr=spans, color=one.colour, label=one.name, marker="o",
                  markersize=4.5, linewidth=1.5, elinewidth=1.3, capsize=2,
                  linestyle="--" if one.dashed else "-")  # fmt: skip


def _plain(axes: Axes) -> None:
    axes.grid(True, alpha=0.2)
    axes.spines[["top", "right"]].set_visible(False)


def in_turn(names: Sequence[str]) -> dict[str, str]:
    """A colour a name, for what is of one family."""
    return {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(names)}
