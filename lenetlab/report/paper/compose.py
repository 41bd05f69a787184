"""The paper as Markdown: the template with the study's numbers, tables and figures in it."""

from collections.abc import Sequence
from dataclasses import dataclass

from jinja2 import Environment, TemplateError

from lenetlab.analysis.board import board
from lenetlab.analysis.equal_time import priced
from lenetlab.analysis.targets import TARGETS
from lenetlab.errors import UserError
from lenetlab.records.rows import Contest, Results
from lenetlab.report import wording
from lenetlab.report.attachments import Attachments, LeaderNet
from lenetlab.report.paper import scenario_figures, study_figures
from lenetlab.report.paper.background import failures, method_rows, waiting, wrapped
from lenetlab.report.paper.facts import all_facts
from lenetlab.report.paper.markdown import Markdown, environment
from lenetlab.report.paper.numbers import Numbers
from lenetlab.report.paper.pictures import Picture, Pictures
from lenetlab.report.paper.sentences import story, summary
from lenetlab.report.paper.tables import Section, costs, equal_time, leaderboard

COSTS = 10  # methods in a table of costs


@dataclass(frozen=True)
class PaperContext:
    """What the template shows of the whole study."""

    name: str
    title: str
    subject: str
    ends: str
    boards: Sequence[Section]
    images: str
    freedoms: str
    scenarios: Sequence[tuple[str, str]]
    baseline: str
    machines: Sequence[str]
    targets: Sequence[Sequence[object]]
    methods: Sequence[Sequence[object]]
    wrapped: str
    waiting: Markdown
    tuning: str
    budget: str
    intervals: str
    comparisons: str
    equal_time: str
    failed: str
    costs: Markdown
    computed: Sequence[Picture]
    sensitivity: Sequence[Picture]
    leader_net: Sequence[Picture]
    leading: str
    failures: Markdown
    limits: Sequence[str]
    sources_note: str
    again: str
    commands: Sequence[str]


@dataclass(frozen=True)
class Composed:
    """The paper in Markdown, and the numbers in it with their runs."""

    markdown: str
    title: str
    numbers: Numbers


def compose(
    results: Results,
    attachments: Attachments,
    pictures: Pictures,
    rows: int | None = None,
    sources_note: str = "",
) -> Composed:
    """The paper with the first `rows` lines of every leaderboard (None: all of them)."""
    results = priced(results, attachments.costs)
    boards = [board(results, *contest) for contest in results.leaderboards()]
    figure = Numbers(all_facts(results, boards, attachments))
    sections = [
        Section(
            title=found.contest.title,
            summary=summary(found, figure),
            story=story(found, figure),
            table=leaderboard(found, figure, rows),
            at_time=equal_time(found, figure, min(rows or COSTS, COSTS)),
            curves=scenario_figures.curves(found, pictures),
            comparisons=scenario_figures.comparisons(found, pictures),
        )
        for found in boards
    ]
    leader_nets = wording.of_leaders(attachments.leader_nets, boards)
    again, commands = wording.again(results, boards)
    study = PaperContext(
        name=results.name,
        title=results.title,
        subject=wording.subject(results),
        ends=wording.ends(results),
        boards=sections,
        images=wording.images(results),
        freedoms=wording.freedoms(results),
        scenarios=wording.scenarios(results),
        baseline=wording.baseline(attachments.baseline),
        machines=wording.devices(row for cell in results.cells for row in cell.finals),
        targets=[[t.whose, figure("targets", i)] for i, t in enumerate(TARGETS)],
        methods=method_rows(results, attachments),
        wrapped=wrapped(results),
        waiting=waiting(results),
        tuning=wording.tuning(results),
        budget=wording.budget(results),
        intervals=wording.intervals(results),
        comparisons=wording.comparisons(boards),
        equal_time=wording.EQUAL_TIME if any(section.at_time for section in sections) else "",
        failed=wording.failed(results),
        costs=costs(boards, figure, min(rows or COSTS, COSTS)),
        computed=study_figures.computation(results, boards, pictures),
        sensitivity=study_figures.sensitivity(boards, pictures),
        leader_net=study_figures.leader_net(leader_nets, pictures),
        leading=_title(leader_nets[0]) if leader_nets else "",
        failures=failures(results, figure, rows and 2 * rows),
        limits=wording.limits(results),
        sources_note=sources_note,
        again=again,
        commands=commands[: rows and 2 * rows],
    )
    jinja = environment()
    jinja.globals["figure"] = figure
    discussion = None
    if attachments.discussion is not None:
        discussion = _discussion(jinja, attachments.discussion, study)
    text = jinja.get_template("paper.md.jinja").render(study=study, discussion=discussion)
    return Composed(text, results.title, figure)


def _title(leader_net: LeaderNet) -> str:
    return Contest(leader_net.scenario, leader_net.rules, problem=leader_net.problem).title


def _discussion(jinja: Environment, text: str, study: PaperContext) -> Markdown:
    """What was written by hand, its numbers filled in."""
    try:
        return Markdown(jinja.from_string(text).render(study=study).strip())
    except TemplateError as error:
        line = getattr(error, "lineno", None)
        place = f"discussion.md:{line}" if line else "discussion.md"
        raise UserError(
            f"{place} cannot be filled in ({error.message}); numbers are written as "
            '{{ figure("l2", "leader", "accuracy") }}'
        ) from None
