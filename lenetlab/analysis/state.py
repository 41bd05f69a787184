"""How far a study is by its rows alone: what is done, failed and left, the best so far."""

from lenetlab.records.progress import ScenarioProgress
from lenetlab.records.rows import Cell, Contest, Results, leader


def standings(results: Results) -> list[ScenarioProgress]:
    """The leaderboards of a study in its order."""
    return [_standing(results, contest) for contest in results.contests()]


def failures(results: Results) -> list[str]:
    """The failed runs of a study, each in a sentence."""
    return [
        f"{cell.place.name} in {cell.place.scenario}, {row.role} {row.number}: "
        f"{row.status}, {row.reason}"
        for cell in results.cells
        for row in (*cell.trials, *cell.finals)
        if not row.done
    ]


def _standing(results: Results, contest: Contest) -> ScenarioProgress:
    cells = results.within(*contest)
    rows = [row for cell in cells for row in (*cell.trials, *cell.finals)]
    done = sum(row.done for row in rows)
    left = sum(_left(results, cell) for cell in cells)
    best = None
    if (first := leader(cells)) is not None and (row := first.best) is not None:
        assert row.accuracy is not None
        settings = ", ".join(row.recorded.parts().values())
        best = (row.accuracy, f"{first.place.name}, trial {row.number}: {settings}")
    return ScenarioProgress(contest.title, done, len(rows) - done, left, best)


def _left(results: Results, cell: Cell) -> int:
    """Trials and finals to come. A cell with finals alone is not tuned; one whose trials have all
    failed gets no finals."""
    untuned = bool(cell.finals) and not cell.trials
    trials = 0 if untuned else max(results.trials - len(cell.trials), 0)
    all_trials_failed = bool(cell.trials) and trials == 0 and cell.best is None
    return trials + (0 if all_trials_failed else max(results.seeds - len(cell.finals), 0))
