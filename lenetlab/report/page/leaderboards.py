"""The leaderboards: their columns and lines, and the leaders at a glance."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from lenetlab.analysis.board import Board, Line, board
from lenetlab.analysis.intervals import Summary
from lenetlab.analysis.speed import Reached
from lenetlab.analysis.targets import TARGETS
from lenetlab.problem.scenarios import recorded_scenario
from lenetlab.records.rows import Results
from lenetlab.report.attachments import Attachments, LeaderNet
from lenetlab.report.charts.theme import Styles
from lenetlab.report.page.cell import anchor
from lenetlab.report.page.drawings import Drawn, board_charts, choices
from lenetlab.report.page.table import Column, Entry, Table, number, short, text
from lenetlab.report.wording import compared_with, contest_about, of_leaders

# What reaching a target is counted in: how the page calls it, and how the analysis does.
UNITS = {"passes": "passes", "seconds": "seconds", "CPU seconds": "cpu_seconds"}
GLANCE = TARGETS[2]  # what all good methods reach, and few at once


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


@dataclass(frozen=True)
class Shown:
    """Which columns a study has use for, and how many finals of a method it plans."""

    seeds: int
    family: bool
    held: bool
    tuned: bool
    nonzeros: bool


def boards(results: Results) -> list[Board]:
    """The analysis of every leaderboard."""
    return [board(results, *contest) for contest in results.contests()]


def view(
    found: Board, seeds: int, style: Styles, attachments: Attachments, datasets: dict[str, Any]
) -> BoardView:
    """A leaderboard as the page shows it, of `seeds` planned finals a method; the data of its
    charts goes into `datasets`."""
    cells = [line.cell for line in found.lines]
    id = found.contest.key
    families = sorted({_family(line) for line in found.begun} - {""})
    shown = Shown(
        seeds=seeds,
        family=bool(families),
        held=any(cell.trials for cell in cells),
        tuned=found.planned and any(cell.trials for cell in cells),
        nonzeros=recorded_scenario(found.scenario).constrained,
    )
    reached = any(line.reached for line in found.lines)
    return BoardView(
        id=id,
        name=found.contest.title,
        about=contest_about(found),
        families=families,
        groups=list(UNITS) if reached else [],
        table=Table(_columns(shown, found), ()),
        lines=[_line(line, shown, found) for line in found.begun],
        notes=list(_notes(found)),
        failures=[failure for line in found.lines for failure in _failures(line)],
        choices=choices(cells, style),
        charts=board_charts(found, style, id, _leader_net(attachments, found), datasets),
    )


def _leader_net(attachments: Attachments, found: Board) -> LeaderNet | None:
    return next(iter(of_leaders(attachments.leader_nets, [found])), None)


def _family(line: Line) -> str:
    return line.cell.place.family.replace("_", " ")


def _columns(shown: Shown, found: Board) -> list[Column]:
    """The columns of a leaderboard; the first is the method's."""
    held = ("the best trial" if found.planned else "mean over seeds") + ", on held-out images"
    reference = "" if found.reference is None else found.reference.place.name
    return [
        Column("Method", kind="text"),
        *([Column("Family", kind="family")] if shown.family else []),
        Column("Runs", "done", "runs on the test set with a result, of those "
               + ("planned" if found.planned else "there are"), ascending=False),
        Column("Accuracy", "%", "mean over seeds on the test set", ascending=False),
        Column("±", "", f"half of the {100 * found.level:g} % t interval of the mean"),
        Column("To leader" if found.led else "To reference", "points",
               f"to {reference}, paired by seed; = is a tie: the difference may be luck"
               if found.compared else "nothing could be compared", ascending=False),
        Column("Beats", "%", "the highest target that the mean is above, by a one-sided test on "
               "ten seeds or more", ascending=False),
        Column("Mean loss", "", "cross-entropy on the test set, mean over seeds"),
        Column("Starter’s", "average", "as the starter script prints it"),
        *(
            Column(f"{target.accuracy:g} %", unit, f"{unit} to {target.accuracy:g} %: "
                   f"{target.whose}", group=unit)
            for unit in UNITS for target in TARGETS
        ),
        *([Column("Nonzeros", "fc1, fc2", "the most that any seed has")] if shown.nonzeros else []),
        *([Column("Held out", "%", held, ascending=False)] if shown.held else []),
        *([Column("Tuning", "passes", "effective passes of all trials together")]
          if shown.tuned else []),
        Column("CPU", "s a run", "CPU seconds of training, mean over seeds"),
    ]  # fmt: skip


def _state(line: Line, found: Board) -> str:
    """The reference is marked where there is something to refer to."""
    is_reference = line.standing == "reference" and bool(found.led or found.compared)
    return "leader" if is_reference else ""


def _line(line: Line, shown: Shown, found: Board) -> LineView:
    failed = line.runs > 0 and line.accuracy is None
    return LineView(
        place="" if line.rank is None else str(line.rank),
        name=line.name,
        family=_family(line),
        link=anchor(line.cell.place),
        state=_state(line, found) if not failed else "failed",
        entries=list(_entries(line, shown, found)),
    )


