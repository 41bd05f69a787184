"""A leaderboard in the paper: what its scenario asks, and its tables."""

from collections.abc import Sequence
from dataclasses import dataclass

from lenetlab.analysis.board import Board, Line
from lenetlab.problem.scenarios import SCENARIOS, is_constrained
from lenetlab.report.paper.facts import board_key
from lenetlab.report.paper.markdown import Markdown, code, table
from lenetlab.report.paper.numbers import Numbers

REACHED = (2, 3, 4)  # places among TARGETS of those that need more than a pass or two
NAME = 34  # characters of a name in a table
STANDINGS = {"tied": "tie", "behind": "worse", "ahead": "better", "untested": "–"}


@dataclass(frozen=True)
class Section:
    """What the template shows of a scenario; `curves` and `comparisons` are rows of pictures."""

    name: str
    rules: str
    summary: Markdown
    story: Markdown
    table: Markdown
    curves: Sequence[tuple[str, object]]
    comparisons: Sequence[tuple[str, object]]


def leaderboard(board: Board, figure: Numbers, rows: int | None) -> Markdown:
    """The table of results, its first `rows` lines."""
    key = board_key(board.scenario, board.rules)
    shown = ["held_out", "accuracy_bare", "half", "loss", "starter_average_loss"]
    heads = [">held-out, %", ">test, %", ">±", ">mean loss", ">script’s loss"]
    if is_constrained(board.scenario):
        shown.append("nonzeros")
        heads.append(">nonzeros")
    lines = [
        [
            code(line.name, NAME),
            *(figure(key, line.name, fact) for fact in (*shown, "difference", "p")),
            _standing(board, line),
            figure(key, line.name, "seeds"),
        ]
        for line in board.begun[:rows]
    ]
    waiting = " Methods without a run yet are left out." if board.waiting else ""
    caption = (
        f"{_first(board, rows)} of scenario {code(key)}. Test accuracy is the mean over seeds, ± "
        "half of its interval; the differences are in points, paired by seed, with Holm’s p; a "
        f"tie is no significant difference.{waiting}"
    )
    columns = ["method", *heads, ">to leader", ">p", "verdict", ">seeds"]
    return table(Markdown(caption), columns, lines)


def _standing(board: Board, line: Line) -> Markdown:
    if line.standing == "reference":
        return Markdown("**leader**" if board.led else "**reference**")
    return Markdown(STANDINGS[line.standing])


def costs(boards: Sequence[Board], figure: Numbers, rows: int) -> Markdown:
    """The table of what results cost: passes and seconds to targets, tuning; the first `rows` of
    every leaderboard."""
    columns = ["scenario", "method", ">CPU s", ">MB", ">tuning"]
    for unit in ("passes", "s"):
        columns += [
            f">{'' if i else f'{unit} to '}{figure('targets', target)}"
            for i, target in enumerate(REACHED)
        ]
    lines = []
    for board in boards:
        key = board_key(board.scenario, board.rules)
        for i, line in enumerate(board.begun[:rows]):
            lines.append(
                [
                    "" if i else code(key),
                    code(line.name, NAME),
                    figure(key, line.name, "cpu_seconds"),
                    figure(key, line.name, "memory"),
                    figure(key, line.name, "tuning_seconds"),
                    *(figure(key, line.name, "passes_to", i) for i in REACHED),
                    *(figure(key, line.name, "seconds_to", i) for i in REACHED),
                ]
            )
    cut = any(len(board.begun) > rows for board in boards)
    caption = (
        "What results cost: CPU seconds and memory of a run, CPU time of all trials, and the "
        "median passes and seconds of training to three targets, in percent. A dash: at least half "
        f"of the seeds did not get there.{f' The first {rows} of each leaderboard.' if cut else ''}"
    )
    return table(Markdown(caption), columns, lines)


def _first(board: Board, rows: int | None) -> str:
    total = len(board.begun)
    return "The leaderboard" if rows is None or total <= rows else f"The first {rows} of {total}"


def rules_of(board: Board) -> str:
    """What the scenario asks, in a line."""
    more = "" if board.rules == "strict" else "; augmentation of the training images allowed"
    return SCENARIOS.get(board.scenario, "a scenario of its own") + more
