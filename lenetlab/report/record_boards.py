"""Record boards as people read them: their columns, the bound and the verdict in words.

Terminal and pages show them from here; numbers that a leaderboard has too are written as there.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lenetlab.analysis.board import Line
from lenetlab.analysis.intervals import Summary
from lenetlab.analysis.record_board import RecordBoard
from lenetlab.phrases import in_units, joined, p_value
from lenetlab.problem.scenarios import recorded_scenario
from lenetlab.records.goal import Goal
from lenetlab.report import formats
from lenetlab.report.metrics import metrics

IN_DOCS = ("name", "where", "asked", "who", "mean", "verdict", "price", "nonzeros")


@dataclass(frozen=True)
class Column:
    """`title`, `unit` : its heading, in two lines or one. `words` : whether it holds no number."""

    title: str
    unit: str
    text: Callable[[RecordBoard], str]
    words: bool = False

    @property
    def heading(self) -> str:
        """Title and unit in one line."""
        return f"{self.title}, {self.unit}" if self.unit else self.title


def columns(boards: Sequence[RecordBoard]) -> dict[str, Column]:
    """The columns of a table of `boards`, in order; nonzeros only where some are bounded."""
    found = {
        "name": Column("board", "", lambda one: one.name, words=True),
        "where": Column("where", "", where, words=True),
        "asked": Column("asked", "", lambda one: bound(one.goal), words=True),
        "who": Column("who", "", holder, words=True),
        "mean": Column("mean", "±95 %", mean),
        "low": Column("bound", "one-sided", _low),
        "seeds": Column("n", "", _seeds),
        "p": Column("p (Holm)", "one-sided", _p),
        "verdict": Column("verdict", "", verdict, words=True),
        "price": Column("search", "passes", _price),
        "cpu_seconds": Column("CPU", "s a run", lambda one: _metric(one, "cpu_seconds")),
        "nonzeros": Column("nonzeros", "fc1, fc2", _nonzeros),
    }
    if not any(one.board and recorded_scenario(one.board.scenario).constrained for one in boards):
        del found["nonzeros"]
    return found


def bound(goal: Goal) -> str:
    """`accuracy above 92.2 %`."""
    written = formats.target(goal.bound)
    return f"mean loss below {written}" if goal.of_loss else f"accuracy above {written} %"


def where(one: RecordBoard) -> str:
    """`l2, 20 passes`."""
    return f"{one.where}, {in_units(one.passes)}"


def verdict(one: RecordBoard) -> str:
    """What became of the bound; where it was missed, the interval of the mean."""
    if one.unfinished:
        return f"not finished: {joined(one.unfinished)}"
    found = one.verdict
    if found is None:
        return "not computed"
    if found.outcome != "not beaten":
        return found.outcome
    if found.p is None:
        return f"missed: {found.reason}"
    said = "not significant" if found.passed else "missed"
    return f"{said}, {_interval(one)}"


def ahead(one: RecordBoard) -> str:
    """Who is better on the test set than who holds the board; empty if nobody."""
    if not one.ahead or one.line is None:
        return ""
    others = joined([f"{line.name} ({_metric(one, _bounded(one), line)})" for line in one.ahead])
    return (
        f"{one.name}: {others} {'is' if len(one.ahead) == 1 else 'are'} significantly better on "
        f"the test set than {one.line.name}, which was chosen on held-out images."
    )


def holder(one: RecordBoard) -> str:
    """Who holds it, a dash for nobody."""
    return one.line.name if one.line else formats.MISSING


def mean(one: RecordBoard) -> str:
    """The mean of who holds it, in what is bounded, ± half of its interval."""
    return formats.plus_minus(_of_holder(one), _write(one))


def _of_holder(one: RecordBoard) -> Summary | None:
    if one.line is None:
        return None
    return one.line.loss if one.goal.of_loss else one.line.accuracy


def _write(one: RecordBoard) -> formats.Write:
    return formats.four if one.goal.of_loss else formats.two


def _bounded(one: RecordBoard) -> str:
    return "loss" if one.goal.of_loss else "accuracy"


def _metric(one: RecordBoard, key: str, line: Line | None = None) -> str:
    """A column of the leaderboard, of `line` or of who holds it."""
    shown = line or one.line
    return metrics(one.board)[key].text(shown) if one.board and shown else formats.MISSING


def _low(one: RecordBoard) -> str:
    """Beyond what the mean is with a confidence of 95 %."""
    if one.verdict is None or one.verdict.bound is None:
        return formats.MISSING
    return f"{'<' if one.goal.of_loss else '>'} {_write(one)(one.verdict.bound)}"


def _p(one: RecordBoard) -> str:
    if one.verdict is None or one.verdict.adjusted is None:
        return formats.MISSING
    return p_value(one.verdict.adjusted)


def _seeds(one: RecordBoard) -> str:
    return str(one.line.runs - len(one.line.failures)) if one.line else formats.MISSING


def _price(one: RecordBoard) -> str:
    return formats.three(one.price) if one.price else formats.MISSING


def _nonzeros(one: RecordBoard) -> str:
    constrained = one.board and recorded_scenario(one.board.scenario).constrained
    return _metric(one, "nonzeros") if constrained else formats.MISSING


def _interval(one: RecordBoard) -> str:
    found, write = _of_holder(one), _write(one)
    assert found is not None
    assert found.interval is not None
    return f"{write(found.interval.low)} … {write(found.interval.high)}"
