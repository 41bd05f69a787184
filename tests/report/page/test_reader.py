"""What a reader does with the page: sort, filter, open runs, choose curves, by mouse or by keys."""

import math
from dataclasses import replace

import pytest

from lenetlab.analysis.curves import curves
from lenetlab.records.contest import Contest
from lenetlab.records.leader_net import LeaderNet
from lenetlab.records.selection import leader
from lenetlab.report.attachments import Attachments
from tests.report.page.conftest import PHONE, WIDE
from tests.studies import made_up

METHODS = ("sgd", "nesterov", "adamw", "soap", "ema+muon", "adagrad")


@pytest.fixture(scope="session")
def study():
    return made_up(METHODS, seeds=3, trials=4, failing=("adagrad",))


NAMES = "#plain .leaderboard tbody th a"


def press(page, title):
    page.tab.locator("#plain .leaderboard thead button", has_text=title).first.click()


def column(page, title):
    """The numbers of a column from top to bottom, None where there is none."""
    return page.tab.evaluate(
        """title => {
            const heads = [...document.querySelectorAll('#plain .leaderboard thead th')];
            const i = heads.findIndex(head => head.textContent.trim().startsWith(title));
            const rows = [...document.querySelectorAll('#plain .leaderboard tbody tr')];
            return rows.map(row => row.children[i].dataset.order).map(x => x === '' ? null : +x);
        }""",
        title,
    )


def test_columns_sort_both_ways_with_what_is_missing_last_and_say_so(show, study):
    page = show(study)
    for title, first in (("Accuracy", "descending"), ("Mean loss", "ascending")):
        press(page, title)
        values = column(page, title)
        assert values[-1] is None
        assert values[:-1] == sorted(values[:-1], reverse=first == "descending")
        sorted_by = page.tab.query_selector_all("#plain [aria-sort]")
        assert [head.get_attribute("aria-sort") for head in sorted_by] == [first]
        press(page, title)
        again = column(page, title)
        assert again == [*reversed(values[:-1]), None]
    press(page, "Method")
    assert page.all(NAMES) == sorted(METHODS)


def test_who_never_arrives_comes_after_all_who_do(show):
    """Methods that reach 89.38 % are sorted among each other, whoever stands between them."""
    page = show(made_up(scenarios=["plain"]))
    for _ in range(2):
        press(page, "89.38")
        order = page.tab.eval_on_selector_all(
            "#plain .leaderboard tbody tr", """rows => {
              const heads = [...rows[0].closest("table").tHead.rows[0].cells];
              const index = heads.findIndex((head) => head.ariaSort);
              return rows.map((row) => row.cells[index].dataset.order);
            }""",
        )  # fmt: skip
        values = [float(value) for value in order if value]
        assert values in (sorted(values), sorted(values, reverse=True))
        assert len(set(values)) > 2
        assert math.inf in values


def test_every_leaderboard_shows_its_own_leader(show):
    counts = {"plain": 123, "l2": 456}
    study = made_up(("sgd", "adamw"), tuple(counts), 1, 1)
    leaders = [
        LeaderNet(id=leader(study.within(Contest(scenario))).finals[0].id, method="sgd",
                  scenario=scenario, confusion=[[n] * 10] * 10, filters=[[[n / 1000] * 5] * 5] * 6)
        for scenario, n in counts.items()
    ]  # fmt: skip
    page = show(study, attachments=Attachments(leader_nets=leaders))
    for scenario, n in counts.items():
        page.draw(f"{scenario}-confusion")
        shown = page.all(f"[aria-labelledby={scenario}-confusion] .drawing svg text")
        assert shown.count(str(n)) == 100


def test_filters_by_family_and_text_and_counts_what_is_left(show, study):
    page = show(study)
    assert page.all("#plain .filters output") == ["6 methods"]
    page.tab.fill("#plain [data-filter=name]", "MUON")
    assert page.all(NAMES) == ["ema+muon"]
    assert page.all("#plain .filters output") == ["1 of 6 methods"]
    page.tab.fill("#plain [data-filter=name]", "")
    page.tab.select_option("#plain [data-filter=family]", "adaptive")
    assert page.all(NAMES) == ["adamw"]
    assert len(page.all("#l2 .leaderboard tbody th a")) == 6  # another leaderboard is its own


def test_columns_that_are_not_needed_at_first_are_folded_away(show, study):
    page = show(study)
    heads = "#l2 .leaderboard thead th"
    few = page.all(heads)
    assert [title.split()[0] for title in few[:4]] == ["Method", "Accuracy", "±", "To"]
    assert "Runs done" in few  # since not all are
    page.tab.check("#l2 .every")
    more = [title for title in page.all(heads) if title not in few]
    for title in ("Family", "Starter’s average", "Tuning passes", "59.53 % passes"):
        assert title in more
    assert len(page.all("#plain .leaderboard thead th")) == len(few)  # another is its own


def test_targets_are_shown_in_passes_or_in_seconds(show, study):
    page = show(study)
    assert page.all("#plain .leaderboard thead [data-group=passes]")
    assert not page.all("#plain .leaderboard thead [data-group=seconds]")
    page.tab.check("#plain input[value=seconds]")
    assert not page.all("#plain .leaderboard tbody [data-group=passes]")
    assert page.all("#plain .leaderboard tbody [data-group=seconds]")


