"""What a leaderboard says, in words. A difference without significance is called none, and who has
the highest mean is said to have been picked by it."""

from collections.abc import Iterator

from lenetlab.analysis.board import Board, Standing
from lenetlab.phrases import count, joined
from lenetlab.report.formats import MISSING
from lenetlab.report.paper.markdown import Markdown, code, escape
from lenetlab.report.paper.numbers import Numbers
from lenetlab.report.wording.leaderboards import compared_with, untested
from lenetlab.report.wording.standings import STANDINGS

NAMED = 6  # ties that a sentence names

HIGHEST: dict[Standing, str] = {
    "ahead": "a significant difference",
    "borderline": "borderline, for its interval has 0 in it",
}


def summary(board: Board, figure: Numbers) -> Markdown:
    """A sentence or two for the paper's beginning."""
    where = f"In {code(board.contest.title)}"
    lead = board.lead
    if board.led and lead is not None:
        if lead.accuracy is None:
            said = f"{where} the leader on held-out images, {code(lead.name)}, has no result"
            return Markdown(f"{said} on the test set.")
        said = f"{where} the leader on held-out images, {code(lead.name)}, reaches"
        return Markdown(f"{said} {_reached(board, lead.name, figure)}. {_counts(board, figure)}")
    if not board.measured:
        return Markdown(f"{where} no run on the test set has a result.")
    name = board.measured[0].name
    if len(board.measured) == 1:
        return Markdown(f"{where} {code(name)} reaches {_reached(board, name, figure)}.")
    reached = _reached(board, name, figure)
    said = f"{where} the highest mean on the test set, by which it is picked, is that of"
    parts = [f"{said} {code(name)}, {reached}."]
    if lead is None or lead.name == name:
        parts.append(_counts(board, figure))
    else:
        parts.append(_counts(board, figure, f"Compared with {code(lead.name)}"))
    return Markdown(" ".join(part for part in parts if part))


def _reached(board: Board, name: str, figure: Numbers) -> str:
    """A mean, its interval where there is one, and over how many seeds it is."""
    key = board.contest.key
    text = f"{figure(key, name, 'accuracy')}"
    if figure.has(key, name, "low"):
        text += f" ({figure(key, name, 'low')} to {figure(key, name, 'high')})"
    n = next(line.accuracy.n for line in board.lines if line.name == name and line.accuracy)
    return f"{text} with {count(n, 'seed')}"


def story(board: Board, figure: Numbers) -> Markdown:
    """The paragraph before the table."""
    key = board.contest.key
    if not board.measured:
        return Markdown("No run on the test set has a result, so there is nothing to compare.")
    parts = []
    if board.led and board.lead is not None:
        held = figure(key, "leader", "decided")
        seeds = figure(key, "leader", "deciding")
        of = "in one run" if seeds == "1" else f"as the mean of {seeds} runs"
        with_ = "" if held == MISSING else f", with {held} {of},"
        parts.append(
            f"On the held-out images {code(board.lead.name)} was best{with_} and so is the leader."
        )
        if board.lead.accuracy is None:
            parts.append("It has no result on the test set.")
    elif said := compared_with(board):
        parts.append(str(escape(said)))
    parts.append(_counts(board, figure))
    ties = [code(line.name) for line in board.lines if line.standing == "tied"]
    if ties:
        more = f" and {len(ties) - NAMED} more" if len(ties) > NAMED else ""
        parts.append(f"Not significantly different from it: {', '.join(ties[:NAMED])}{more}.")
    if board.compared and (why := untested(board)):
        parts.append(f"Not compared: {escape(why)}.")
    return Markdown(" ".join(part for part in [*parts, *_highest(board, figure)] if part))


def _counts(board: Board, figure: Numbers, whom: str = "Of the others") -> str:
    """How many stand where to the reference; nothing where nothing was compared."""
    key = board.contest.key
    parts = []
    for kind, said in STANDINGS.items():
        n = sum(line.standing == kind for line in board.begun)
        if n:
            parts.append(f"{figure(key, kind)} {said.one if n == 1 else said.many}")
    return f"{whom}, {joined(parts)}." if board.compared else ""


def _highest(board: Board, figure: Numbers) -> Iterator[str]:
    """If another than the reference has the highest mean, whether that means anything."""
    key = board.contest.key
    top = board.lines[0]
    if top.difference is None or top.difference.mean <= 0:
        return
    apart = figure(key, top.name, "difference")
    p = figure(key, top.name, "p_equals")
    means = HIGHEST.get(top.standing, "no significant difference")
    yield (
        f"The highest mean on the test set is that of {code(top.name)}, {apart} points from it: "
        f"{means} ({p})."
    )
