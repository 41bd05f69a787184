"""What is committed of a study is what its file asks for: the trials of every search are drawn
again, and none differs. Otherwise a study that goes on would search anew what it has."""

from pathlib import Path

import pytest

from lenetlab.experiments.recipe.recall import recall
from lenetlab.experiments.study.model import StudyCell, further_searches, trial_recipes
from lenetlab.experiments.study.study_file import read_study
from lenetlab.records.cells import Cell
from lenetlab.records.rows import STUDY, read_cell

ROOT = Path(__file__).parents[3]
FOLDERS = {path.parent.name: path.parent for path in (ROOT / "results").rglob(STUDY)}
FILES = sorted(path for path in (ROOT / "studies").rglob("*.toml") if path.parent.name != "ideas")


def test_every_folder_of_results_has_its_file() -> None:
    assert {path.stem for path in FILES} == FOLDERS.keys()


def computed(path: Path, cell: StudyCell) -> Cell:
    return read_cell(FOLDERS[path.stem], cell.place)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_trials_that_a_file_asks_for_are_those_that_were_run(path: Path) -> None:
    study, recipes = read_study(path)
    planned = list(zip(study.cells, recipes, strict=True))
    again = (more for cell in study.cells for more in further_searches(study, cell))
    planned += [
        (cell, trial_recipes(study.name, cell)) for cell in again if computed(path, cell).trials
    ]
    rows = 0
    for cell, asked in planned:
        found = computed(path, cell)
        assert len(found.trials) in (0, len(asked)), cell.place
        rows += len(found.trials) + len(found.finals)
        for row in found.trials:
            assert recall(row.recipe).canonical() == asked[row.number].canonical(), cell.place
    assert rows, "none is where its file says"
