"""`lenetlab report`: from what has results to a file, from what has none to a reason."""

import json

import pytest

from lenetlab.records.rows import write_results
from tests.studies import made_up


@pytest.fixture
def study():
    return made_up(("sgd", "adamw"), ("plain",), 2, 3)


def test_a_study_file_its_folder_and_its_results_give_the_same_page(lenetlab, tmp_path, study):
    folder = tmp_path / "runs/studies/made-up"
    write_results(folder / "results", study)
    (tmp_path / "made-up.toml").write_text("")
    pages = []
    for target in ("made-up.toml", "runs/studies/made-up", "runs/studies/made-up/results"):
        answer = lenetlab(f"report {target}")
        assert (answer.status, answer.out) == (0, "made-up.html\n"), answer.err
        pages.append((tmp_path / "made-up.html").read_text())
    assert len(set(pages)) == 1
    assert "adamw" in pages[0]


def test_where_it_goes_can_be_said_and_is_made(lenetlab, tmp_path, study):
    write_results(tmp_path / "results", study)
    answer = lenetlab("report results --to some/where/page.html --json")
    assert json.loads(answer.out) == {"files": ["some/where/page.html"]}
    assert (tmp_path / "some/where/page.html").read_text().startswith("<!doctype html>")


@pytest.mark.parametrize("form", ["pdf", "md", "tex"])
def test_the_paper_is_written_too(lenetlab, tmp_path, study, form):
    write_results(tmp_path / "results", study)
    answer = lenetlab(f"report results --format {form}")
    assert answer.status == 0, answer.err
    mark = {"pdf": b"%PDF", "md": b"# A made-up study", "tex": b"\\documentclass"}[form]
    assert mark in (tmp_path / f"made-up.{form}").read_bytes()


def test_an_evenings_runs_have_a_page(lenetlab, tmp_path, runtime):
    from lenetlab.api import sweep

    runtime.out = tmp_path / "runs"
    sweep(["sgd", "adamw"], {"lr": [0.01, 0.1]}, seeds=2, runtime=runtime, epochs=1, batch_size=100)
    answer = lenetlab("report runs")
    assert (answer.status, answer.out) == (0, "runs.html\n"), answer.err
    page = (tmp_path / "runs.html").read_text()
    assert page.count('<tr data-family=""') == 4
    assert "single runs and no study" in page
    assert "lr=0.1" in page


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("report nowhere", "does not exist"),
        ("report .", "has no results"),
        ("report results --format docx", "docx"),
        ("report results --to /proc/no/page.html", "cannot write"),
    ],
)
def test_what_cannot_be_done_is_said(lenetlab, tmp_path, study, given, said):
    write_results(tmp_path / "results" / "deeper", study)
    if "results" in given:
        write_results(tmp_path / "results", study)
    answer = lenetlab(given)
    assert answer.status == 2
    assert said in answer.err
