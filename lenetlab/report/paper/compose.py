"""The paper as Markdown: the template with the study's numbers, tables and figures in it."""

from collections.abc import Sequence
from dataclasses import dataclass

from jinja2 import Environment, TemplateError

from lenetlab.analysis.board import board
from lenetlab.analysis.targets import TARGETS
from lenetlab.errors import UserError
from lenetlab.report.beside import Beside
from lenetlab.report.paper import scenario_figures, study_figures
from lenetlab.report.paper.background import devices, failures, method_rows, waiting
from lenetlab.report.paper.boards import Section, costs, leaderboard, rules_of
from lenetlab.report.paper.facts import all_facts, board_key
from lenetlab.report.paper.markdown import Markdown, environment
from lenetlab.report.paper.numbers import Numbers
from lenetlab.report.paper.pictures import Picture, Pictures
from lenetlab.report.paper.sentences import story, summary
from lenetlab.results import Results

COSTS = 10  # methods in a table of costs


@dataclass(frozen=True)
class Study:
    """What the template shows of the whole study."""

    name: str
    title: str
    tuned: bool
    boards: Sequence[Section]
    machines: Sequence[str]
    targets: Sequence[Sequence[object]]
    methods: Sequence[Sequence[object]]
    waiting: Markdown
    computation: Markdown
    costs: Markdown
    computed: Sequence[Picture]
    sensitivity: Sequence[Picture]
    champion: Sequence[Picture]
    leading: str
    failures: Markdown
    sources_note: str


@dataclass(frozen=True)
class Composed:
    """The paper in Markdown, and the numbers in it with their runs."""

    markdown: str
    title: str
    numbers: Numbers


def compose(
    results: Results,
    beside: Beside,
    pictures: Pictures,
    rows: int | None = None,
    sources_note: str = "",
) -> Composed:
    """The paper with the first `rows` lines of every leaderboard (None: all of them)."""
    boards = [board(results, *place) for place in results.scenarios()]
    figure = Numbers(all_facts(results, boards, beside))
    sections = [
        Section(
            name=board_key(found.scenario, found.rules),
            rules=rules_of(found),
            summary=summary(found, figure),
            story=story(found, figure),
            table=leaderboard(found, figure, rows),
            curves=scenario_figures.curves(found, pictures),
            comparisons=scenario_figures.comparisons(found, pictures),
        )
        for found in boards
    ]
    study = Study(
        name=results.name,
        title=results.title,
        tuned=results.trials > 0,
        boards=sections,
        machines=devices(results),
        targets=[[t.whose, figure("targets", i)] for i, t in enumerate(TARGETS)],
        methods=method_rows(results, beside),
        waiting=waiting(results),
        computation=Markdown(
            f"All runs together, trials included, took {figure('cpu_seconds')} of CPU time."
        ),
        costs=costs(boards, figure, min(rows or COSTS, COSTS)),
        computed=study_figures.computation(results, boards, pictures),
        sensitivity=study_figures.sensitivity(boards, pictures),
        champion=study_figures.champion(beside.champions, pictures),
        leading=beside.champions[0].scenario if beside.champions else "",
        failures=failures(results, figure, rows and 2 * rows),
        sources_note=sources_note,
    )
    jinja = environment()
    jinja.globals["figure"] = figure
    discussion = None
    if beside.discussion is not None:
        discussion = _discussion(jinja, beside.discussion, study)
    text = jinja.get_template("paper.md.jinja").render(study=study, discussion=discussion)
    return Composed(text, results.title, figure)


def _discussion(jinja: Environment, text: str, study: Study) -> Markdown:
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