def test_a_row_opens_its_runs_and_escape_brings_back(show, study):
    page = show(study)
    link = page.tab.locator(NAMES, has_text="ema+muon")
    link.focus()
    page.tab.keyboard.press("Enter")
    page.tab.wait_for_selector("dialog[open]")
    assert page.tab.url.endswith("#cell/plain/ema+muon")
    said = page.tab.inner_text("dialog")
    cell = next(c for c in study.within(Contest("plain")) if c.place.name == "ema+muon")
    assert all(row.id in said for row in (*cell.finals, *cell.trials))
    assert f"lr = {cell.finals[0].recipe['method'][1]['lr']:g}" in said
    assert "lenetlab run muon --set lr=" in said
    assert "--seed 0 --seeds 3" in said
    assert "2.13.0+cpu" in said
    page.tab.keyboard.press("Escape")
    page.tab.wait_for_selector("dialog", state="hidden")
    assert page.tab.evaluate("document.activeElement.textContent") == "ema+muon"
    assert "#" not in page.tab.url


def test_a_click_on_a_number_opens_the_runs_of_its_row(show, study):
    page = show(study)
    row = page.tab.locator("#l2 .leaderboard tbody tr", has_text="soap")
    page.click_open(row.locator("td:visible").nth(3))
    assert page.all("dialog h2") == ["soap l2"]
    page.tab.click("dialog .close")
    assert page.all("dialog h2") == []


def test_an_address_opens_its_runs(show, study):
    page = show(study, hash="#cell/sparse/adagrad")
    assert page.all("dialog h2") == ["adagrad sparse"]
    assert "diverged, loss is nan at step 17" in page.tab.inner_text("dialog")


def test_a_failed_method_stays_listed_with_its_reason(show, study):
    page = show(study)
    row = page.tab.locator("#plain .leaderboard tbody tr", has_text="adagrad").inner_text()
    assert "0/3" in row
    assert "0.00" not in row  # no figure that is not there
    page.tab.click("#plain .failures summary")
    assert any("adagrad, seed 2: diverged, loss is nan" in text
               for text in page.all("#plain .failures li"))  # fmt: skip


def test_charts_are_drawn_when_seen_and_follow_the_choice(show, study):
    page = show(study, PHONE)  # where no chart is near at first
    page.tab.wait_for_selector("[aria-labelledby=answer] .marks")
    assert page.tab.query_selector_all("#plain .marks") == []
    page.draw()
    legend = "[aria-labelledby=plain-accuracy] .role-legend-label text"
    assert "sgd" in page.all(legend)
    assert "adagrad" not in page.all(legend)
    page.tab.click("#plain .shown summary")
    page.tab.uncheck("#plain .shown input[value=sgd]")
    page.tab.wait_for_function(
        f"![...document.querySelectorAll('{legend}')].some(x => x.textContent === 'sgd')"
    )
    page.tab.check("#plain .shown input[value=cpu_seconds]")
    titles = "[aria-labelledby=plain-accuracy] .role-axis-title text"
    page.tab.wait_for_function(
        f"[...document.querySelectorAll('{titles}')].some(x => x.textContent.startsWith('CPU'))"
    )


def test_a_curve_opens_its_runs(show, study):
    page = show(study)
    page.draw("plain-accuracy")
    point = page.click_last_point("plain-accuracy")
    assert page.all("dialog h2") == [f"{point['method']} plain"]


def test_a_point_of_a_chart_over_leaderboards_opens_its_runs(show):
    study = made_up(("adamw",), ("frontier",), seeds=2, trials=1)
    cells = []
    for keep in (408, 4080):
        finals = [replace(row, nonzeros=keep,
                          recipe={**row.recipe, "constraint": ["iht", {"keep": keep}]})
                  for row in study.cells[0].finals]  # fmt: skip
        place = replace(study.cells[0].place, variant=f"keep={keep}")
        cells.append(replace(study.cells[0], place=place, finals=tuple(finals)))
    page = show(replace(study, cells=tuple(cells)))
    page.draw("frontier")
    page.click_last_point("frontier")
    assert page.all("dialog h2") == ["adamw, keep=4080 frontier"]


def test_the_numbers_of_a_chart_are_those_of_the_results(show, study):
    page = show(study)
    page.tab.click("[aria-labelledby=plain-accuracy] .numbers summary")
    table = "[aria-labelledby=plain-accuracy] .numbers tbody"
    page.tab.wait_for_selector(f"{table} td")
    fields = page.all(f"{table} th, {table} td")
    rows = [fields[i : i + 8] for i in range(0, len(fields), 8)]
    cell = next(c for c in study.within(Contest("plain")) if c.place.name == "soap")
    at = curves(cell)[-1]
    soap = [row for row in rows if row[0] == "soap"]
    assert len(soap) == len(cell.finals[0].evaluations)
    band = [f"{value:.2f}" for value in (at.y, at.low, at.high)]
    assert soap[-1] == ["soap", "10.00", "600,000", "7.00", *band, "3"]


@pytest.mark.parametrize("width", [pytest.param(WIDE, marks=pytest.mark.long), PHONE])
def test_nothing_is_said_or_loaded_and_the_page_is_no_wider_than_the_screen(show, study, width):
    page = show(study, width, pictures=True)
    page.draw()
    for details in page.tab.query_selector_all("details"):
        details.evaluate("one => one.open = true")
    page.tab.wait_for_timeout(200)
    assert page.tab.evaluate("document.documentElement.scrollWidth") == width
    page.tab.evaluate("location.hash = 'cell/plain/adagrad'")
    page.tab.wait_for_selector("dialog[open]")
    assert page.tab.evaluate("document.querySelector('dialog').scrollWidth") <= width
    assert page.said == []


def test_the_theme_is_the_systems_until_it_is_chosen(show, study):
    page = show(study, scheme="dark")

    def ground():
        return page.tab.evaluate("getComputedStyle(document.body).backgroundColor")

    dark = ground()
    page.tab.click("#theme")  # light
    light = ground()
    assert (dark, light) == ("rgb(21, 23, 26)", "rgb(255, 255, 255)")
    page.tab.reload()
    assert ground() == light  # remembered
    page.tab.click("#theme")
    assert ground() == dark
