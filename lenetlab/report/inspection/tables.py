"""The numbers of `lenetlab inspect` as tables of words, for the terminal and for a page."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lenetlab.report.charts.along import Inspected
from lenetlab.report.charts.convergence import LEAST
from lenetlab.report.formats import MISSING, amount, count, three


@dataclass(frozen=True)
class Words:
    """A table: the first column words, the others numbers."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


def ends(inspected: Mapping[str, Inspected]) -> Words:
    """What the final weights of runs are like, by their names: a column for each run."""
    each = list(inspected.values())
    noises = [one["along"][-1]["noise"] for one in each]
    facts = [
        ("training loss", [three(one["along"][-1]["loss"]) for one in each]),
        ("training accuracy, %", [f"{one['along'][-1]['accuracy']:.1f}" for one in each]),
        ("largest Hessian eigenvalues", [_eigenvalues(one["end"]) for one in each]),
        ("least eigenvalue", [_signed(one["end"]["least"]) for one in each]),
        ("trace of the Hessian", [_trace(one["end"]["trace"]) for one in each]),
        ("critical batch size: the noise scale", [_noise(noise) for noise in noises]),
        ("batch size of the run", [count(one["end"]["batch_size"]) for one in each]),
        ("at it, × the fewest steps", [_factor(one["end"]["steps_factor"]) for one in each]),
        ("at it, × the fewest examples", [_factor(one["end"]["examples_factor"]) for one in each]),
        ("barrier from start to end", [_signed(one["line"]["barrier"]) for one in each]),
    ]
    return Words("At the end", ["", *inspected], [[fact, *values] for fact, values in facts])


def along(name: str, one: Inspected) -> Words:
    """A run's quantities, a line for each of its points."""
    head = [
        "passes",
        "step",
        "loss",
        "accuracy %",
        "sharpness",
        "gradient",
        "noise scale, examples",
    ]
    rows = [
        [
            f"{point['passes']:.3f}",
            count(point["steps"]),
            three(point["loss"]),
            f"{point['accuracy']:.1f}",
            _signed(point["sharpness"]),
            three(point["gradient_norm"]),
            _noise(point["noise"]),
        ]
        for point in one["along"]
    ]
    return Words(f"{name}, along the run", head, rows)


def layers(name: str, one: Inspected) -> Words:
    """A run's tensors: their norms at the start and the end, and how far steps turn them."""
    first, last = one["along"][0], one["along"][-1]
    middle = one["along"][len(one["along"]) // 2]
    head = ["tensor", "norm at the start", "at the end", "degrees a step, halfway", "at the end"]
    rows = [
        [tensor, three(norm), three(last["norms"][tensor]), _angle(middle, tensor),
         _angle(last, tensor)]
        for tensor, norm in first["norms"].items()
    ]  # fmt: skip
    return Words(f"{name}, by layer", head, rows)


def in_plane(found: Mapping[str, Any], names: Sequence[str]) -> Words:
    """Runs in one plane: where they end, and what lies between them."""
    barriers = [MISSING, *(_signed(one["barrier"]) for one in found["lines"])]
    head = ["run", "points", "loss at the end", "farthest from the plane", f"barrier to {names[0]}"]
    rows = [
        [name, str(len(run["x"])), three(run["loss"][-1]), amount(max(run["distance"])), barrier]
        for name, run, barrier in zip(names, found["runs"], barriers, strict=True)
    ]
    return Words("In one plane", head, rows)


def courses(found: Mapping[str, Any]) -> Words:
    """Methods on softmax regression: theory's rate, and F − F* at the end beside its bound."""
    rows = []
    for one in found["courses"]:
        last = [i for i, value in enumerate(one["measured"]) if value > LEAST][-1]
        bound = one["theory"][last]
        rows.append(
            [one["title"], one["rate"], f"{count(one['k'][last])} {one['unit']}",
             f"{one['measured'][last]:.1e}", MISSING if bound is None else f"{bound:.1e}"]
        )  # fmt: skip
    return Words(
        "Measured, and promised", ["method", "theory", "after", "measured", "at most"], rows
    )


def _eigenvalues(end: Mapping[str, Any]) -> str:
    return ", ".join(_signed(value) for value in end["eigenvalues"])


def _trace(trace: Mapping[str, Any]) -> str:
    return f"{_signed(trace['mean'])} ± {three(trace['error'])}"


def _noise(noise: Mapping[str, Any]) -> str:
    """With its standard error; words where the gradient is lost in noise."""
    if noise["scale"] is None:
        return "more than can be told"
    error = "" if noise["error"] is None else f" ± {count(noise['error'])}"
    return f"{count(noise['scale'])}{error}"


def _factor(value: float | None) -> str:
    return MISSING if value is None else three(value)


def _angle(point: Mapping[str, Any], tensor: str) -> str:
    angle = point["angles"][tensor]
    return MISSING if angle is None else three(math.degrees(angle))


def _signed(value: float) -> str:
    """Three digits, with a true minus sign."""
    return three(value) if value >= 0 else f"−{three(-value)}"
