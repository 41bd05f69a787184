"""Figures of the method pages, as SVG text: accuracy against effective passes."""

import io
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

from lenetlab.analysis.targets import STARTER
from lenetlab.report.colours import COLOURS

INK = "#808080"  # readable on light and on dark
STYLE: dict[Any, Any] = {
    "svg.hashsalt": "lenetlab",  # the same figure has the same bytes
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "font.size": 9,
}
TICKS = (
    10,
    40,
    60,
    70,
    80,
    85,
    88,
    90,
    92,
)  # accuracy in percent, on a logarithmic scale of errors

Measured = Mapping[str, Any]  # an entry of results/defaults.json


def one(name: str, measured: Measured, others: Mapping[str, Measured]) -> str:
    """The curve of `name` with a band over its seeds, and `others` in grey for comparison."""
    with rc_context(STYLE):
        figure = Figure(figsize=(6.4, 3.4), layout="constrained")
        axes = figure.subplots()
        for other, found in others.items():
            _draw(axes, found, INK, other, 0.9)
        _draw(axes, measured, COLOURS[0], name, 2.0)
        _finish(axes)
        axes.set_xlabel("effective passes")
        axes.set_ylabel("test accuracy, %")
        return svg(figure)


def several(found: Mapping[str, Measured]) -> str:
    """Some curves in colours."""
    with rc_context(STYLE):
        figure = Figure(figsize=(6.4, 3.4), layout="constrained")
        axes = figure.subplots()
        for (name, measured), colour in zip(found.items(), COLOURS, strict=False):
            _draw(axes, measured, colour, name, 1.8)
        _finish(axes)
        axes.set_xlabel("effective passes")
        axes.set_ylabel("test accuracy, %")
        return svg(figure)


def families(best: Mapping[str, list[str]], measured: Mapping[str, Measured]) -> str:
    """A panel a family: its best two in colour, every other family's in grey."""
    everything = [name for names in best.values() for name in names]
    columns = 3
    rows = -(-len(best) // columns)
    with rc_context(STYLE):
        figure = Figure(figsize=(9.6, 2.9 * rows), layout="constrained")
        grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        for axes, (family, names) in zip(grid.flat, best.items(), strict=False):
            for name in everything:
                if name not in names:
                    _draw(axes, measured[name], INK, None, 0.5)
            for name, colour in zip(names, COLOURS, strict=False):
                _draw(axes, measured[name], colour, name, 1.8)
            axes.set_title(family.replace("_", " "), loc="left", fontsize=10, color=INK)
            _finish(axes)
        for axes in grid.flat[len(best) :]:
            axes.remove()
        figure.supxlabel("effective passes", color=INK, fontsize=9)
        figure.supylabel("test accuracy, %", color=INK, fontsize=9)
        return svg(figure)


def _draw(axes: Axes, found: Measured, colour: str, label: str | None, width: float) -> None:
    if not found["at"]:
        return
    errors = 100.0 - np.array(found["accuracy"])
    beside = width < 1
    dashes = "--" if label and beside else "-"
    axes.plot(found["at"], errors.mean(axis=1), color=colour, linewidth=width, linestyle=dashes,
              label=label, alpha=0.5 if beside else 1.0)  # fmt: skip
    if not beside:
        axes.fill_between(found["at"], errors.min(axis=1), errors.max(axis=1), color=colour,
                          alpha=0.2, linewidth=0)  # fmt: skip


def error_axis(axes: Axes) -> None:
    """Passes on a logarithmic scale against errors on another, labelled as accuracies."""
    axes.set_xscale("log")
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(FixedLocator([100 - tick for tick in TICKS]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda error, _: f"{100 - error:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_ylim(92, 8)
    axes.grid(True, alpha=0.2)
    axes.spines[["top", "right"]].set_visible(False)


def _finish(axes: Axes) -> None:
    axes.axhline(100 - STARTER, color=INK, linewidth=0.8, linestyle=":")
    error_axis(axes)
    axes.xaxis.set_major_locator(FixedLocator([0.1, 0.25, 0.5, 1, 2, 5]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    axes.legend(frameon=False, fontsize=8, loc="lower right", labelcolor=INK)


def svg(figure: Figure, description: str = "") -> str:
    """The figure as text on a transparent ground, with a `description` of what it shows."""
    out = io.StringIO()
    about = {"Date": None} | ({"Description": description} if description else {})
    figure.savefig(out, format="svg", transparent=True, metadata=about)
    return out.getvalue()


def best_two(
    families: Mapping[str, Iterable[str]], measured: Mapping[str, Measured]
) -> dict[str, list[str]]:
    """The two of each family with the highest mean accuracy at the end of what was measured."""

    def reached(name: str) -> float:
        return float(np.mean(measured[name]["accuracy"][-1]))

    found = {}
    for family, names in families.items():
        known = [n for n in names if n in measured and measured[n]["at"]]
        if known:
            found[family] = sorted(known, key=reached, reverse=True)[:2]
    return found
