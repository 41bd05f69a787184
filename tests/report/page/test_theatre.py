"""The theatre of a plane in a real browser: where runs are, and their losses, by the slider."""

import json
import math

import pytest

from lenetlab.errors import UserError
from lenetlab.report.attachments import read_attachments
from lenetlab.report.charts.theme import Styles
from lenetlab.report.colours import FAMILY_COLOURS
from lenetlab.report.inspection.page import Page, write_page
from lenetlab.report.inspection.tables import Words
from lenetlab.report.page.theatre import Theatre
from lenetlab.report.page.write import on_plane
from tests.studies import made_up

AXIS = [float(i) for i in range(25)]
PASSES = [0.0, 0.5, 2.0]
FOUND = {
    "kind": "principal", "share": 0.87, "examples": 100,
    "x": AXIS, "y": AXIS, "loss": [[0.1 + math.hypot(x - 12, y - 12) for x in AXIS] for y in AXIS],
    "runs": [
        {"passes": PASSES, "x": [2.0, 8.0, 12.0], "y": [2.0, 8.0, 12.0], "loss": [2.3, 0.9, 0.1],
         "method": "muon", "label": "muon:lr=0.1", "seed": 0},
        {"passes": PASSES, "x": [2.0, 3.0, 4.0], "y": [2.0, 9.0, 20.0], "loss": [2.3, 1.1, 0.7],
         "method": "mine", "label": "mine", "seed": 0},
    ],
}  # fmt: skip


@pytest.fixture
def tab(browser, tmp_path):
    theatre = Theatre(FOUND, ["one", "<b>two</b>"], ["#0072b2", "#d55e00"])
    table = Words("Ends", ["run"], [["one"], ["two"]])
    path = write_page(Page("In one plane", [], [], [table], theatre), tmp_path / "plane.html")
    opened = browser.new_page(viewport={"width": 1000, "height": 1000})
    said = []
    opened.on("console", lambda m: said.append(m.text) if m.type == "error" else None)
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.goto(path.as_uri())
    yield opened
    opened.close()
    assert said == []
    assert path.stat().st_size < 400_000


def losses(tab, at):
    tab.locator("#when").evaluate(
        "(slider, at) => { slider.value = at; slider.dispatchEvent(new Event('input')); }", at
    )
    return [float(text) for text in tab.locator("#theatre td").all_text_contents()]


def test_losses_are_those_of_the_time(tab):
    assert losses(tab, 1000) == [0.1, 0.7]
    assert losses(tab, 0) == [2.3, 2.3]
    assert tab.locator("#now").text_content() == "0.0 of 2 passes"
    # the slider is even in the square root: half of it is a quarter of the passes
    assert losses(tab, 500) == [0.9, 1.1]
    share = (2 * 0.75**2 - 0.5) / 1.5
    assert losses(tab, 750) == pytest.approx([0.9 - share * 0.8, 1.1 - share * 0.4], abs=5e-4)


def test_a_run_is_drawn_where_it_is(tab):
    def colour(x, y):
        return tab.locator("canvas").evaluate(
            "(canvas, [x, y]) => [...canvas.getContext('2d').getImageData(x, y, 1, 1).data]",
            [round(560 * x / 24), round(560 * (1 - y / 24))],
        )[:3]

    assert losses(tab, 1000)
    assert colour(12, 12) == [0, 0x72, 0xB2]
    assert colour(4, 20) == [0xD5, 0x5E, 0]
    assert losses(tab, 500)
    assert colour(8, 8) == [0, 0x72, 0xB2]
    ground = colour(12, 12)  # it is not there yet
    assert ground[0] == ground[1] == ground[2]


def test_it_plays_to_the_end(tab):
    losses(tab, 900)
    tab.click("#play")
    from playwright.sync_api import expect

    expect(tab.locator("#play")).to_have_text("Play", timeout=30_000)
    assert tab.locator("#when").input_value() == "1000"
    assert [float(t) for t in tab.locator("#theatre td").all_text_contents()] == [0.1, 0.7]


@pytest.fixture
def beside(tmp_path):
    (tmp_path / "plane.json").write_text(json.dumps(FOUND))
    return read_attachments(tmp_path)


def test_it_stands_on_the_page_of_a_study(show, beside):
    """By the names and colours of its methods, and as dark as the reader has chosen."""
    page = show(made_up(scenarios=["plain"]), attachments=beside)
    names = page.tab.locator("#theatre tbody th")
    assert names.all_text_contents() == ["muon", "mine"]
    dot = page.tab.locator("#theatre .dot").first
    assert dot.get_attribute("style") == f"background: {FAMILY_COLOURS['matrix']}"
    about = page.tab.locator("#inside .lead").text_content()
    assert about.startswith("2 trainings with seed 0, as far on their way as the slider says. ")
    assert "87 % of their variance lies in it" in about
    assert losses(page.tab, 500) == [0.9, 1.1]

    def shade():
        return page.tab.locator("canvas").evaluate(
            "canvas => canvas.getContext('2d').getImageData(2, 2, 1, 1).data[0]"
        )

    light = shade()
    while page.tab.locator("#theme").text_content() != "Theme: dark":
        page.tab.click("#theme")
    page.tab.wait_for_timeout(100)
    assert light != shade()
    assert [said for said in page.said if "readback" not in said] == []  # a remark on this test


def test_runs_of_one_method_are_told_apart(beside):
    first, second = FOUND["runs"]
    twice = {**FOUND, "runs": [first, {**second, "method": "muon", "label": "muon:lr=0.2"}]}
    theatre = on_plane(twice, Styles(("muon",), {"muon": "matrix"}, {"muon": "Muon"}))
    assert theatre.names == ["Muon, muon:lr=0.1, seed 0", "Muon, muon:lr=0.2, seed 0"]


def test_a_plane_of_another_form_is_refused(tmp_path):
    (tmp_path / "plane.json").write_text(json.dumps({**FOUND, "runs": [{"x": []}]}))
    with pytest.raises(UserError, match=r"plane\.json is broken .* make it again"):
        read_attachments(tmp_path)
