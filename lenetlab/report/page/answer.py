"""What the page begins with: the question's answer in a sentence and in a figure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lenetlab.analysis.at_budget import AtBudget, by_scenario
from lenetlab.analysis.board import Board
from lenetlab.analysis.targets import STARTER
from lenetlab.phrases import count, joined, passes
from lenetlab.records.cells import Results
from lenetlab.report import formats
from lenetlab.report.attachments import Attachments
from lenetlab.report.charts.at_budget import (
    STARTER_PASSES,
    at_budget,
    at_budget_rows,
    axes_of,
    starter_beside,
)
from lenetlab.report.charts.theme import Styles
from lenetlab.report.page.drawn import Drawn, Number, drawn
from lenetlab.report.wording import captions

HEIGHT = 340
FAMILY = 145  # pixels of a family's name
AXES = {"passes": "effective passes", "cpu_seconds": "CPU seconds"}
NUMBERS = [Number("called", "method"), Number("cell", "name"), Number("family", "family"),
           Number("budget", "budget"), Number("passes", "passes", 2),
           Number("cpu_seconds", "CPU", 2, "s"), Number("accuracy", "accuracy", 2, "%"),
           Number("accuracy_low", "from", 2), Number("accuracy_high", "to", 2),
           Number("n", "seeds", 0)]  # fmt: skip


@dataclass(frozen=True)
class Answer:
    """The figure, and what of it the reader chooses: scenarios and axes, the first ones shown."""

    sentence: str
    figure: Drawn | None
    scenarios: Sequence[str]
    axes: Mapping[str, str]


def answer(
    results: Results,
    boards: Sequence[Board],
    attachments: Attachments,
    styles: Styles,
    datasets: dict[str, Any],
    instead: Sequence[Drawn] = (),
) -> Answer:
    """Of `results`, and of the studies of other budgets that lie beside them. Where there is
    nothing of the kind, as on a frontier of thinner nets, a figure of `instead` has its place."""
    points = by_scenario(results, attachments.others)
    axes = _axes([one for found in points.values() for one in found])
    said = sentence(results, boards, styles)
    if not axes or sum(map(len, points.values())) < 2:
        return Answer(said, next(iter(instead), None), (), {})
    charts = {
        f"{name} {axis}": at_budget(at_budget_rows(found, styles), axis, name,
                                    starter_beside(found, attachments.baseline, axis))
        for name, found in points.items() for axis in axes
    }  # fmt: skip
    figure = drawn(
        "answer",
        "Accuracy for the computation",
        captions.at_budget(points),
        charts,
        datasets,
        NUMBERS,
        source="at budgets",
        height=HEIGHT,
        follows=True,
        legend=FAMILY,
    )
    return Answer(said, figure, list(points), axes)


def _axes(points: Sequence[AtBudget]) -> Mapping[str, str]:
    """Those of the figure, and how a reader chooses them."""
    return {axis: AXES[axis] for axis in axes_of(points)}


def sentence(results: Results, boards: Sequence[Board], styles: Styles) -> str:
    """Where the leaders end, and where the starter script does; empty without leaders."""
    ends = []
    for board in boards:
        line = board.lead
        if board.led and not board.contest.norms and line is not None and line.accuracy:
            shown = formats.plus_minus(line.accuracy, formats.two)
            who = styles.among_scenarios(line.name, board.scenario)
            ends.append(f"{shown} % in {board.contest.title} ({who})")
    if not ends:
        return ""
    what = "the leader ends" if len(ends) == 1 else f"the {count(len(ends), 'leader')} end"
    return (
        f"After {passes(results.passes)} {what} at {joined(ends)}. The starter script ends at "
        f"{formats.percent(STARTER)} after {STARTER_PASSES:g}."
    )
