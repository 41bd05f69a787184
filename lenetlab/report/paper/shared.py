"""What a study's paper and a student's own say in the same words."""

from collections.abc import Sequence
from dataclasses import dataclass

from lenetlab.analysis.board import Board
from lenetlab.problem.problems import DEFAULT
from lenetlab.records.cells import Results
from lenetlab.report.attachments import Attachments
from lenetlab.report.paper import study_figures
from lenetlab.report.paper.background import failures, wrapped
from lenetlab.report.paper.markdown import Markdown
from lenetlab.report.paper.numbers import Numbers
from lenetlab.report.paper.pictures import Picture, Pictures
from lenetlab.report.paper.references import references
from lenetlab.report.wording import experiment, machines, progress, protocol, statistics
from lenetlab.report.wording.reproduction import how_to_reproduce


@dataclass(frozen=True)
class Shared:
    """What both templates show."""

    images: str
    freedoms: str
    scenarios: Sequence[tuple[str, str]]
    wrapped: str
    budget: str
    ends: str
    intervals: str
    comparisons: str
    failed: str
    machines: Sequence[str]
    at_budgets: Sequence[Picture]
    failures: Markdown
    references: Sequence[Markdown]
    sources_note: str
    again: str
    commands: Sequence[str]


def shared(
    results: Results,
    every: Sequence[Board],
    boards: Sequence[Board],
    attachments: Attachments,
    figure: Numbers,
    pictures: Pictures,
    rows: int | None,
    sources_note: str,
) -> Shared:
    """Of the leaderboards, `every` one and those that have a section."""
    again, commands = how_to_reproduce(results, every)
    most = rows and 2 * rows
    return Shared(
        images=experiment.images(results),
        freedoms=experiment.freedoms(results),
        scenarios=experiment.scenarios(results),
        wrapped=wrapped(results),
        budget=protocol.budget(results),
        ends=statistics.ends(results),
        intervals=statistics.intervals(results),
        comparisons=statistics.comparisons(boards),
        failed=progress.failed(results),
        machines=machines.devices(row for cell in results.cells for row in cell.finals),
        at_budgets=study_figures.at_budgets(results, attachments, pictures),
        failures=failures(results, figure, most),
        references=references(
            names(every), attachments.methods, boards, DEFAULT in experiment.problems_of(results)
        ),
        sources_note=sources_note,
        again=again,
        commands=commands[:most],
    )


def names(boards: Sequence[Board]) -> list[str]:
    """Of the methods with a run, once for every leaderboard."""
    return [line.cell.place.method for found in boards for line in found.begun]
