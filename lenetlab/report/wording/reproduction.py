"""How results are computed again."""

from collections.abc import Sequence

from lenetlab.analysis.board import Board
from lenetlab.records.cells import Results


def how_to_reproduce(results: Results, boards: Sequence[Board]) -> tuple[str, list[str]]:
    """What computes it again, in words, and the commands: of a study, or of every recipe."""
    if results.again:
        said = "This computes the whole study, as this version of lenetlab plans it:"
        return said, [results.again]
    if results.planned:
        return "", []
    commands = [line.command for board in boards for line in board.begun if line.command]
    return "These commands compute the lines of the leaderboards again:", commands
