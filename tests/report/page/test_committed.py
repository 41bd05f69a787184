"""Committed reports are those of the committed results: their leaderboards are made again.

A study `NAME` has its results in results/NAME and its page in docs/report/NAME/index.html.
"""

from html.parser import HTMLParser
from pathlib import Path

import pytest

from lenetlab.records.locate import open_results
from lenetlab.records.rows import write_results
from lenetlab.report.attachments import read_attachments
from lenetlab.report.page.write import render
from tests.studies import made_up

ROOT = Path(__file__).parents[3]
PAGES = sorted((ROOT / "docs/report").glob("*/index.html"))


class Leaderboards(HTMLParser):
    """The fields of every leaderboard, row by row, as text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.boards: list[list[list[str]]] = []
        self._inside = self._field = False
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        if tag == "table" and ("class", "leaderboard") in attrs:
            self._inside = True
            self.boards.append([])
        elif self._inside and tag == "tr":
            self.boards[-1].append([])
        elif self._inside and tag in ("th", "td"):
            self._field = True
            self.boards[-1][-1].append("")

    def handle_endtag(self, tag):
        if tag == "table":
            self._inside = False
        elif tag in ("th", "td"):
            self._field = False

    def handle_data(self, data):
        if self._inside and self._field:
            self.boards[-1][-1][-1] += data.strip()


def leaderboards_again(results: Path) -> list[list[list[str]]]:
    return Leaderboards(render(open_results(results), read_attachments(results))).boards


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.parent.name)
def test_the_committed_leaderboard_is_that_of_the_committed_results(page):
    committed = Leaderboards(page.read_text()).boards
    assert committed
    assert committed == leaderboards_again(ROOT / "results" / page.parent.name)


def test_a_leaderboard_survives_writing_and_shows_a_changed_result(tmp_path):
    """What the test above rests on: rows written and read give the same leaderboard, and one
    image more in one run of one method another."""
    study = made_up(("sgd", "adamw"), ("plain", "sparse"), 2, 2)
    page = Leaderboards(render(study, read_attachments(tmp_path))).boards
    assert [len(board) for board in page] == [3, 3]
    write_results(tmp_path, study)
    assert leaderboards_again(tmp_path) == page
    path = tmp_path / "plain" / "sgd.jsonl"
    text = path.read_text()
    accuracy = study.within("plain")[0].finals[0].accuracy
    path.write_text(
        text.replace(
            f'"accuracy": {accuracy}, "loss"', f'"accuracy": {accuracy + 0.02:.2f}, "loss"'
        )
    )
    assert leaderboards_again(tmp_path) != page
