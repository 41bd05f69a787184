"""The paper as Markdown: the template with the study's numbers, tables and figures in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from lenetlab.analysis.targets import TARGETS
from lenetlab.report.beside import Beside
from lenetlab.report.paper.boards import (
    Board,
    Standings,
    costs,
    leaderboard,
    rules_of,
    story,
    summary,
)
from lenetlab.report.paper.facts import all_facts
from lenetlab.report.paper.markdown import Markdown, code, environment
from lenetlab.report.paper.numbers import Numbers
from lenetlab.report.paper.pictures import Picture, Pictures
from lenetlab.results import Results, Row

COSTS = 10  # methods in a table of costs


@dataclass(frozen=True)
class Study:
    """What the template shows of the whole study."""

    name: str
    title: str
    tuned: bool
    boards: Sequence[Board]
    machines: Sequence[str]
    targets: Sequence[Sequence[object]]
    methods: Sequence[Sequence[object]]
    computation: Markdown
    costs: Markdown
    computation_figures: Sequence[Sequence[Picture]]
    sensitivity: Sequence[Picture]
    failures: Sequence[Sequence[object]]
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
    figure = Numbers(all_facts(results, beside))
    standings = [Standings(results.within(*place), figure) for place in results.scenarios()]
    boards = [
        Board(
            name=at.key,
            rules=rules_of(at.cells),
            summary=summary(at),
            story=story(at),
            table=leaderboard(at, rows),
            curves=pictures.curves(at),
            comparisons=pictures.comparisons(at),
        )
        for at in standings
    ]
    study = Study(
        name=results.name,
        title=results.title,
        tuned=results.trials > 0,
        boards=boards,
        machines=machines(results),
        targets=[[t.whose, figure("targets", i)] for i, t in enumerate(TARGETS)],
        methods=methods(results, beside),
        computation=Markdown(
            f"All runs together, trials included, took {figure('cpu_seconds')} of CPU time."
        ),
        costs=costs(standings, min(rows or COSTS, COSTS)),
        computation_figures=[],
        sensitivity=pictures.sensitivity(standings[0]) if standings else [],
        failures=failures(results),
        sources_note=sources_note,
    )
    jinja = environment()
    jinja.globals["figure"] = figure
    discussion = None
    if beside.discussion is not None:
        discussion = Markdown(jinja.from_string(beside.discussion).render(study=study))
    text = jinja.get_template("paper.md.jinja").render(study=study, discussion=discussion)
    return Composed(text, results.title, figure)


def methods(results: Results, beside: Beside) -> list[list[object]]:
    """Family, method and what it does, in the order of the study; a family is named once."""
    places = dict.fromkeys((cell.place.family, cell.place.method) for cell in results.cells)
    families = list(dict.fromkeys(family for family, _ in places))
    lines: list[list[object]] = []
    for family, group in groupby(sorted(places, key=lambda p: families.index(p[0])), lambda p: p[0]):
        for i, (_, method) in enumerate(group):
            known = beside.methods.get(method, {})
            shown = family.replace("_", " ") if i == 0 else ""
            lines.append([shown, code(method, 40), known.get("summary", "–")])
    return lines


def machines(results: Results) -> list[str]:
    """A line for each kind of machine that computed finals, the one of most runs first."""
    rows = [row for cell in results.cells for row in cell.finals]
    lines = [_device(row) for row in rows]
    return sorted(dict.fromkeys(lines), key=lambda line: -lines.count(line))


def _device(row: Row) -> str:
    at, by = row.machine, row.numerics
    return (
        f"{at.get('processor')}, {at.get('cores')} cores, {at.get('system')}; "
        f"{at.get('threads')} thread(s) a run; lenetlab {at.get('lenetlab')}, Python "
        f"{at.get('python')}, torch {by.get('torch')}, engine {by.get('engine')} on "
        f"{by.get('device')} ({by.get('capability')})"
    )


def failures(results: Results) -> list[list[object]]:
    """A line for each cell in which something failed."""
    lines: list[list[object]] = []
    for cell in results.cells:
        trials = [row for row in cell.trials if not row.done]
        finals = [row for row in cell.finals if not row.done]
        if trials or finals:
            row = (finals or trials)[0]
            reason = f"{row.status}: {row.reason}" if row.reason else row.status
            lines.append(
                [code(cell.place.scenario), code(cell.place.name, 34), str(len(trials)),
                 str(len(finals)), reason[:120]]
            )  # fmt: skip
    return lines

