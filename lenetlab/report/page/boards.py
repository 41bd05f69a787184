"""The leaderboards: their columns and lines, and the leaders at a glance."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from lenetlab.analysis.targets import TARGETS
from lenetlab.report.beside import Beside, Champion
from lenetlab.report.charts.theme import Styles
from lenetlab.report.page.detail import anchor, board_name
from lenetlab.report.page.drawings import Drawn, board_charts, choices
from lenetlab.report.page.standin import Interval, Line, board
from lenetlab.report.page.study import scenario_about
from lenetlab.report.page.table import Column, Entry, Table, number, short, text
from lenetlab.results import Results

GROUPS = ("passes", "seconds")  # what reaching a target is counted in


@dataclass(frozen=True)
class LineView:
    """A line of a leaderboard. state : `leader`, `failed` or nothing."""

    place: str
    name: str
    family: str
    link: str
    state: str
    entries: Sequence[Entry]


@dataclass(frozen=True)
class BoardView:
    """A leaderboard and what belongs to it. choices : methods, and which curves show at first."""

    id: str
    name: str
    about: str
    families: Sequence[str]
    groups: Sequence[str]
    table: Table
    lines: Sequence[LineView]
    notes: Sequence[str]
    failures: Sequence[Entry]
    choices: Sequence[tuple[str, bool]]
    charts: Sequence[Drawn]


def board_views(
    results: Results, look: Styles, beside: Beside, datasets: dict[str, Any]
) -> list[BoardView]:
    """Every leaderboard of `results`; the data of its charts goes into `datasets`."""
    return [
        _board(results, scenario, rules, look, beside, datasets)
        for scenario, rules in results.scenarios()
    ]


def _board(
    results: Results,
    scenario: str,
    rules: str,
    look: Styles,
    beside: Beside,
    datasets: dict[str, Any],
) -> BoardView:
    cells = results.within(scenario, rules)
    id = board_name(scenario, rules)
    lead, lines = board(results, scenario, rules)
    columns = _columns(scenario)
    return BoardView(
        id=id,
        name=scenario if rules == "strict" else f"{scenario}, rules {rules}",
        about=scenario_about(scenario, rules),
        families=sorted({_family(cell.place.family) for cell in cells}),
        groups=GROUPS,
        table=Table(columns, ()),
        lines=[_line(line, lead is line.cell, columns) for line in lines],
        notes=[],
        failures=list(_failures(lines)),
        choices=choices(cells, look),
        charts=board_charts(cells, _differences(lines), look, id, _champion(beside, scenario, rules), datasets),
    )


def _champion(beside: Beside, scenario: str, rules: str) -> Champion | None:
    here = (one for one in beside.champions if (one.scenario, one.rules) == (scenario, rules))
    return next(here, None)


def _family(name: str) -> str:
    return name.replace("_", " ")


def _columns(scenario: str) -> list[Column]:
    """The columns of a leaderboard; the first is the method's."""
    return [
        Column("Method", kind="text"),
        Column("Family", kind="text"),
        Column("Runs", "done", "final runs with a result, of those begun"),
        Column("Accuracy", "%", "mean over seeds on the test set", ascending=False),
        Column("±", "", "half of the 95 % t interval of the mean"),
        Column("To the leader", "points", "paired by seed; = where it may be luck", ascending=False),
        Column("Mean loss", "", "cross-entropy on the test set"),
        Column("Starter’s", "average loss", "as the handed-out script prints it"),
        *(
            Column(f"{target.accuracy:g} %", group, f"{group} to {target.accuracy:g} %, {target.whose}",
                   group=group)
            for group in GROUPS for target in TARGETS
        ),
        Column("Tuning", "passes", "effective passes that all its trials took"),
        Column("CPU", "s a run", "CPU seconds of training, mean over seeds"),
        *([Column("Nonzeros", "of 40,800")] if scenario.startswith(("sparse", "frontier")) else []),
    ]  # fmt: skip


def _line(line: Line, leads: bool, columns: Sequence[Column]) -> LineView:
    place = line.cell.place
    failed = bool(line.cell.finals) and not line.n
    return LineView(
        place=line.place,
        name=place.name,
        family=_family(place.family),
        link=anchor(place),
        state="leader" if leads else "failed" if failed else "",
        entries=[*_entries(line, leads)][: len(columns) - 1],
    )


def _entries(line: Line, leads: bool) -> Iterator[Entry]:
    yield text(_family(line.cell.place.family))
    yield Entry(f"{line.n}/{len(line.cell.finals)}", line.n)
    yield number(line.accuracy and line.accuracy.mean, 2)
    yield number(_half(line.accuracy), 2)
    yield _difference(line, leads)
    yield number(line.loss, 4)
    yield number(line.starter, 6)
    for values in (line.passes_to, line.seconds_to):
        for value, missed in zip(values, line.missed, strict=True):
            yield short(value, f"{missed} of {line.n} seeds never" if missed else "")
    yield short(line.tuning_passes or None)
    yield short(None)
    yield number(line.nonzeros)


def _half(found: Interval | None) -> float | None:
    if found is None or found.high is None:
        return None
    return found.high - found.mean


def _difference(line: Line, leads: bool) -> Entry:
    if leads:
        return Entry("leader", 0.0)
    if line.difference is None:
        return number(None)
    mark = "= " if line.tie else ""
    return Entry(f"{mark}{line.difference.mean:+.2f}".replace("-", "−"), line.difference.mean,
                 "" if line.p is None else f"p {line.p:.2g} after Holm’s correction")  # fmt: skip


def _differences(lines: Sequence[Line]) -> list[dict[str, Any]]:
    return []


def _failures(lines: Sequence[Line]) -> Iterator[Entry]:
    for line in lines:
        for row in (*line.cell.finals, *line.cell.trials):
            if not row.done:
                what = f"{line.cell.place.name}, {row.role if row.role == 'trial' else 'seed'} {row.number}"
                yield Entry(what, None, f"{row.status}, {row.reason}", anchor(line.cell.place))


def leaders(results: Results) -> Table:
    """The leader of every leaderboard, and the methods that tie with it."""
    columns = (Column("scenario", kind="text"), Column("leader", kind="text"), Column("accuracy", "%"), Column("±"), Column("mean loss"))
    rows = []
    for scenario, rules in results.scenarios():
        lead, lines = board(results, scenario, rules)
        line = next((line for line in lines if line.cell is lead), None)
        if line is None:
            continue
        rows.append([
            Entry(board_name(scenario, rules), link=board_name(scenario, rules)),
            text(line.cell.place.name, anchor(line.cell.place)),
            number(line.accuracy and line.accuracy.mean, 2), number(_half(line.accuracy), 2), number(line.loss, 4)])
    return Table(columns, rows)
