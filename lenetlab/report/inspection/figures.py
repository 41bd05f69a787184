"""The figures of `lenetlab inspect`, with what is said below each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lenetlab.report.charts.along import Inspected, along, layer_angles, layer_norms
from lenetlab.report.charts.convergence import convergence
from lenetlab.report.charts.landscape import lines, plane
from lenetlab.report.charts.selection import Drawing
from lenetlab.report.charts.theme import Styles
from lenetlab.report.page.theatre import ground, where


@dataclass(frozen=True)
class Figure:
    """A chart with its title and what is said below it."""

    title: str
    caption: str
    chart: Drawing


def inspected_figures(inspected: Mapping[str, Inspected]) -> list[Figure]:
    """The figures of runs, by their names, as inspect.json has them; the first is the paper's."""
    styles = Styles(tuple(inspected))
    counts = next(iter(inspected.values()))["examples"]
    ways = {name: [one["line"]] for name, one in inspected.items()}
    around = {name: one["random"] for name, one in inspected.items()}
    turns = Figure(
        "How far a step turns each layer",
        "Degrees between the weights before and after one step.",
        layer_angles(inspected, styles),
    )
    return [
        Figure(
            "Along the run",
            f"Loss, sharpness and gradient norm on the first {counts['curvature']:,} training "
            f"images, the noise scale on the first {counts['noise']:,}. Sharpness is the Hessian’s "
            "largest eigenvalue: gradient descent with the rate η is stable below 2/η. The noise "
            "scale is the batch size at which noise and signal of the gradient are equally large.",
            along(inspected, styles),
        ),
        *([turns] if _turned(inspected) else []),
        Figure(
            "How large each layer is",
            "The Euclidean norm of each weight matrix.",
            layer_norms(inspected, styles),
        ),
        Figure(
            "From start to end",
            "The loss on the straight line from the initial weights (0) to the final ones (1).",
            lines(ways, styles, "share of the way", "the training loss from start to end."),
        ),
        Figure(
            "Around the end",
            "The loss along two random directions through the final weights, each filter as long "
            "as the weights’ own (Li et al. 2018): a wide valley is flat in comparable units.",
            lines(
                around, styles, "distance, in lengths of the filters",
                "the training loss along random directions around the final weights.",
            ),
        ),
    ]  # fmt: skip


def _turned(inspected: Mapping[str, Inspected]) -> bool:
    """Whether any step is known, by which layers have turned."""
    return any(
        angle is not None
        for one in inspected.values()
        for point in one["along"]
        for angle in point["angles"].values()
    )


def colours(names: Sequence[str]) -> list[str]:
    """Those of runs in one plane, as in its figures."""
    styles = Styles(tuple(names))
    return [styles.colour_of(name) for name in names]


def plane_figures(found: Mapping[str, Any], names: Sequence[str]) -> list[Figure]:
    """The figures of what plane.json holds, of runs with these names; the first is the paper's."""
    styles = Styles(tuple(names))
    marked = where(found, "cross" if found["kind"] == "start" else "crosses", "large dots")
    figures = [
        Figure(
            "In one plane",
            f"{marked}. Shades and contours are {ground(found)}",
            plane(found, names, styles),
        )
    ]
    if found["lines"]:
        ways = {name: [one] for name, one in zip(names[1:], found["lines"], strict=True)}
        figures.append(
            Figure(
                f"From {names[0]} to the others",
                f"The loss on the straight line from the end of {names[0]} (0) to the other end "
                "(1). How far it rises above the line between both losses is the barrier.",
                lines(ways, styles, "share of the way", "the training loss between ends."),
            )
        )
    return figures


def convergence_figures(found: Mapping[str, Any]) -> list[Figure]:
    """The figure of what convergence.json holds."""
    return [
        Figure(
            "How far above the minimum",
            f"F − F* against k: steps, of SVRG stages. Measured: the mean over {found['seeds']} "
            "seeds, in a band from the least to the largest, down to rounding. Theory: an upper "
            "bound with all its constants; of Newton-CG the local rate, from where it holds.",
            convergence(found["courses"]),
        )
    ]
