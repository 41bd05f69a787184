"""The records in the README and on their page are those of the committed results."""

import json
import sys
from dataclasses import replace

import pytest

from lenetlab.records.contest import Contest
from lenetlab.records.goal import Goal
from lenetlab.records.rows import write_results
from tests.studies import made_up, with_stages

from .blocks import PAGES, ROOT

sys.path.insert(0, str(ROOT / "docs" / "generator"))
from leaders import NONE
from marks import written
from readme_records import block
from records_page import seconds, table


def test_the_block_is_what_the_results_give():
    for page, name, made in (
        ("README.md", "records", block()),
        ("docs/records.md", "records", table()),
        ("docs/records.md", "seconds", seconds()),
    ):
        assert PAGES[page] == written(PAGES[page], name, made), "make published writes it anew"


def test_a_study_gives_a_line_a_scenario_and_its_records(study):
    folder, results = study
    made = block(folder)
    lines = [line for line in made.splitlines() if line.startswith("| `")]
    assert [line.split("`")[1] for line in lines] == ["plain", "l2", "sparse", "plain"]
    assert lines[-1].startswith("| `plain` | `sgd`, for comparison | ")
    finals = [row.accuracy for row in results.within(Contest("plain"))[-1].finals]
    assert f"| `muon` | {sum(finals) / len(finals):.2f} ± " in lines[0]
    assert "5 methods" in made
    assert "12 trials of 5 passes" in made
    assert "mean over 10 seeds, trained on all of these images" in made
    assert lines[0].endswith("| 90.24 % |")


def test_methods_without_finals_are_counted_apart(tmp_path):
    results = made_up(scenarios=["plain"])
    first, *others = results.cells
    wrapped = replace(first, place=replace(first.place, method="ema+muon"), finals=())
    write_results(tmp_path, replace(results, cells=(wrapped, *others)))
    assert (
        f"So far {len(others)} of {len(others) + 1} methods are computed "
        "(0 of them wrapped, as `ema+muon` is)"
    ) in block(tmp_path)


def test_what_is_not_there_is_said(tmp_path, study):
    assert block(tmp_path / "nowhere") == f"{NONE}\n"
    _, results = study
    cells = tuple(replace(cell, finals=()) for cell in results.cells)
    write_results(tmp_path / "b", replace(results, cells=cells))
    assert block(tmp_path / "b") == f"{NONE}\n"


def test_record_boards_that_are_computed_are_a_table(study):
    folder, results = study
    home = folder / "home"
    write_results(home / "course", results)
    tried = with_stages(made_up(scenarios=["sparse"]), searches=0)
    goal = Goal("the best sparse net", above=90.0)
    write_results(home / "records" / "sparse", replace(tried, name="sparse", record=goal))
    unfinished = replace(tried, cells=tried.cells[:1] + made_up(scenarios=["sparse"]).cells[1:])
    write_results(home / "records" / "later", replace(unfinished, name="later", record=goal))
    said, made = block(home / "course"), table(home / "records")
    (line,) = [line for line in made.splitlines() if line.startswith("| sparse |")]
    finals = [row.accuracy for row in tried.cells[-1].finals]
    budget_and_bound = "sparse, 10 passes | accuracy above 90 %"
    mean = f"{sum(finals) / len(finals):.2f}"
    assert line.startswith(f"| sparse | {budget_and_bound} | muon | {mean} ± ")
    assert "| beaten |" in line
    assert "24,480 |" in line
    assert "later" not in made
    assert "1 of 1 (accuracy above 90 % in sparse, 10 passes, by `muon`, " in said
    assert table(folder / "nowhere") == "None is computed yet.\n"


def test_only_what_is_between_the_marks_is_replaced():
    page = "a\n<!-- b -->\n{}<!-- /b -->\n<!-- c -->\nmine\n<!-- /c -->\nz"
    assert written(page.format("old\n"), "b", "new\n") == page.format("new\n")


@pytest.mark.parametrize("page", ["", "<!-- b -->\n", "<!-- /b -->", "<!-- b --> <!-- /b -->"])
def test_a_page_without_marks_is_not_touched(page):
    with pytest.raises(ValueError, match="no marks <!-- b -->"):
        written(page, "b", "new\n")


def test_the_fewest_seconds_are_of_ten_seeds():
    measured = json.loads((ROOT / "results" / "seconds.json").read_text())["targets"]
    assert [one["seeds"] for one in measured] == [10] * len(measured)
