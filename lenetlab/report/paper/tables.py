"""A leaderboard in the paper: what its scenario asks, and its tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lenetlab.analysis.board import Board, Line
from lenetlab.analysis.equal_time import REFERENCE
from lenetlab.phrases import joined
from lenetlab.report.metrics import PAPER, metrics
from lenetlab.report.paper.markdown import Markdown, code, table
from lenetlab.report.paper.numbers import Numbers
from lenetlab.report.wording.leaderboards import otherwise_timed
from lenetlab.report.wording.standings import verdict

REACHED = (2, 3, 4)  # places among TARGETS of those that need more than a pass or two
UNITS = {"passes": "passes", "s": "seconds"}  # of a column, and of its numbers
NAME = 34  # characters of a name in a table
FACTS = {"accuracy": "accuracy_bare"}  # a heading has the unit


@dataclass(frozen=True)
class Section:
    """What the template shows of a scenario; `curves` and `comparisons` are rows of pictures.
    `also` is said of those of its methods that leave norms free, where that is asked apart."""

    title: str
    summary: Markdown
    story: Markdown
    table: Markdown
    curves: Sequence[tuple[str, object]]
    comparisons: Sequence[tuple[str, object]] = ()
    also: str = ""


def leaderboard(
    board: Board, figure: Numbers, rows: int | None, columns: Sequence[str] = PAPER
) -> Markdown:
    """The table of results, its first `rows` lines; columns that nothing is in are left out."""
    key, every = board.contest.key, metrics(board)
    shown = [name for name in columns if every[name].shown]
    lines = [
        [
            code(line.name, NAME),
            *(figure(key, line.name, FACTS.get(name, name)) for name in shown),
            *([_standing(board, line)] if board.compared else []),
            figure(key, line.name, "seeds"),
        ]
        for line in board.begun[:rows]
    ]
    heads = [f">{every[name].heading}" for name in shown]
    verdict = ["verdict"] if board.compared else []
    caption = f"{_first(board, rows)} of {code(board.contest.title)}. {_caption(board)}"
    return table(Markdown(caption), ["method", *heads, *verdict, ">seeds"], lines)


def _caption(board: Board) -> str:
    said = ["Test accuracy is of one seed each."]
    if metrics(board)["half"].shown:
        said = ["Test accuracy is the mean over seeds, ± half of its interval at 95 in 100."]
    if board.compared:
        said.append(
            "The differences are in points, paired by seed, with Holm’s p; a tie is no significant "
            "difference."
        )
    every = metrics(board)["held_out"]
    if board.led and every.shown:
        more = any(line.cell.leading for line in board.lines)
        fixed = "; more seeds of the best fixed the leader" if more else ""
        said.append(f"Held out is {every.meaning}{fixed}.")
    if not board.planned and any(line.held_out is not None for line in board.begun):
        said.append("Held-out accuracy is the mean of the runs with that split; it ranks nobody.")
    if board.waiting:
        said.append("Methods without a run yet are left out.")
    return " ".join(said)


def _standing(board: Board, line: Line) -> Markdown:
    said = verdict(line, board)
    return Markdown(f"**{said}**" if line.standing == "reference" else said)


def costs(boards: Sequence[Board], figure: Numbers, rows: int) -> Markdown:
    """The table of what results cost: accuracy at equal CPU time, passes and seconds to targets,
    tuning; the first `rows` of every leaderboard. Columns that nothing is in are left out."""
    listed = [
        (board.contest.key, line, board.contest.title if first else "")
        for board in boards
        for first, line in _numbered(board, rows)
    ]
    # A study's searches have one price in passes; their seconds are of several machines.
    planned = any(board.planned for board in boards)
    columns: dict[str, tuple[str | int, ...]] = {
        ">CPU s": ("cpu_seconds",),
        ">MB": ("memory",),
        **({} if planned else {">tuning": ("tuning_seconds",)}),
        ">at equal CPU, %": ("at_time", "accuracy"),
    }
    for unit in ("passes", "s"):
        for i, target in enumerate(REACHED):
            head = f">{'' if i else f'{unit} to '}{figure('targets', target)}"
            columns[f"{head}{' ' * (unit == 's')}"] = (f"{UNITS[unit]}_to", target)
    found = {
        head: name
        for head, name in columns.items()
        if any(figure.has(key, line.name, *name) for key, line, _ in listed)
    }
    lines = [
        [
            code(title) if title else "",
            code(line.name, NAME),
            *(figure(key, line.name, *name) for name in found.values()),
        ]
        for key, line, title in listed
    ]
    cut = any(len(board.begun) > rows for board in boards)
    first = f" The first {rows} of each leaderboard, and `{REFERENCE}`." if cut else ""
    others = "".join(f" {said}" for board in boards if (said := otherwise_timed(board, code)))
    caption = f"What results cost: {_priced(found)}{first}{others}"
    return table(Markdown(caption), ["leaderboard", "method", *(h.rstrip() for h in found)], lines)


def _numbered(board: Board, rows: int) -> list[tuple[bool, Line]]:
    """The first `rows` lines, and that of the method whose CPU time is the limit."""
    lines = [line for line in board.begun if line.cell.finals or board.planned]
    shown = lines[:rows] + [line for line in lines[rows:] if line.name == REFERENCE]
    return [(i == 0, line) for i, line in enumerate(shown)]


def _priced(found: Mapping[str, Sequence[str | int]]) -> str:
    """What the columns are."""
    names = [name[0] for name in found.values()]
    said = ["CPU seconds and memory of a run"]
    if "tuning_seconds" in names:
        said.append("CPU time of the search")
    if "at_time" in names:
        said.append(f"accuracy at the CPU time that {REFERENCE} takes for its whole budget")
    to = any(name in ("passes_to", "seconds_to") for name in names)
    if to:
        said.append("median passes and seconds of training to targets in percent")
    dash = " A dash: at least half of the seeds did not get there." if to else ""
    return f"{joined(said)}.{dash}"


def _first(board: Board, rows: int | None) -> str:
    total = len(board.begun)
    return "The leaderboard" if rows is None or total <= rows else f"The first {rows} of {total}"
