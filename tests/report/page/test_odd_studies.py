"""Names that attack, and studies in which there is little: the page stands, and says so."""

import dataclasses
from html.parser import HTMLParser

import pytest

from lenetlab.records.cells import Cell, Results
from lenetlab.records.contest import CellKey
from lenetlab.report.attachments import Attachments
from lenetlab.report.page.write import render
from tests.report.page.conftest import PHONE
from tests.studies import made_up

ATTACK = (
    '<img src=x onerror="document.title=\'taken\'"></script><script>document.title="taken"</script>'
)
NAMES = (ATTACK, "Größe-ε₁ 優化器 🏆 \u202egnp", "x" * 300, "a/b?c#d e'f\"g&amp;", "adamw")


def test_names_are_text_whatever_is_in_them(show):
    results = made_up(NAMES, ("plain",), 2, 3, failing=(NAMES[1],))
    results = dataclasses.replace(results, title=ATTACK)
    page = show(results, PHONE)
    page.draw()
    assert page.said == []
    assert page.tab.title().startswith("<img src=x")
    assert page.tab.query_selector_all("img") == []
    assert page.tab.evaluate("document.documentElement.scrollWidth") == PHONE
    assert len(page.all("#plain .leaderboard tbody th a")) == len(NAMES)
    for i in range(len(NAMES)):
        link = page.tab.locator("#plain .leaderboard tbody th a").nth(i)
        name = link.text_content()
        link.click()
        # the page follows its address, which is told of a little after the click
        page.tab.wait_for_function(
            "name => document.querySelector('dialog h2').textContent === name + ' plain'", arg=name
        )
        page.tab.keyboard.press("Escape")
    page.tab.fill("#plain [data-filter=name]", "優化")
    assert page.all("#plain .leaderboard tbody th a") == [NAMES[1]]


def test_a_curve_of_an_odd_name_opens_its_runs(show):
    page = show(made_up(("a/b?c#d e'f\"g&amp;",), ("plain",), 1, 0))
    page.draw("plain-accuracy")
    page.click_last_point("plain-accuracy")


def without_families(results: Results) -> Results:
    """As runs by `lenetlab run` are."""
    cells = [dataclasses.replace(cell, place=dataclasses.replace(cell.place, family=""))
             for cell in results.cells]  # fmt: skip
    return dataclasses.replace(results, cells=tuple(cells))


ODD = {
    "nothing planned": Results("none", "Nothing", 0, 0, 0, 0, ()),
    "nothing done": Results("begun", "Begun", 12, 5, 10, 10,
                            (Cell(CellKey("sgd", "basic", "plain")),
                             Cell(CellKey("muon", "matrix", "l2")))),
    "one method": made_up(("sgd",), ("plain",), 10, 12),
    "one seed": made_up(("sgd", "adamw"), ("plain",), 1, 12),
    "all diverged": made_up(("sgd", "adamw"), ("plain", "sparse"), 3, 4, ("sgd", "adamw")),
    "untuned": made_up(("sgd", "adamw"), ("plain",), 3, 0),
    "families are not known": without_families(made_up(("sgd", "adamw"), ("plain",), 2, 0)),
    "trials alone": made_up(("sgd", "adamw"), ("plain",), 0, 5),
}  # fmt: skip


SAID = {  # and what is not said
    "nothing planned": (["No method has been planned"], []),
    "nothing done": (["0 of 20 final runs have a result", "Without a run yet: muon."], []),
    "one seed": (["single seed"], ["6 diverged"]),
    "all diverged": (["28 diverged"], []),
    "untuned": (["Nothing was tuned"], []),
}


LATER = {"one method", "trials alone"}  # what the others have in part


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=pytest.mark.long) if kind in LATER else kind for kind in ODD]
)
def test_an_odd_study_has_a_page(show, kind):
    page = show(ODD[kind])
    page.draw()
    assert page.said == []
    main = page.tab.inner_text("main")
    said, never = SAID.get(kind, ([], []))
    assert all(text in main for text in said)
    assert not any(text in main for text in never)
    text = page.tab.inner_text("body")
    for word in ("nan", "NaN", "None", "undefined", "inf"):
        assert word not in text.split(), word
    begun = [cell for cell in ODD[kind].cells if cell.trials or cell.finals]
    assert len(page.all(".leaderboard tbody tr")) == len(begun)
    if begun:
        page.tab.fill("#plain [data-filter=name]", "no such method")
        assert page.all("#plain .leaderboard tbody tr") == []


def test_the_page_is_whole_html_without_an_address():
    page = render(made_up(("sgd", "adamw"), seeds=2, trials=2), Attachments())
    seen: list[tuple[str, dict[str, str | None]]] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attrs):
            seen.append((tag, dict(attrs)))

    Reader().feed(page)
    assert {"html", "head", "body", "main", "dialog"} <= {tag for tag, _ in seen}
    for tag, attributes in seen:
        for name in ("src", "href", "action"):
            where = attributes.get(name)
            assert where is None or where.startswith(("#", "data:")), (tag, where)
    ids = [attributes["id"] for _, attributes in seen if "id" in attributes]
    again = {name for name in ids if ids.count(name) > 1} - {"runs-title"}  # in templates
    assert again == set()


def test_plain_shows_both_boards_and_each_draws_its_own_methods(show):
    """The same cells stand on both; the charts of one must not take the data of the other."""
    made = made_up(("sgd", "adamw", "muon"), ("plain",), 3, 3)
    cells = (*made.cells[:2], dataclasses.replace(
        made.cells[2], place=dataclasses.replace(made.cells[2].place, norms="sphere")
    ))  # fmt: skip
    page = show(dataclasses.replace(made, cells=cells))
    page.draw()
    assert page.said == []
    heads = ".leaderboard tbody th a"
    assert sorted(page.all(f"#plain {heads}")) == ["adamw", "muon", "sgd"]
    assert sorted(page.all(f"[id='plain,free'] {heads}")) == ["adamw", "sgd"]
    drawn = page.tab.evaluate(
        "JSON.parse(document.getElementById('datasets').textContent)"
        "['curves, scenario plain (2)'].map(row => row.method)"
    )
    assert set(drawn) == {"adamw", "sgd"}
    assert "muon keeps norms small" in page.tab.inner_text("#plain")
    first = page.tab.locator("#plain details.numbers summary").first
    assert first.text_content() == "At equal CPU time"
