"""What a leaderboard says, in words. A difference without significance is called none."""

from collections.abc import Iterator

from lenetlab.analysis.board import Board, Standing
from lenetlab.report.paper.facts import board_key
from lenetlab.report.paper.markdown import Markdown, code
from lenetlab.report.paper.numbers import Numbers

NAMED = 6  # ties that a sentence names
COUNTS: tuple[tuple[Standing, str, str], ...] = (
    ("ahead", "is significantly better", "are significantly better"),
    ("tied", "cannot be told from it", "cannot be told from it"),
    ("behind", "is significantly worse", "are significantly worse"),
    ("untested", "could not be compared", "could not be compared"),
)


def summary(board: Board, figure: Numbers) -> Markdown:
    """A sentence for the paper's beginning."""
    key = board_key(board.scenario, board.rules)
    if board.reference is None or not figure.has(key, "leader", "accuracy"):
        return Markdown(f"In scenario {code(key)} there is no result yet.")
    name = code(board.reference.place.name)
    who = f"the method chosen beforehand, {name}," if board.led else name
    text = f"In scenario {code(key)} {who} reaches {figure(key, 'leader', 'accuracy')}"
    if figure.has(key, "leader", "low"):
        text += f" ({figure(key, 'leader', 'low')} to {figure(key, 'leader', 'high')})"
    return Markdown(f"{text}. {_counts(board, figure)}")


def story(board: Board, figure: Numbers) -> Markdown:
    """The paragraph before the table."""
    key = board_key(board.scenario, board.rules)
    if board.reference is None:
        return Markdown("No run of this scenario is done, so there is nothing to compare.")
    name = code(board.reference.place.name)
    if board.led:
        held = figure(key, "leader", "held_out")
        first = f"On the held-out images {name} was best, with {held} %, and so is the leader."
    else:
        first = f"All are compared with {name}, {board.chosen}."
    parts = [first, _counts(board, figure)]
    ties = [code(line.name) for line in board.lines if line.standing == "tied"]
    if ties:
        more = f" and {len(ties) - NAMED} more" if len(ties) > NAMED else ""
        parts.append(f"Not significantly different from it: {', '.join(ties[:NAMED])}{more}.")
    return Markdown(" ".join([*parts, *_highest(board, figure)]))


def _counts(board: Board, figure: Numbers) -> str:
    """How many stand where to the reference."""
    key = board_key(board.scenario, board.rules)
    parts = []
    for kind, one, many in COUNTS:
        n = sum(line.standing == kind for line in board.begun)
        if n:
            parts.append(f"{figure(key, kind)} {one if n == 1 else many}")
    if not parts:
        return "There is nothing to compare it with."
    *rest, last = parts
    listed = f"{', '.join(rest)} and {last}" if rest else last
    return f"Of the others, {listed}."


def _highest(board: Board, figure: Numbers) -> Iterator[str]:
    """If another than the reference has the highest mean, whether that means anything."""
    key = board_key(board.scenario, board.rules)
    top = board.lines[0]
    if top.difference is None or top.difference.mean <= 0:
        return
    apart = figure(key, top.name, "difference")
    p = figure(key, top.name, "p")
    means = "a significant difference" if top.standing == "ahead" else "no significant difference"
    yield (
        f"The highest mean on the test set is that of {code(top.name)}, {apart} points from it: "
        f"{means} (p {p if p.startswith('<') else f'= {p}'})."
    )
