"""How far a study is by its rows alone: what is done, failed and left, the best so far."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from lenetlab.records.cells import Cell, Results
from lenetlab.records.contest import Contest
from lenetlab.records.finished import ended
from lenetlab.records.progress import ScenarioProgress
from lenetlab.records.selection import leader


class Left(NamedTuple):
    """How many runs of a cell are to come."""

    trials: int = 0
    confirmations: int = 0
    finals: int = 0


def scenario_progress(results: Results) -> list[ScenarioProgress]:
    """How far each leaderboard of a study is, in its order."""
    return [_progress(results, contest) for contest in results.contests()]


def failures(results: Results) -> list[str]:
    """The failed runs of a study, each in a sentence."""
    return [
        f"{cell.place.name} in {cell.place.where}, {row.role} {row.number}: "
        f"{ended(row.status, row.reason)}"
        for cell in (*results.cells, *results.searches)
        for row in cell.rows
        if not row.done
    ]


def _progress(results: Results, contest: Contest) -> ScenarioProgress:
    cells = results.within(contest)
    searches = [cell for cell in results.searches if cell.place.contest == contest]
    rows = [row for cell in (*cells, *searches) for row in cell.rows]
    done = sum(row.done for row in rows)
    to_come = sum(sum(left(results, cell)) for cell in cells) + leading_left(results, cells)
    if searches:
        to_come += sum(sum(_search_left(results, cell)) for cell in searches)
    else:
        to_come += _searches_left(results, cells)
    best = None
    if (first := leader(cells)) is not None and (row := first.best) is not None:
        assert row.accuracy is not None
        settings = ", ".join(row.recorded.parts().values())
        best = (row.accuracy, f"{first.place.name}, trial {row.number}: {settings}")
    return ScenarioProgress(contest.title, done, len(rows) - done, to_come, best)


def left(results: Results, cell: Cell) -> Left:
    """The runs of a cell to come, but those for a leader. One with finals alone is not tuned; one
    that is too slow has trials alone; one without a recipe after its search gets no finals."""
    search = Left() if _given(cell) else _search_left(results, cell)
    if _without_finals(results, cell):
        return Left(search.trials)
    return search._replace(finals=max(results.seeds - len(cell.finals), 0))


def leading_left(results: Results, cells: Sequence[Cell]) -> int:
    """The leader runs of a leaderboard's `cells` to come."""
    leaders = min(results.stages.leaders, len(_may_lead(results, cells)))
    there = sum(len(cell.leading) for cell in cells)
    return max(leaders * results.stages.leader_seeds - there, 0)


def _given(cell: Cell) -> bool:
    return bool(cell.place.tuned_on) or (bool(cell.finals) and not cell.trials)


def _without_finals(results: Results, cell: Cell) -> bool:
    if results.too_slow(cell) is not None:
        return True
    return bool(cell.trials) and not any(_search_left(results, cell)) and cell.best is None


def _search_left(results: Results, cell: Cell) -> Left:
    trials = max(results.trials - len(cell.trials), 0)
    stages, done = results.stages, sum(row.done for row in cell.trials)
    if not trials and done < stages.confirm:  # all of them are confirmed
        stages = replace(stages, confirm=done)
    again = 0 if cell.finals else stages.confirmations - len(cell.confirmations)
    return Left(trials, max(again, 0))


def _may_lead(results: Results, cells: Sequence[Cell]) -> list[Cell]:
    return [cell for cell in cells if not _given(cell) and not _without_finals(results, cell)]


def _searches_left(results: Results, cells: Sequence[Cell]) -> int:
    """Further searches to come, as long as it is not known whose they will be."""
    stages = results.stages
    searched = min(stages.lucky, len(_may_lead(results, cells)))
    return searched * stages.searches * (results.trials + stages.confirmations)
