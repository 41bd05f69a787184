"""Runs as a flat table: a row each, every setting a column, the same in every form."""

import csv
import math
from dataclasses import replace
from pathlib import Path

import pytest

from lenetlab import sweep, table
from lenetlab.errors import UserError
from lenetlab.experiments.table import BEFORE, table_of
from lenetlab.records.contest import CellKey
from lenetlab.records.locate import open_results

COURSE = Path(__file__).parents[2] / "results" / "course"


@pytest.fixture(scope="module")
def course():
    return table(COURSE)


def test_it_has_every_run_of_a_study(course):
    results = open_results(COURSE)
    assert [row["id"] for row in course] == [run.id for run in results.rows()]
    assert all(tuple(row) == course.columns for row in course)
    accuracies = {run.id: run.accuracy for run in results.rows()}
    assert {row["id"]: row["accuracy"] for row in course} == accuracies


def test_a_setting_that_was_not_chosen_has_its_default(course):
    first = next(row for row in course if row["method"] == "adamw" and row["role"] == "trial")
    assert (first["beta2"], first["eps"]) == (0.999, 1e-8)
    assert first["momentum"] is None  # adamw has none
    sgd = [row for row in course if row["method"] == "ema+sgd"]
    assert all(0 < row["ema.decay"] < 1 for row in sgd)
    sparse = [row for row in course if row["scenario"] == "sparse" and row["constraint"]]
    assert {row["constraint.keep"] for row in sparse} == {24480}


def test_pandas_polars_and_csv_say_the_same(course, tmp_path):
    frame, other = course.to_pandas(), course.to_polars()
    course.to_csv(tmp_path / "course.csv")
    with open(tmp_path / "course.csv", newline="") as file:
        lines = list(csv.DictReader(file))
    assert list(frame.columns) == other.columns == list(lines[0]) == list(course.columns)
    assert len(frame) == len(other) == len(lines) == len(course)
    for name in ("lr", "accuracy", "cpu_seconds"):
        values = [math.nan if row[name] is None else row[name] for row in course]
        assert frame[name].to_list() == pytest.approx(values, nan_ok=True)
        assert other[name].fill_null(math.nan).to_list() == pytest.approx(values, nan_ok=True)
        read = [math.nan if line[name] == "" else float(line[name]) for line in lines]
        assert read == pytest.approx(values, nan_ok=True)
    best = frame[frame.role == "final"].groupby(["scenario", "method"]).accuracy.mean()
    l2 = [c for c in open_results(COURSE).cells if c.place.scenario == "l2" and c.finals]
    for cell in l2:
        mean = math.fsum(row.accuracy for row in cell.finals) / len(cell.finals)
        assert best["l2", cell.place.method] == pytest.approx(mean)


def test_a_sweep_has_the_table_of_its_folder(runtime):
    ran = sweep(["sgd", "adamw"], {"lr": [0.01, 0.1]}, epochs=0.1, runtime=runtime)
    own, stored = ran.table(), table(runtime.out)
    assert own.columns == stored.columns
    assert [row["variant"] for row in own] == [job.label for job, _ in ran]
    assert {row["family"] for row in own} == {"basic", "adaptive"}
    apart = {"study", "family", "variant"}  # a folder of runs does not know them
    kept = {row["id"]: {k: v for k, v in row.items() if k not in apart} for row in own}
    assert kept == {row["id"]: {k: v for k, v in row.items() if k not in apart} for row in stored}


def test_a_recipe_that_cannot_be_read_again_is_as_it_was_recorded():
    row = open_results(COURSE).cells[0].finals[0]
    gone = {**row.recipe, "method": ["gone.py:Gone", {"lr": 0.25, "steps": 3, "betas": [0.5, 1]}]}
    place = CellKey("gone.py:Gone", "", "plain")
    words = replace(row, recipe={**gone, "method": ["gone.py:Gone", {"lr": "auto"}]})
    first, second = table_of("two", [(place, replace(row, recipe=gone)), (place, words)])
    assert set(first) >= set(BEFORE)
    assert (first["lr"], second["lr"]) == ("0.25", "auto")  # text in all, as it is in one
    assert first["steps"] == row.steps
    assert first["gone.py:Gone.steps"] == 3
    assert first["betas"] == "(0.5, 1)"


def test_where_nothing_is_the_answer_is_a_sentence(tmp_path):
    with pytest.raises(UserError, match="no results"):
        table(tmp_path)
