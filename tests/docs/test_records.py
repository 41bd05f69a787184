"""The records in the README and on their page are those of the committed results."""

import json
import sys
from dataclasses import replace

import pytest

from lenetlab.analysis.board import boards_of
from lenetlab.records.contest import Contest
from lenetlab.records.goal import Goal
from lenetlab.records.rows import read_results, write_results
from tests.studies import made_up, with_stages

from .blocks import PAGES, ROOT

sys.path.insert(0, str(ROOT / "docs" / "generator"))
from ladder import description, lines, pictures, spread
from marks import written
from readme_records import FAR, NONE, block, seconds, table


def test_the_block_is_what_the_results_give():
    for page, name, made in (
        ("README.md", "records", block()),
        ("docs/records.md", "records", table()),
        ("docs/records.md", "seconds", seconds()),
    ):
        assert PAGES[page] == written(PAGES[page], name, made), (
            "python docs/generator/readme_records.py writes it anew"
        )


@pytest.fixture
def study(tmp_path):
    results = made_up()
    write_results(tmp_path, results)
    return tmp_path, results


def test_a_study_gives_a_line_a_scenario_and_its_records(study):
    folder, results = study
    made = block(folder)
    lines = [line for line in made.splitlines() if line.startswith("| `")]
    assert [line.split("`")[1] for line in lines] == ["plain", "l2", "sparse"]
    finals = [row.accuracy for row in results.within(Contest("plain"))[-1].finals]
    assert f"| `muon` | {sum(finals) / len(finals):.2f} ± " in lines[0]
    assert "5 methods" in made
    assert "12 trials of 5 passes" in made
    assert "over 10 seeds" in made
    assert "- `plain`: 90.24 % is beaten by `muon`." in made


def test_a_borderline_method_far_below_is_in_a_sentence_alone(study, monkeypatch):
    """An interval that has 0 in it because one seed ended far off reads as a bug in the table."""
    folder, _ = study

    def borderline(results):
        for one in boards_of(results):
            lines = [
                replace(line, standing="borderline") if line.standing == "behind" else line
                for line in one.lines
            ]
            yield replace(one, lines=tuple(lines))

    monkeypatch.setattr("readme_records.boards_of", lambda results: [*borderline(results)])
    line, *_ = [line for line in block(folder).splitlines() if line.startswith("| `plain` |")]
    gaps = {
        one.name: one.difference.mean
        for one in next(borderline(read_results(folder))).lines
        if one.standing == "borderline"
    }
    near = [name for name, mean in gaps.items() if mean >= -FAR]
    far = [name for name in gaps if name not in near]
    assert near
    assert far
    assert all(f"`{name}` −" in line for name in near)
    assert not any(f"`{name}` −" in line for name in far)
    _, _, said = block(folder).partition(
        "Not listed as borderline, since more than 2 points below: "
    )
    assert all(f"`{name}` in `plain`, −" in said for name in far)


def test_methods_within_wrappers_are_counted_apart(tmp_path):
    results = made_up(scenarios=["plain"])
    first, *others = results.cells
    wrapped = replace(first, place=replace(first.place, method="ema+muon"), finals=())
    write_results(tmp_path, replace(results, cells=(wrapped, *others)))
    assert (
        f"So far {len(others)} of the {len(others) + 1} methods that the study plans "
        f"({len(others)} by themselves, 1 within wrappers, such as `ema+muon`), tuned"
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
    assert "1 of 1: `sparse` (accuracy above 90 % in sparse, 10 passes) by `muon`, " in said
    assert table(folder / "nowhere") == "None is computed yet.\n"


def test_only_what_is_between_the_marks_is_replaced():
    page = "a\n<!-- b -->\n{}<!-- /b -->\n<!-- c -->\nmine\n<!-- /c -->\nz"
    assert written(page.format("old\n"), "b", "new\n") == page.format("new\n")


@pytest.mark.parametrize("page", ["", "<!-- b -->\n", "<!-- /b -->", "<!-- b --> <!-- /b -->"])
def test_a_page_without_marks_is_not_touched(page):
    with pytest.raises(ValueError, match="no marks <!-- b -->"):
        written(page, "b", "new\n")


def test_studies_of_other_budgets_beside_are_steps_of_a_ladder(study):
    folder, results = study
    assert "For other budgets" not in block(folder)
    home = folder / "home"
    write_results(home / "course", results)
    write_results(home / "two", replace(results, name="two", passes=2.0))
    board = replace(results, name="one", passes=1.0, record=Goal("the best", above=90.0))
    write_results(home / "one", board)
    made = block(home / "course")
    assert "| 1 |" not in made
    assert "For other budgets, 5 methods" in made
    (line,) = [line for line in made.splitlines() if line.startswith("| 2 |")]
    finals = [row.accuracy for row in results.within(Contest("plain"))[-1].finals]
    assert f"| `muon` {sum(finals) / len(finals):.2f} ± " in line
    assert line.count("|") == 5


def test_the_picture_shows_what_the_results_give():
    found = lines()
    for name, made in pictures(found).items():
        kept = (ROOT / "docs" / name).read_text()
        assert description(found) in made
        assert description(found) in kept, "python docs/generator/ladder.py draws it anew"
        assert f"docs/{name}" in PAGES["README.md"]


def test_a_line_of_the_picture_has_the_means_of_its_rows(study):
    folder, results = study
    write_results(folder / "course", results)
    write_results(folder / "two", replace(results, name="two", passes=2.0))
    first = lines(folder / "course")[0]
    finals = [row.accuracy for row in results.within(Contest("plain"))[-1].finals]
    assert [one.line for one in first] == ["muon"] * len(first)
    assert first[-1].accuracy.mean == pytest.approx(sum(finals) / len(finals))


def test_a_mean_of_one_seed_has_no_interval_in_the_picture(study):
    folder, results = study
    cells = tuple(replace(cell, finals=cell.finals[:1]) for cell in results.cells)
    write_results(folder / "course", replace(results, cells=cells, seeds=1))
    said = description(lines(folder / "course"))
    assert " % after 10 passes" in said
    assert "±" not in said


def test_names_are_moved_apart_as_little_as_is_needed():
    assert spread([0.9, 0.5, 0.1], 0.1) == [0.9, 0.5, 0.1]
    assert spread([0.52, 0.5, 0.1], 0.1) == pytest.approx([0.56, 0.46, 0.1])
    assert spread([0.5, 0.5, 0.45], 0.1) == pytest.approx([0.583333, 0.483333, 0.383333], abs=1e-5)


def test_the_fewest_seconds_are_of_ten_seeds():
    measured = json.loads((ROOT / "results" / "seconds.json").read_text())["targets"]
    assert [one["seeds"] for one in measured] == [10] * len(measured)