def _entries(line: Line, shown: Shown, found: Board) -> Iterator[Entry]:
    """The fields beside the method's name, as `_columns` names them."""
    if shown.family:
        yield text(_family(line))
    done = line.runs - len(line.failures)
    planned = max(shown.seeds, line.runs)
    yield Entry(f"{done}/{planned}", done, "; ".join(line.failures)[:300])
    yield number(mean(line.accuracy), 2, _median(line.accuracy))
    yield number(half(line.accuracy), 2)
    yield _difference(line, found)
    yield _beats(line)
    yield number(mean(line.loss), 4)
    yield number(line.starter_average_loss, 6)
    for unit in UNITS.values():
        yield from (_reached(found, unit) for found in line.reached)
        yield from (number(None) for _ in TARGETS[len(line.reached) :])
    if shown.nonzeros:
        yield number(line.nonzeros)
    if shown.held:
        yield number(line.held_out, 2)
    if shown.tuned:
        yield short(line.tuning.passes if line.tuning else None)
    yield short(line.training.cpu_seconds if line.training else None)


def mean(found: Summary | None) -> float | None:
    """The mean, where there is one."""
    return None if found is None else found.mean


def half(found: Summary | None) -> float | None:
    """Half the width of a mean's interval."""
    return None if found is None or found.interval is None else found.interval.high - found.mean


def _median(found: Summary | None) -> str:
    if found is None or found.median_interval is None:
        return ""
    at = found.median_interval
    return f"median {found.median:.2f}, {at.low:.2f} to {at.high:.2f} at {100 * at.level:.1f} %"


def _difference(line: Line, found: Board) -> Entry:
    if line.standing == "reference":
        return Entry("–", 0.0, "the others are compared with it" if found.compared else "")
    if line.difference is None:
        return number(None, note=line.reason or "")
    d = line.difference
    shown = f"{'= ' if line.tied else ''}{d.mean:+.2f}".replace("-", "−")
    note = (
        f"{d.low:+.2f} to {d.high:+.2f}, p = {d.adjusted:.2g} after Holm’s correction, {d.n} seeds"
    )
    return Entry(shown, d.mean, note.replace("-", "−", 2))


def _beats(line: Line) -> Entry:
    beaten = [verdict for verdict in line.records if verdict.beaten]
    if beaten:
        best = max(beaten, key=lambda verdict: verdict.target)
        return Entry(f"{best.target:g}", best.target, best.reason)
    return number(None, note=line.records[0].reason if line.records else "")


def _reached(found: Reached, unit: str) -> Entry:
    missed = f"{found.missed} of {found.runs} seeds never did" if found.missed else ""
    value = float(getattr(found, unit))
    return Entry("never", value, missed) if math.isinf(value) else short(value, missed)


def _notes(found: Board) -> Iterator[str]:
    if len(found.begun) > 1 and (said := compared_with(found)):
        yield said
    if any(line.standing == "tied" for line in found.lines):
        yield (
            f"The = marks a tie: at {100 * found.level:g} % confidence, all comparisons taken "
            "together, the difference may be luck."
        )
    if found.waiting:
        yield f"Without a run yet: {', '.join(found.waiting)}."


def _failures(line: Line) -> Iterator[Entry]:
    for row in (*line.cell.finals, *line.cell.trials):
        if not row.done:
            kind = "seed" if row.role == "final" else row.role
            reason = row.status if row.reason is None else f"{row.status}, {row.reason}"
            yield Entry(f"{line.name}, {kind} {row.number}", note=reason,
                        link=anchor(line.cell.place))  # fmt: skip


def glance(found: Sequence[Board]) -> Table:
    """The leader of every leaderboard; where there is none, the highest mean, as such."""
    led = [one.led for one in found]
    who = "Leader" if all(led) else "Leader, or highest mean" if any(led) else "Highest mean"
    compared = any(one.led and one.compared for one in found)
    columns = (
        Column(
            "Leaderboard" if any(one.contest.terms for one in found) else "Scenario", kind="word"
        ),
        Column(who, kind="text"),
        Column("Accuracy", "%"),
        Column("±", "95 %"),
        Column("Mean loss"),
        Column("Beats", "%"),
        Column(f"To {GLANCE.accuracy:g} %", "passes"),
        *((Column("Tie with it"), Column("Ahead")) if compared else ()),
    )
    return Table(columns, [row for one in found if (row := _glance(one, compared))])


def _glance(found: Board, compared: bool) -> list[Entry]:
    line = found.lead if found.led else next(iter(found.measured), None)
    if line is None:
        return []
    ties, ahead = (
        [other.name for other in found.measured if other.standing == standing]
        for standing in ("tied", "ahead")
    )
    at = next((one for one in line.reached if one.target == GLANCE), None)
    mine = found.led and found.compared
    entries = [
        Entry(found.contest.title, link=found.contest.key),
        Entry(line.name, link=anchor(line.cell.place)),
        number(mean(line.accuracy), 2),
        number(half(line.accuracy), 2),
        number(mean(line.loss), 4),
        _beats(line),
        _reached(at, "passes") if at else number(None),
    ]
    if compared:
        entries += [
            number(len(ties) if mine else None, note=", ".join(ties)),
            number(len(ahead) if mine else None, note=", ".join(ahead)),
        ]
    return entries
