"""What the page begins with: the question's answer in a sentence and in a figure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lenetlab.analysis.at_budget import AtBudget, at_budgets
from lenetlab.analysis.board import Board
from lenetlab.analysis.targets import STARTER
from lenetlab.records.rows import Results
from lenetlab.report import captions, formats
from lenetlab.report.attachments import Attachments
from lenetlab.report.charts.at_budget import SPENT, at_budget, at_budget_rows
from lenetlab.report.charts.theme import Styles
from lenetlab.report.metrics import half
from lenetlab.report.page.drawn import Drawn, Number, drawn
from lenetlab.report.wording import count, joined, passes

HEIGHT = 340
FAMILY = 145  # pixels of a family's name
AXES = {"passes": "effective passes", "cpu_seconds": "CPU seconds"}
STARTER_PASSES = 10.0  # ten epochs, a gradient a step
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
    scenarios = list(dict.fromkeys(contest.scenario for contest in results.contests()))
    some = [results, *attachments.others]
    points = {name: found for name in scenarios if (found := at_budgets(some, name))}
    axes = _axes([one for found in points.values() for one in found])
    said = sentence(results, boards, styles)
    if not axes or sum(map(len, points.values())) < 2:
        return Answer(said, next(iter(instead), None), (), {})
    charts = {
        f"{name} {axis}": at_budget(at_budget_rows(found, styles), axis, name,
                                    _starter(attachments, axis))
        for name, found in points.items() for axis in axes
    }  # fmt: skip
    budgets = {one.budget for found in points.values() for one in found}
    figure = drawn(
        "answer",
        "Accuracy for the computation",
        captions.at_budget(len(budgets)),
        charts,
        datasets,
        NUMBERS,
        source="at budgets",
        height=HEIGHT,
        follows=True,
        legend=FAMILY,
    )
    return Answer(said, figure, list(points), axes)


def _axes(found: Sequence[AtBudget]) -> Mapping[str, str]:
    """Passes first where they differ by the budget; of one budget all have the same, and seconds
    tell more."""
    known = [axis for axis in SPENT if all(getattr(one, axis) is not None for one in found)]
    ordered = known if len({one.budget for one in found}) > 1 else reversed(known)
    return {axis: AXES[axis] for axis in ordered} if found else {}


def _starter(attachments: Attachments, axis: str) -> dict[str, Any] | None:
    """Where the starter script ends; its seconds are known where it was timed."""
    row = attachments.baseline
    spent = getattr(row, axis) if row is not None and row.done else None
    if spent is None and axis == "passes":
        spent = STARTER_PASSES
    return None if spent is None else {axis: spent, "accuracy": STARTER}


def sentence(results: Results, boards: Sequence[Board], styles: Styles) -> str:
    """Where the leaders end, and where the starter script does; empty without leaders."""
    ends = []
    for board in boards:
        line = board.lead
        if board.led and not board.contest.norms and line is not None and line.accuracy:
            mean, off = line.accuracy.mean, half(line.accuracy)
            shown = f"{mean:.2f}" if off is None else f"{mean:.2f} ± {off:.2f}"
            who = styles.among_scenarios(line.name, board.scenario)
            ends.append(f"{shown} % in {board.contest.title} ({who})")
    if not ends:
        return ""
    what = "the leader ends" if len(ends) == 1 else f"the {count(len(ends), 'leader')} end"
    return (
        f"After {passes(results.passes)} {what} at {joined(ends)}. The starter script ends at "
        f"{formats.percent(STARTER)} after {STARTER_PASSES:g}."
    )
