"""The methods of a leaderboard that have no run yet, in words."""

from collections.abc import Callable

from lenetlab.analysis.board import Board
from lenetlab.plural import count

FEW = 5  # names that nobody needs counted


def without_a_run(board: Board, called: Callable[[str], str] = str) -> str:
    """Which methods they are, as they are `called`; empty where all have begun."""
    if not board.waiting:
        return ""
    names = ", ".join(map(called, board.waiting))
    n = len(board.waiting)
    return f"Without a run yet: {names}" + (f" ({count(n, 'method')})." if n > FEW else ".")
