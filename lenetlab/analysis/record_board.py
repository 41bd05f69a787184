"""A record board: a bound, who of a study's methods holds it, and whether that beats the bound.

Who holds it was chosen on held-out images. All methods with finals try the bound, so that Holm's
correction goes over them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lenetlab.analysis.as_json import as_json
from lenetlab.analysis.board import Board, Line, Metric, board, tries
from lenetlab.analysis.cost import total
from lenetlab.analysis.record import RecordVerdict, records
from lenetlab.analysis.state import leading_left, left
from lenetlab.records.cells import Results
from lenetlab.records.goal import Goal
from lenetlab.records.record_boards import entry


@dataclass(frozen=True)
class RecordBoard:
    """`name` : of its study. `where` : scenario and constraint. `passes` : of a final.

    board : all methods in the metric that is bounded; None where there is no run.
    line, verdict : of who holds it; None without finals. unfinished : the methods that lack runs.
    price : effective passes of all runs that chose it, of all methods; None if not known.
    """

    name: str
    goal: Goal
    where: str
    passes: float
    board: Board | None = None
    line: Line | None = None
    verdict: RecordVerdict | None = None
    unfinished: tuple[str, ...] = ()
    price: float | None = None

    @property
    def computed(self) -> bool:
        """Whether there is a verdict that will stay."""
        return self.verdict is not None and not self.unfinished

    @property
    def ahead(self) -> list[Line]:
        """The methods that are significantly better on the test set than who holds it."""
        return [line for line in self.board.lines if line.standing == "ahead"] if self.board else []

    def as_json(self) -> dict[str, Any]:
        """Plain values, for `--json`."""
        line = self.line
        found: dict[str, Any] = as_json(
            {
                "name": self.name,
                "goal": self.goal,
                "where": self.where,
                "passes": self.passes,
                "computed": self.computed,
                "unfinished": list(self.unfinished),
                "who": line and line.name,
                "accuracy": line and line.accuracy,
                "loss": line and line.loss,
                "nonzeros": line and line.nonzeros,
                "training": line and line.training,
                "command": line and line.command,
                "price": self.price,
                "verdict": self.verdict,
                "ahead": [other.name for other in self.ahead],
            }
        )
        return found


def record_board(results: Results, goal: Goal) -> RecordBoard:
    """What `results`, of a study with one leaderboard, say of `goal`."""
    # What is not begun has not said yet how many weights it keeps.
    contest = results.begun()[0].place.contest
    if not any(cell.begun for cell in results.cells):
        return RecordBoard(results.name, goal, contest.title, results.passes)
    metric: Metric = "loss" if goal.of_loss else "accuracy"
    found = board(results, contest, metric=metric, targets=())
    tried = [line for line in found.lines if line.cell.finals]
    judged = zip(tried, records(tries(tried, metric), goal.bound, below=goal.of_loss), strict=True)
    holder = entry(results)
    line, verdict = next(
        ((line, verdict) for line, verdict in judged if line.cell is holder), (None, None)
    )
    search = [row for cell in results.cells for row in (*cell.search, *cell.leading)]
    return RecordBoard(
        name=results.name,
        goal=goal,
        where=contest.title,
        passes=results.passes,
        board=found,
        line=line,
        verdict=verdict,
        unfinished=tuple(_unfinished(results)),
        price=total(row.passes for row in search),
    )


def _unfinished(results: Results) -> Iterator[str]:
    """The methods that lack runs: of the search, of the finals where a recipe was found, of those
    on held-out images by which the leader is fixed."""
    waits = leading_left(results, results.cells) > 0
    for cell in results.cells:
        leads = waits and cell.best is not None and results.too_slow(cell) is None
        if any(left(results, cell)) or (leads and not cell.leading):
            yield cell.place.name
