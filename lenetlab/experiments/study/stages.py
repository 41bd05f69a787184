"""What the best cells of a leaderboard get beyond their finals, and how much of a study there is,
stage by stage."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from lenetlab.experiments.recipe.recipe import Recipe
from lenetlab.experiments.study.model import Study, StudyCell, Task
from lenetlab.experiments.tuning.trials import Tuning
from lenetlab.records.cells import CONFIRMATION, FINAL, LEADER, TRIAL
from lenetlab.records.contest import CellKey, Contest

SEARCHES = "further searches"
STAGES = {TRIAL: "trials", CONFIRMATION: "confirmations", FINAL: "finals",
          LEADER: "leader runs"}  # fmt: skip


@dataclass
class CellPlan:
    """A cell and its tasks. `settled` : its recipe is chosen and its finals are planned.

    leading : its leader runs, once it is known to have some.
    without_recipe : no trial ended with figures, or no recipe was confirmed; it has no finals.
    too_slow : CPU seconds that the whole cell would take, where that is more than the study gives
        it; it has trials alone.
    """

    cell: StudyCell
    given: Recipe | None
    trials: list[Task]
    confirmations: list[Task] = field(default_factory=list)
    finals: list[Task] = field(default_factory=list)
    leading: list[Task] = field(default_factory=list)
    settled: bool = False
    without_recipe: bool = False
    too_slow: float | None = None

    @property
    def place(self) -> CellKey:
        """What it is called."""
        return self.cell.place

    @property
    def tune(self) -> Tuning | None:
        """How its recipe is searched for; None where nothing is."""
        return self.cell.tune

    @property
    def source(self) -> CellKey | None:
        """The cell on another problem whose recipe it has."""
        return self.cell.source

    @property
    def further(self) -> bool:
        """Whether it is a further search of another cell."""
        return self.place.search > 1

    @property
    def without_finals(self) -> bool:
        """Whether it is known that it has none."""
        return self.without_recipe or self.too_slow is not None

    @property
    def tasks(self) -> list[Task]:
        """All that are known."""
        return [*self.trials, *self.confirmations, *self.finals, *self.leading]


def boards(plan: CellPlan) -> list[Contest]:
    """The leaderboards that a cell stands on: each has a leader of its own."""
    recipe = plan.given or plan.trials[0].recipe
    place = replace(plan.place, terms=recipe.recorded().size)
    free = place.scenario == "plain" and place.norms == "free"
    return [place.contest, *([place.contest._replace(norms="free")] if free else [])]


def by_board(cells: Iterable[CellPlan]) -> dict[Contest, list[CellPlan]]:
    """The cells of every leaderboard, in their order."""
    found: dict[Contest, list[CellPlan]] = {}
    for cell in cells:
        for board in boards(cell):
            found.setdefault(board, []).append(cell)
    return found


class Share(NamedTuple):
    """A part of a study: `tasks` are those known of `runs` runs, of `passes` effective passes each,
    of a cell and in a stage."""

    cell: CellPlan
    stage: str
    runs: int
    passes: float
    tasks: Sequence[Task] = ()


def shares(
    study: Study,
    cells: Sequence[CellPlan],
    further: Sequence[CellPlan],
    waiting: Iterable[Sequence[CellPlan]],
) -> Iterator[Share]:
    """All that a study comes to. `waiting` are the leaderboards whose best cells are not known yet:
    the first of the file stand for them."""
    for cell in cells:
        yield from _search(study, cell)
        finals = 0 if cell.without_finals else study.seeds
        yield Share(cell, STAGES[FINAL], finals, study.passes, cell.finals)
        if cell.leading:
            yield Share(cell, STAGES[LEADER], len(cell.leading), study.passes, cell.leading)
    for cell in further:
        yield from (share._replace(stage=SEARCHES) for share in _search(study, cell))
    stages, leading, lucky = study.stages, set[int](), set[int]()
    for members in waiting:
        tuned = [cell for cell in members if cell.tune and not cell.without_finals]
        leading |= {id(cell) for cell in tuned[: stages.leaders]}
        lucky |= {id(cell) for cell in tuned[: stages.lucky]}
    for cell in cells:
        if id(cell) in leading and not cell.leading:
            yield Share(cell, STAGES[LEADER], stages.leader_seeds, study.passes)
        if id(cell) in lucky and cell.tune:
            # The default is tried by the first search.
            trials, again = stages.searches * cell.tune.trials, stages.searches
            yield Share(cell, SEARCHES, trials, cell.tune.passes)
            yield Share(cell, SEARCHES, again * stages.confirmations, study.passes)


def _search(study: Study, cell: CellPlan) -> Iterator[Share]:
    if cell.tune is None:
        return
    trials = max(len(cell.trials), cell.tune.tried)
    yield Share(cell, STAGES[TRIAL], trials, cell.tune.passes, cell.trials)
    known = len(cell.confirmations)
    runs = known if cell.settled else max(known, study.stages.confirmations)
    yield Share(cell, STAGES[CONFIRMATION], runs, study.passes, cell.confirmations)
