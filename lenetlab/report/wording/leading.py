"""Why the first row of a leaderboard is not its leader, in words."""

from collections.abc import Mapping

from lenetlab.analysis.board import Board, Line
from lenetlab.analysis.choosing import candidates
from lenetlab.phrases import p_equals
from lenetlab.report import formats


def first_and_leader(board: Board, titles: Mapping[str, str]) -> str:
    """Which line is first and which leads, where these are two; else nothing. Methods are called by
    their `titles`."""
    first, lead = next(iter(board.measured), None), board.lead
    if not board.led or first is None or lead is None or first is lead or lead.accuracy is None:
        return ""
    assert first.accuracy is not None
    one, two = (titles.get(line.name, line.name) for line in (first, lead))
    return (
        f"The first row is not the leader. {one} has the highest mean on the test set, "
        f"{formats.percent(first.accuracy.mean)}, {_beside(first, lead, two)}. But who leads is "
        f"fixed on held-out training images, before the test set is opened{_there(board, one, two)}"
        ": to name whoever comes out best in the test would be to choose by its luck."
    )


def _beside(first: Line, lead: Line, leader: str) -> str:
    assert lead.accuracy is not None
    other = f"the {formats.percent(lead.accuracy.mean)} of {leader}, which leads"
    if first.difference is None:
        return f"beside {other}; no test compares them ({first.reason})"
    d = first.difference
    said = f"{formats.points(d.mean)} points, {p_equals(d.adjusted)} after Holm’s correction"
    return {
        "ahead": f"significantly above {other} ({said})",
        "tied": f"which cannot be told from {other} ({said}): a tie",
        "borderline": f"by a borderline difference above {other} ({said})",
        "behind": f"by other seeds than {other}: at those in common it is significantly below "
                  f"({said})",
    }[first.standing]  # fmt: skip


def _there(board: Board, first: str, leader: str) -> str:
    """The held-out accuracy of both, which are called `first` and `leader`."""
    seen = {one.cell.place.name: one.decided.mean
            for one in candidates([line.cell for line in board.lines])}  # fmt: skip
    line, lead = board.measured[0], board.lead
    mine, other = seen.get(lead.name) if lead else None, seen.get(line.name)
    if mine is None or other is None:
        return ""
    return f", and there {leader} had {formats.percent(mine)} and {first} {formats.percent(other)}"
