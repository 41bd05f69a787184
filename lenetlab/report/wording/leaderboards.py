"""What is said beside a leaderboard: who is ranked on it, and with whom they are compared."""

from collections import Counter
from collections.abc import Callable

from lenetlab.analysis.board import Board
from lenetlab.analysis.clocks import clocks
from lenetlab.phrases import count, joined
from lenetlab.problem.problems import DEFAULT, title_of
from lenetlab.problem.scenarios import RULE_SETS, recorded_scenario

FEW = 5  # names that nobody needs counted
FREE = "Only methods that leave the norms of weights free are ranked here."


def contest_about(board: Board, called: Callable[[str], str] = str) -> str:
    """What is minimised and what is allowed on a leaderboard, and who is ranked on it; methods are
    as they are `called`."""
    contest = board.contest
    said = recorded_scenario(contest.scenario).description
    if contest.problem == DEFAULT:
        said = f"{said[0].upper()}{said[1:]}"
    else:
        said = f"On {title_of(contest.problem)}: {said}"
    text = f"{said}. Rules {contest.rules}: {RULE_SETS.get(contest.rules, 'unknown')}."
    if contest.terms:
        text += f" Only runs of {contest.terms} are ranked here."
    if contest.norms:
        text += f" {FREE}"
    elif bound := _bound(board, called):
        text += f" {bound}"
    return text


def _bound(board: Board, called: Callable[[str], str]) -> str:
    """Who is not on the leaderboard of free norms beside this one, where there is one."""
    others = [called(line.name) for line in board.begun if line.cell.place.norms != "free"]
    if board.scenario != "plain" or not others or len(others) == len(board.begun):
        return ""
    keep = "keeps" if len(others) == 1 else "keep"
    return (
        f"All methods are ranked here; {joined(others)} {keep} norms small by a ball, a sphere or "
        "a penalty, which does what weight decay does: without them, see the next leaderboard."
    )


def compared_with(board: Board, called: Callable[[str], str] = str) -> str:
    """Who the reference of a leaderboard is, as it is `called`, and why; what cannot be compared is
    said."""
    if board.reference is None:
        return f"Nothing is compared: {board.chosen}." if board.begun else ""
    name = called(board.reference.place.name)
    if board.led:
        said = f"The leader is {name}: {board.chosen}."
        none = board.lead is not None and board.lead.runs == 0
        return f"{said} It has no run on the test set yet." if none else said
    if not board.compared:
        if len(board.measured) < 2:
            return ""
        if board.chosen == "as asked":
            return f"Nothing can be compared with {name}."
        return (
            "Nothing is compared: for that, two methods need two seeds in common and no failed run."
        )
    return f"Everything is compared with {name}: {board.chosen}."


def otherwise_timed(board: Board, called: Callable[[str], str] = str) -> str:
    """Whose seconds are of another engine; empty where all are of one."""
    if board.reference is None or not (lines := board.otherwise_timed):
        return ""
    names = joined([called(line.name) for line in lines])
    engines = joined(sorted({" on ".join(clock) for line in lines for clock in clocks(line.cell)}))
    own = joined([" on ".join(clock) for clock in sorted(clocks(board.reference))])
    return (
        f"The seconds of {names} are those of another engine ({engines}) than of "
        f"{called(board.reference.place.name)} ({own}): between these, no times are compared."
    )


def untested(board: Board) -> str:
    """Why lines were not compared, each reason with its number."""
    reasons = Counter(line.reason for line in board.begun
                      if line.standing == "untested" and line.reason)  # fmt: skip
    return "; ".join(f"{reason} ({n})" if n > 1 else reason for reason, n in reasons.items())


def without_a_run(board: Board) -> str:
    """The methods that have none yet, and from a few on how many; empty where all have begun."""
    if not (names := board.waiting):
        return ""
    many = f" ({count(len(names), 'method')})" if len(names) > FEW else ""
    return f"Without a run yet: {', '.join(names)}{many}."
