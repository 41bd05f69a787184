"""How far a study is by its rows alone: what is done, failed and left, the best so far."""

from collections.abc import Sequence

from lenetlab.records.cells import Cell, Results
from lenetlab.records.contest import Contest
from lenetlab.records.progress import ScenarioProgress
from lenetlab.records.selection import leader


def scenario_progress(results: Results) -> list[ScenarioProgress]:
    """How far each leaderboard of a study is, in its order."""
    return [_progress(results, contest) for contest in results.contests()]


def failures(results: Results) -> list[str]:
    """The failed runs of a study, each in a sentence."""
    return [
        f"{cell.place.name} in {cell.place.where}, {row.role} {row.number}: "
        f"{row.status}, {row.reason}"
        for cell in (*results.cells, *results.searches)
        for row in cell.rows
        if not row.done
    ]


def _progress(results: Results, contest: Contest) -> ScenarioProgress:
    cells = results.within(contest)
    searches = [cell for cell in results.searches if cell.place.contest == contest]
    rows = [row for cell in (*cells, *searches) for row in cell.rows]
    done = sum(row.done for row in rows)
    left = sum(_left(results, cell) for cell in cells)
    left += sum(_search_left(results, cell) for cell in searches)
    left += _leading_left(results, cells, bool(searches))
    best = None
    if (first := leader(cells)) is not None and (row := first.best) is not None:
        assert row.accuracy is not None
        settings = ", ".join(row.recorded.parts().values())
        best = (row.accuracy, f"{first.place.name}, trial {row.number}: {settings}")
    return ScenarioProgress(contest.title, done, len(rows) - done, left, best)


def _left(results: Results, cell: Cell) -> int:
    """Trials, confirmations and finals to come. A cell with finals alone is not tuned; one without
    a recipe after its trials gets no finals."""
    untuned = bool(cell.place.tuned_on) or (bool(cell.finals) and not cell.trials)
    search = 0 if untuned else _search_left(results, cell)
    without_recipe = bool(cell.trials) and search == 0 and cell.best is None
    return search + (0 if without_recipe else max(results.seeds - len(cell.finals), 0))


def _search_left(results: Results, cell: Cell) -> int:
    trials = max(results.trials - len(cell.trials), 0)
    done = sum(row.done for row in cell.trials)
    stages = results.stages
    # Where fewer trials have figures than are to be confirmed, all of those are.
    confirm = stages.confirm if trials else min(stages.confirm, done)
    again = 0 if cell.finals else confirm * stages.confirm_seeds - len(cell.confirmations)
    return trials + max(again, 0)


def _leading_left(results: Results, cells: Sequence[Cell], searched: bool) -> int:
    """Leader runs to come; and further searches, as long as it is not known whose they will be."""
    stages = results.stages
    tuned = [cell for cell in cells
             if not cell.place.tuned_on and (cell.trials or not cell.finals)]  # fmt: skip
    leading = min(stages.leaders, len(tuned)) * stages.leader_seeds
    left = max(leading - sum(len(cell.leading) for cell in cells), 0)
    if not searched:
        search = results.trials + stages.confirm * stages.confirm_seeds
        left += min(stages.lucky, len(tuned)) * stages.searches * search
    return left
