"""The page where nothing moves: without scripts, on paper, in a screenshot of all of it."""

import re

import pytest

from tests.report.page.conftest import PHONE
from tests.studies import made_up

WIDE_PAPER = 794 - 2 * 45  # pixels of A4 between its margins


@pytest.fixture(scope="module")
def study():
    return made_up(("sgd", "muon", "soap"), ("plain",), 2, 2)


def test_without_scripts_tables_and_pictures_are_there_and_no_dead_control(show, study):
    page = show(study, scripts=False, pictures=True)
    rows = page.all("#plain .leaderboard tbody tr")
    assert len(rows) == 3
    assert all("%" not in row and re.search(r"\d\d\.\d\d", row) for row in rows)
    pictures = page.tab.locator("figure.chart .still svg")
    figures = page.tab.locator("figure.chart:not(:has(.none))")
    assert pictures.count() == figures.count() == 8
    for i in range(pictures.count()):
        picture = pictures.nth(i)
        assert picture.bounding_box()["width"] > 300
        assert len(picture.locator("text").all_text_contents()) > 3
    assert page.all("input[type=search], select, #theme, form.shown, .chart .numbers") == []
    page.tab.check("#plain .every")  # this needs none
    assert page.all("#plain .leaderboard thead th")[-1].startswith("Tuning")


def test_ids_in_pictures_are_their_own(show, study):
    page = show(study, scripts=False, pictures=True)
    text = "".join(re.findall(r"<svg.*?</svg>", page.tab.content(), re.DOTALL))
    used = set(re.findall(r"url\(#([^)]+)\)", text))
    assert used
    for name in used:
        assert text.count(f'id="{name}"') == 1


def test_on_paper_nothing_is_cut_and_nothing_can_be_pressed(show, study):
    page = show(study, WIDE_PAPER, scheme="dark", pictures=True)
    page.tab.emulate_media(media="print")
    assert page.tab.evaluate("document.documentElement.scrollWidth") <= WIDE_PAPER
    for table in page.tab.query_selector_all("table"):
        if table.is_visible():
            box = table.bounding_box()
            assert box["x"] + box["width"] <= WIDE_PAPER
    assert page.all("form, header, button[id], .numbers") == []
    ground = page.tab.evaluate("getComputedStyle(document.documentElement).colorScheme")
    assert ground == "light"
    drawings = page.tab.locator(".drawing")
    for i in range(drawings.count()):  # seen or not, each has a picture
        box = drawings.nth(i).locator("svg").first.bounding_box()
        assert box["width"] > 200
        assert box["x"] + box["width"] <= WIDE_PAPER


def test_a_small_study_prints_on_a_few_sheets(show, study, tmp_path):
    page = show(study, pictures=True)
    printed = page.tab.pdf(path=tmp_path / "page.pdf", format="A4")
    assert printed.startswith(b"%PDF")
    pages = len(re.findall(rb"/Type\s*/Page\b", printed))
    assert 2 <= pages <= 8


def test_on_a_phone_what_is_first_asked_is_seen_without_moving_sideways(show, study):
    page = show(study, PHONE, pictures=True)
    heads = page.tab.locator("#plain .leaderboard thead th:visible")
    seen = [
        " ".join(heads.nth(i).inner_text().split())
        for i in range(heads.count())
        if (box := heads.nth(i).bounding_box())["x"] + box["width"] <= PHONE
    ]
    assert [title.split()[0] for title in seen[:4]] == ["Method", "Accuracy", "±", "To"]
    assert "89.38" in seen[3]
    assert seen[3].endswith("passes")
