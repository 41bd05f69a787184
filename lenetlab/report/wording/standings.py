"""How a method stands to what it is compared with, in the words of tables and sentences."""

from dataclasses import dataclass

from lenetlab.analysis.board import Board, Line, Standing
from lenetlab.analysis.challenge import Answer

TIE = "A tie: the difference may be luck, all comparisons taken together."
BORDERLINE = (
    "Borderline: the test, corrected by Holm’s rule, finds a difference, and the interval that "
    "holds together with all others has 0 in it."
)


@dataclass(frozen=True)
class Words:
    """`alone` : in a table. `to` : before what it is compared with. `one`, `many` : of so many
    methods."""

    alone: str
    to: str
    one: str
    many: str


STANDINGS: dict[Standing, Words] = {
    "ahead": Words("ahead", "ahead of", "is significantly better", "are significantly better"),
    "tied": Words("tie", "tied with", "cannot be told from it", "cannot be told from it"),
    "borderline": Words("borderline", "borderline to", "is borderline", "are borderline"),
    "behind": Words("behind", "behind", "is significantly worse", "are significantly worse"),
    "untested": Words("not tested", "not compared with", "could not be compared",
                      "could not be compared"),
}  # fmt: skip

# Of a guest, which is what the others of its leaderboard are compared with.
ANSWERS: dict[Answer, str] = {
    "better": "better than",
    "tied": "tied with",
    "borderline": "borderline to",
    "worse": "worse than",
    "not compared": "not compared with",
}


def verdict(line: Line, board: Board) -> str:
    """How a line stands to the reference, in a word or two."""
    if line.standing == "reference":
        return "leader" if board.led else "reference"
    return STANDINGS[line.standing].alone
