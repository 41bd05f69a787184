"""Figures of runs, drawn by Matplotlib into image files."""

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from lenetlab.analysis.tables import SummaryRow, measured_on
from lenetlab.analysis.targets import STARTER
from lenetlab.disk import check_writable, make_folder
from lenetlab.errors import UserError
from lenetlab.records.run_folder import Run
from lenetlab.report.colours import COLOURS, PAPER_INK

LINES = (*COLOURS, PAPER_INK)  # a colour a line; then again with other dashes
DASHES = ("-", "--", ":", "-.")


class Picture(Figure):
    """A figure that notebooks show as an image by themselves, whatever Matplotlib was told."""

    def _repr_png_(self) -> bytes:
        image = io.BytesIO()
        self.savefig(image, format="png", dpi=72)
        return image.getvalue()


def _style(i: int) -> dict[str, Any]:
    return {
        "color": LINES[i % len(LINES)],
        "linestyle": DASHES[i // len(LINES) % len(DASHES)],
        "linewidth": 1.6,
    }


def _plain(value: float, _: object) -> str:
    """A tick of a logarithmic axis as a plain decimal number."""
    return f"{value:g}"


def check_ending(path: Path) -> Path:
    """Refuse a file's ending that Matplotlib cannot write, before there is a figure to lose."""
    check_writable(path)
    known = Figure().canvas.get_supported_filetypes()
    if path.suffix.removeprefix(".").lower() not in known:
        raise UserError(
            f"cannot write the figure {path}: no format {path.suffix or 'without an ending'}; "
            f"expected one of .{', .'.join(sorted(known))}"
        )
    return path


def save(figure: Figure, path: Path) -> Path:
    """Write the figure to `path` (the format is its ending's) and return the path."""
    check_writable(path)
    make_folder(path.parent)
    try:
        figure.savefig(path, dpi=150)
    except (OSError, ValueError, RuntimeError) as error:  # the last where it needs a missing TeX
        raise UserError(f"cannot write the figure {path}: {error}") from error
    return path


def loss_panels(run: Run) -> Picture:
    """The two panels of the starter script: training loss of every step, and the script's
    average loss on the images that the run was measured on."""
    figure = Picture(figsize=(8, 6), layout="constrained")
    train, test = figure.subplots(2, 1, sharex=True)
    train.plot(np.arange(1, len(run.losses) + 1), run.losses, color="blue", linewidth=0.6,
               label="Train Loss")  # fmt: skip
    steps = [evaluation["steps"] for evaluation in run.evaluations]
    averages = [evaluation["starter_average_loss"] for evaluation in run.evaluations]
    label = f"{run.measured_on.capitalize()} Loss, Average"
    test.plot(steps, averages, color="red", marker="o", markersize=3, label=label)
    whole = [
        evaluation
        for evaluation in run.evaluations
        if evaluation["epochs"] == int(evaluation["epochs"])
    ]
    ticks = [0, *(evaluation["steps"] for evaluation in whole)]
    test.set_xticks(ticks, ["0", *(str(int(evaluation["epochs"])) for evaluation in whole)])
    test.set_xlabel("Epoch")
    for axes in (train, test):
        axes.set_ylabel("Loss")
        axes.legend()
        axes.grid(True)
    return figure


Pick = Callable[[Run], tuple[list[float], list[float]]]


def _of_trace(name: str, unit: str) -> Pick:
    return lambda run: (
        [point[unit] for point in run.trace],
        [point[name] if point[name] is not None else np.nan for point in run.trace],
    )


def _of_evaluations(name: str, unit: str) -> Pick:
    return lambda run: (
        [evaluation[unit] for evaluation in run.evaluations],
        [evaluation[name] for evaluation in run.evaluations],
    )


def four_panels(rows: Sequence[SummaryRow]) -> Figure:
    """Training loss, measured loss, accuracy and learning rate, a line per row: the mean over
    seeds, with a band from the smallest to the largest. Against epochs, or against effective
    passes if a budget was given in them: an epoch of forward passes costs 0.4."""
    figure = Figure(figsize=(11, 7.5), layout="constrained")
    (a, b), (c, d) = figure.subplots(2, 2, sharex=True)
    runs = [run for row in rows for run in row.runs]
    unit = "passes" if any(run.unit == "passes" for run in runs) else "epochs"
    on = measured_on(runs)
    panels: list[tuple[Axes, str, Pick]] = [
        (a, "training loss", _of_trace("loss", unit)),
        (b, f"{on} loss (true mean)", _of_evaluations("loss", unit)),
        (c, f"{on} accuracy, %", _of_evaluations("accuracy", unit)),
        (d, "learning rate", _of_trace("rate", unit)),
    ]
    for axes, title, pick in panels:
        for i, row in enumerate(rows):
            _line(axes, row, pick, _style(i))
        axes.set_title(title, loc="left", fontsize=10)
        axes.grid(True, alpha=0.3)
        axes.margins(x=0.02)
    for axes in (c, d):
        axes.set_xlabel("effective passes" if unit == "passes" else "epochs")
    for axes in (a, b):
        if not any((np.asarray(line.get_ydata()) > 0).any() for line in axes.lines):
            continue  # no run has come to a first point, and a logarithmic axis cannot be empty
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 5)))
        axes.yaxis.set_major_formatter(FuncFormatter(_plain))
        axes.yaxis.set_minor_formatter(NullFormatter())
    handles, labels = a.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=min(len(rows), 3),
                  fontsize=9, frameon=False)  # fmt: skip
    return figure


def _line(axes: Axes, row: SummaryRow, pick: Pick, style: dict[str, Any]) -> None:
    curves = [pick(run) for run in row.runs]
    curves = [curve for curve in curves if curve[0]]
    if not curves:
        axes.plot([], [], label=row.label, **style)
        return
    longest = max((x for x, _ in curves), key=len)
    whole = np.array([y for x, y in curves if len(x) == len(longest)])
    mean = whole.mean(axis=0)
    marker = "o" if len(longest) < 30 else None
    axes.plot(longest, mean, label=row.label, marker=marker, markersize=3, **style)
    if len(whole) > 1:
        axes.fill_between(longest, whole.min(axis=0), whole.max(axis=0), alpha=0.15, lw=0,
                          color=style["color"])  # fmt: skip


def race(runs: Sequence[tuple[str, Run]]) -> Figure:
    """Test accuracy against seconds of training, logarithmic, with the script's mark."""
    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    for i, (label, run) in enumerate(runs):
        seconds = [evaluation["seconds"] for evaluation in run.evaluations]
        accuracy = [evaluation["accuracy"] for evaluation in run.evaluations]
        axes.plot(seconds, accuracy, marker="o", markersize=4, label=label, **_style(i))
    axes.axhline(STARTER, color="grey", linewidth=1, linestyle=":")
    axes.annotate(f"{STARTER} %: the starter script after ten epochs", (1, STARTER),
                  xycoords=("axes fraction", "data"), ha="right", va="bottom", color="grey",
                  xytext=(-6, 2), textcoords="offset points", fontsize=9)  # fmt: skip
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(_plain))
    axes.set_xlabel("seconds of training (logarithmic)")
    axes.set_ylabel("test accuracy, %")
    axes.grid(True, alpha=0.3)
    figure.legend(loc="outside lower center", ncols=2, frameon=False)  # off the curves
    return figure
