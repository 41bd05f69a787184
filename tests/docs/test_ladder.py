"""The README's picture is that of the committed results."""

import sys
from dataclasses import replace

import pytest

from lenetlab.records.contest import Contest
from lenetlab.records.rows import write_results

from .blocks import PAGES, ROOT

sys.path.insert(0, str(ROOT / "docs" / "generator"))
from ladder import description, lines, pictures, spread


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
