"""A leaderboard in the paper: what its scenario asks, and its tables."""

from collections.abc import Sequence
from dataclasses import dataclass

from lenetlab.analysis.board import Board, Line
from lenetlab.analysis.equal_time import at_equal_time, limit
from lenetlab.report.metrics import PAPER, metrics
from lenetlab.report.paper.markdown import Markdown, code, table
from lenetlab.report.paper.numbers import Numbers

REACHED = (2, 3, 4)  # places among TARGETS of those that need more than a pass or two
NAME = 34  # characters of a name in a table
STANDINGS = {
    "tied": "tie",
    "borderline": "borderline",
    "behind": "worse",
    "ahead": "better",
    "untested": "–",
}
FACTS = {"accuracy": "accuracy_bare"}  # a heading has the unit


@dataclass(frozen=True)
class Section:
    """What the template shows of a scenario; `curves` and `comparisons` are rows of pictures."""

    title: str
    summary: Markdown
    story: Markdown
    table: Markdown
    at_time: Markdown
    curves: Sequence[tuple[str, object]]
    comparisons: Sequence[tuple[str, object]]


def leaderboard(board: Board, figure: Numbers, rows: int | None) -> Markdown:
    """The table of results, its first `rows` lines; columns that nothing is in are left out."""
    key, every = board.contest.key, metrics(board)
    shown = [name for name in PAPER if every[name].shown]
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


def equal_time(board: Board, figure: Numbers, rows: int) -> Markdown:
    """The first `rows` methods at the same CPU time; nothing where nobody's time is the measure."""
    cells = [line.cell for line in board.lines]
    seconds = limit(cells)
    found = [] if seconds is None else at_equal_time(cells, seconds)[:rows]
    if not found:
        return Markdown("")
    key = board.contest.key
    lines = [
        [
            code(at.name, NAME),
            figure(key, at.name, "at_time", "accuracy"),
            figure(key, at.name, "at_time", "passes"),
            "yes" if at.whole else "cut off",
        ]
        for at in found
    ]
    caption = Markdown(f"The first of {code(board.contest.title)} at equal CPU time.")
    return table(caption, ["method", ">accuracy, %", ">passes", "whole budget"], lines)


def _caption(board: Board) -> str:
    said = ["Test accuracy is of one seed each."]
    if metrics(board)["half"].shown:
        said = ["Test accuracy is the mean over seeds, ± half of its interval at 95 in 100."]
    if board.compared:
        said.append(
            "The differences are in points, paired by seed, with Holm’s p; a tie is no significant "
            "difference."
        )
    if not board.planned and any(line.held_out is not None for line in board.begun):
        said.append("Held-out accuracy is the mean of the runs with that split; it ranks nobody.")
    if board.waiting:
        said.append("Methods without a run yet are left out.")
    return " ".join(said)


def _standing(board: Board, line: Line) -> Markdown:
    if line.standing == "reference":
        return Markdown("**leader**" if board.led else "**reference**")
    return Markdown(STANDINGS[line.standing])


def costs(boards: Sequence[Board], figure: Numbers, rows: int) -> Markdown:
    """The table of what results cost: passes and seconds to targets, tuning; the first `rows` of
    every leaderboard."""
    tuned = any(board.planned and line.cell.trials for board in boards for line in board.begun)
    columns = ["leaderboard", "method", ">CPU s", ">MB", *([">tuning"] if tuned else [])]
    for unit in ("passes", "s"):
        columns += [
            f">{'' if i else f'{unit} to '}{figure('targets', target)}"
            for i, target in enumerate(REACHED)
        ]
    facts = ["cpu_seconds", "memory", *(["tuning_seconds"] if tuned else [])]
    lines = []
    for board in boards:
        key = board.contest.key
        shown = [line for line in board.begun if line.cell.finals or board.planned]
        for i, line in enumerate(shown[:rows]):
            lines.append(
                [
                    "" if i else code(board.contest.title),
                    code(line.name, NAME),
                    *(figure(key, line.name, fact) for fact in facts),
                    *(figure(key, line.name, "passes_to", i) for i in REACHED),
                    *(figure(key, line.name, "seconds_to", i) for i in REACHED),
                ]
            )
    cut = any(len(board.begun) > rows for board in boards)
    caption = (
        f"What results cost: CPU seconds and memory of a run,{' CPU time of all trials,' * tuned} "
        "and the median passes and seconds of training to three targets, in percent. A dash: at "
        f"least half of the seeds did not get there."
        f"{f' The first {rows} of each leaderboard.' if cut else ''}"
    )
    return table(Markdown(caption), columns, lines)


def _first(board: Board, rows: int | None) -> str:
    total = len(board.begun)
    return "The leaderboard" if rows is None or total <= rows else f"The first {rows} of {total}"
