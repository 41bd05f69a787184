"""The paper as Markdown: the template with the study's numbers, tables and figures in it."""

from collections.abc import Sequence
from dataclasses import dataclass

from jinja2 import Environment, TemplateError

from lenetlab.analysis.board import Board, boards_of
from lenetlab.analysis.equal_time import limit, priced
from lenetlab.analysis.targets import TARGETS
from lenetlab.errors import UserError
from lenetlab.records.cells import Results, RunRow
from lenetlab.records.contest import Contest
from lenetlab.records.leader_net import LeaderNet
from lenetlab.report.attachments import Attachments, still_leading
from lenetlab.report.paper import scenario_figures, study_figures
from lenetlab.report.paper.background import method_rows, waiting
from lenetlab.report.paper.facts import all_facts
from lenetlab.report.paper.markdown import Markdown, environment
from lenetlab.report.paper.numbers import Numbers
from lenetlab.report.paper.pictures import Picture, Pictures
from lenetlab.report.paper.sentences import story, summary
from lenetlab.report.paper.settings import other_spaces, settings, spaces
from lenetlab.report.paper.shared import Shared, names, shared
from lenetlab.report.paper.tables import Section, costs, leaderboard
from lenetlab.report.wording import experiment, machines, protocol
from lenetlab.report.wording.limits import limits

COSTS = 8  # methods of a leaderboard in the table of costs, which shares its page with a figure


@dataclass(frozen=True)
class PaperContext:
    """What the template shows of the whole study."""

    shared: Shared
    name: str
    title: str
    subject: str
    boards: Sequence[Section]
    baseline: str
    device: str
    targets: Sequence[Sequence[object]]
    methods: Sequence[Sequence[object]]
    waiting: Markdown
    tuning: str
    prices: str
    equal_time: str
    costs: Markdown
    computed: Sequence[Picture]
    leader_net: Sequence[Picture]
    leading: str
    settings: Markdown
    spaces: Markdown
    other_spaces: Markdown
    limits: Sequence[str]


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
    title: str = "",
) -> Composed:
    """The paper with the first `rows` lines of every leaderboard (None: all of them)."""
    computed, results = results, priced(results, attachments.costs)
    boards = boards_of(results)
    figure = Numbers(all_facts(computed, boards, attachments))
    sections = [_section(found, boards, figure, pictures, rows) for found in _whole(boards)]
    leader_nets = still_leading(attachments.leader_nets, boards)
    study = PaperContext(
        name=results.name,
        title=title or results.title,
        subject=experiment.subject(results),
        boards=sections,
        baseline=machines.baseline(attachments.baseline),
        device=_device(attachments.baseline),
        targets=[[t.whose, figure("targets", i)] for i, t in enumerate(TARGETS)],
        methods=method_rows(results, attachments),
        waiting=waiting(results),
        tuning=protocol.tuning(results),
        prices=protocol.prices(results),
        equal_time=machines.EQUAL_TIME if _at_time(boards) else "",
        costs=costs(_whole(boards), figure, min(rows or COSTS, COSTS)),
        computed=study_figures.computation(results, boards, pictures),
        leader_net=study_figures.leader_net(leader_nets, pictures),
        leading=_title(leader_nets[0]) if leader_nets else "",
        settings=settings(_whole(boards), {}, None, most=rows),
        spaces=spaces(names(boards), attachments.spaces) if results.tuned else Markdown(),
        other_spaces=other_spaces(_tuned(results), attachments.spaces),
        limits=limits(results),
        shared=shared(results, boards, boards, attachments, figure, pictures, rows, sources_note),
    )
    jinja = environment()
    jinja.globals["figure"] = figure
    discussion = None
    if attachments.discussion is not None:
        discussion = _discussion(jinja, attachments.discussion, study)
    text = jinja.get_template("paper.md.jinja").render(study=study, discussion=discussion)
    return Composed(text, study.title, figure)


def _whole(boards: Sequence[Board]) -> list[Board]:
    """The leaderboards that have a section: those of free norms alone are told of beside."""
    return [found for found in boards if not found.contest.norms]


def _section(
    board: Board, boards: Sequence[Board], figure: Numbers, pictures: Pictures, rows: int | None
) -> Section:
    beside = [summary(one, figure) for one in boards
              if one.contest.norms and one.contest._replace(norms="") == board.contest]  # fmt: skip
    return Section(
        title=board.contest.title,
        summary=summary(board, figure),
        story=story(board, figure),
        table=leaderboard(board, figure, rows),
        curves=scenario_figures.panels(board, pictures),
        also=Markdown(" ".join(beside)),
    )


def _device(row: RunRow | None) -> str:
    """The script's line of it."""
    device = row.numerics.get("device") if row is not None else None
    return f"Using {device} device" if device else ""


def _at_time(boards: Sequence[Board]) -> bool:
    return any(limit([line.cell for line in one.lines]) is not None for one in boards)


def _tuned(results: Results) -> list[str]:
    cells = results.cells if results.tuned else ()
    return list(dict.fromkeys(cell.place.method for cell in cells if cell.trials))


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
