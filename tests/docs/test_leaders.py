"""The page of leaders is that of the committed results."""

import sys
from dataclasses import replace

from lenetlab.analysis.board import boards_of
from lenetlab.records.contest import Contest
from lenetlab.records.goal import Goal
from lenetlab.records.rows import read_results, write_results
from tests.studies import made_up

from .blocks import PAGES, ROOT

sys.path.insert(0, str(ROOT / "docs" / "generator"))
from leaders import FAR, NONE, budgets, leaders
from marks import written


def test_the_tables_are_what_the_results_give():
    page = PAGES["docs/leaders.md"]
    for name, made in (("leaders", leaders()), ("budgets", budgets())):
        assert page == written(page, name, made), "python docs/generator/leaders.py writes it anew"


def test_whoever_beats_a_target_is_named(study):
    assert "- `plain`: 90.24 % is beaten by `muon`." in leaders(study[0])


def test_what_is_not_there_is_said(tmp_path):
    assert leaders(tmp_path / "nowhere") == budgets(tmp_path / "nowhere") == f"{NONE}\n"


def test_of_one_method_alone_nothing_is_said_of_chances(tmp_path):
    write_results(tmp_path, made_up(["muon"], ["plain"]))
    made = leaders(tmp_path)
    assert "| `plain` | `muon` | " in made
    assert "probability" not in made


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

    monkeypatch.setattr("leaders.boards_of", lambda results: [*borderline(results)])
    line, *_ = [line for line in leaders(folder).splitlines() if line.startswith("| `plain` |")]
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
    _, _, said = leaders(folder).partition(
        "Not listed as borderline, since more than 2 points below: "
    )
    assert all(f"`{name}` in `plain`, −" in said for name in far)


def test_studies_of_other_budgets_beside_are_steps_of_a_ladder(study):
    folder, results = study
    assert budgets(folder) == f"{NONE}\n"
    home = folder / "home"
    write_results(home / "course", results)
    write_results(home / "two", replace(results, name="two", passes=2.0))
    board = replace(results, name="one", passes=1.0, record=Goal("the best", above=90.0))
    write_results(home / "one", board)
    made = budgets(home / "course")
    assert "| 1 |" not in made
    assert "5 methods, tuned for each budget." in made
    (line,) = [line for line in made.splitlines() if line.startswith("| `plain` | 2 |")]
    finals = [row.accuracy for row in results.within(Contest("plain"))[-1].finals]
    assert f"| `muon` | {sum(finals) / len(finals):.2f}\u00a0±" in line
