"""Who leads and who is first are two questions; what held-out images said answers the one."""

from dataclasses import replace

import pytest

from lenetlab.analysis.board import board
from lenetlab.analysis.choosing import candidates
from lenetlab.analysis.luck import luck
from lenetlab.records.contest import Contest
from lenetlab.records.rows import write_results
from lenetlab.records.selection import leader
from lenetlab.report.attachments import Attachments, read_attachments
from lenetlab.report.wording.leading import first_and_leader
from tests.studies import made_up, with_stages

PLAIN = Contest("plain")
METHODS = ("sgd", "muon", "soap", "kfac")
TITLES = {"methods": {"kfac": {"title": "K-FAC"}, "sgd": {"title": "Gradient descent"}}}


def unlike(n):
    """A study whose leader is not first on the test set: the last of `METHODS` has poor trials."""
    study = made_up(METHODS, ("plain",), n, 3)
    cells = list(study.cells)
    poor = tuple(
        replace(row, accuracy=row.accuracy and row.accuracy - 9) for row in cells[-1].trials
    )
    cells[-1] = replace(cells[-1], trials=poor)
    return with_stages(replace(study, cells=tuple(cells)))


@pytest.fixture(scope="module")
def study():
    return unlike(10)


def test_the_board_says_why_the_first_row_does_not_lead(show, study):
    found = board(study, PLAIN)
    first, lead = found.measured[0], found.lead
    assert (first.name, lead.name) == ("kfac", leader(study.within(PLAIN)).place.name)
    page = show(study, attachments=Attachments(**TITLES))
    said = page.tab.inner_text("#plain > p.lead >> nth=1")
    assert said.startswith("The first row is not the leader. K-FAC has the highest mean")
    assert (
        f"{first.accuracy.mean:.2f} %, significantly above the {lead.accuracy.mean:.2f} %" in said
    )
    held = {one.cell.place.name: one.decided.mean for one in candidates(study.within(PLAIN))}
    assert f"there {lead.name} had {held[lead.name]:.2f} % and K-FAC {held['kfac']:.2f} %" in said
    rows = page.all("#plain .leaderboard tbody tr")
    assert rows[0].startswith("1K-FAC")
    assert " ahead " in rows[0]
    assert sum(" leader " in row for row in rows) == 1
    assert f"{first.difference.mean:+.2f}" in rows[0]


@pytest.mark.parametrize(
    ("seeds", "standing", "word"), [(10, "ahead", "significantly above"), (2, "tied", ": a tie")]
)
def test_the_words_are_those_of_the_test(seeds, standing, word):
    found = board(unlike(seeds), PLAIN)
    assert found.measured[0].standing == standing
    assert word in first_and_leader(found, {})


def test_a_leader_that_is_first_needs_no_words():
    usual = made_up(METHODS, ("plain",), 3, 3)
    assert leader(usual.within(PLAIN)).place.name == "kfac"
    assert first_and_leader(board(usual, PLAIN), {}) == ""


def tables(page):
    return [
        [
            [" ".join(cell.inner_text().split()) for cell in row.query_selector_all("th, td")]
            for row in table.query_selector_all("tr")
        ]
        for table in page.tab.query_selector_all("#plain .side table")
    ]


def test_how_the_leader_was_chosen_and_how_lucky_searches_are_is_shown(show, study):
    page = show(study)
    assert page.all("#plain .side h3") == ["How the leader was chosen", "Luck of the search"]
    chosen, lucky = tables(page)
    assert [head.split()[0] for head in chosen[0]] == [
        "Method", "trial", "confirmed", "leader", "all", "test",
    ]  # fmt: skip
    found = candidates(study.within(PLAIN))
    assert [row[0] for row in chosen[1:]] == [one.cell.place.name for one in found]
    assert chosen[1][4] == f"{found[0].decided.mean:.2f}, 5"
    assert chosen[3][3] == "–"
    cell = found[0].cell
    page.tab.click("#plain .side table a >> nth=0")
    page.tab.wait_for_selector("dialog[open]")
    said = page.tab.inner_text("dialog")
    assert all(row.id in said for row in (*cell.confirmations, *cell.leading))
    page.tab.keyboard.press("Escape")
    searches = luck(study, PLAIN)
    assert len(lucky) == 1 + len(searches) == 3
    assert lucky[1][1:4] == [f"{mean:.2f}" for mean in searches[0].means]
    assert lucky[1][5] == f"{searches[0].spread:.2f}"


def test_the_answer_has_the_starter_and_switches_scenario_and_axis(show):
    study = made_up(("sgd", "muon"), ("plain", "l2"), 3, 2)
    page = show(study, attachments=Attachments())
    lead = board(study, PLAIN).lead
    said = page.tab.inner_text(".answer")
    assert f"{lead.accuracy.mean:.2f} ±" in said
    assert "starter script ends at 59.53 %" in said
    picture = "[aria-labelledby=answer] .drawing"
    page.tab.wait_for_selector(f"{picture} .marks")
    titles = f"{picture} .role-axis-title text"
    assert "CPU seconds of training" in page.all(titles)  # of one budget, seconds tell more
    page.tab.check("#overview [value=passes]")
    page.tab.wait_for_function(
        f"[...document.querySelectorAll('{titles}')].some(x => x.textContent.includes('passes'))"
    )
    assert any(text.startswith("the starter, 59.53 %") for text in page.all(f"{picture} text"))
    page.tab.check("#overview [value=l2]")
    page.tab.click("#overview .numbers summary")
    page.tab.wait_for_selector("#overview .numbers tbody td")
    means = {f"{line.accuracy.mean:.2f}" for line in board(study, Contest("l2")).lines}
    shown = page.all("#overview .numbers tbody td:nth-child(7)")
    assert set(shown) == means


def test_studies_of_other_budgets_beside_are_in_the_figure(tmp_path):
    study = made_up(("sgd",), ("plain",), 2, 2)
    for name, passes, trials in (("own", 10.0, 2), ("more", 40.0, 2), ("less", 1.0, 2),
                                 ("same", 10.0, 2), ("untuned", 5.0, 0)):  # fmt: skip
        write_results(tmp_path / name, replace(study, name=name, passes=passes, trials=trials))
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "study.json").write_text("{")
    assert [one.name for one in read_attachments(tmp_path / "own").others] == ["less", "more"]
