"""A page's leaderboards are those of the rows on disk: written and read they are made again."""

from html.parser import HTMLParser
from pathlib import Path

import pytest

from lenetlab.records.contest import Contest
from lenetlab.records.locate import open_results
from lenetlab.records.rows import write_results
from lenetlab.report.attachments import read_attachments
from lenetlab.report.page.write import render
from tests.report.page.conftest import unseen
from tests.studies import made_up

# Columns by their heading whose figures do not depend on how a page is laid out.
COMPARED = ("Accuracy%", "Mean loss", "Beats%", "Held out%", "Starter’s average", "CPUs a run")
Board = dict[str, dict[str, str]]


class Leaderboards(HTMLParser):
    """The fields of every leaderboard, row by row, as text; `names` are the rows' methods."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.boards: list[list[list[str]]] = []
        self.names: list[list[str]] = []
        self._inside = self._field = False
        self.feed(page)

    def compared(self) -> list[Board]:
        """Of every leaderboard the figures of `COMPARED`, by method in the order of the rows."""
        return [
            {
                name: {heading: text for heading, text in zip(board[0], row, strict=True)
                       if heading in COMPARED}
                for name, row in zip(names, board[1:], strict=True)
            }
            for board, names in zip(self.boards, self.names, strict=True)
        ]  # fmt: skip

    def handle_starttag(self, tag, attrs):
        if tag == "table" and ("class", "leaderboard") in attrs:
            self._inside = True
            self.boards.append([])
            self.names.append([])
        elif self._inside and tag == "tr":
            self.boards[-1].append([])
            self.names[-1].extend(value or "" for name, value in attrs if name == "data-name")
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


@pytest.fixture(autouse=True)
def _no_pictures(monkeypatch):
    monkeypatch.setattr("lenetlab.report.page.drawn.still", unseen)


def leaderboards_again(results: Path) -> list[Board]:
    return Leaderboards(render(open_results(results), read_attachments(results))).compared()


def test_a_leaderboard_survives_writing_and_shows_a_changed_result(tmp_path):
    """Rows written and read give the same leaderboard, and one image more in one run of one method
    another."""
    study = made_up(("sgd", "adamw"), ("plain", "sparse"), 2, 2)
    page = Leaderboards(render(study, read_attachments(tmp_path))).compared()
    assert [len(board) for board in page] == [2, 2]
    assert all("Accuracy%" in figures for board in page for figures in board.values())
    write_results(tmp_path, study)
    assert leaderboards_again(tmp_path) == page
    path = tmp_path / "plain" / "sgd.jsonl"
    text = path.read_text()
    accuracy = study.within(Contest("plain"))[0].finals[0].accuracy
    path.write_text(
        text.replace(
            f'"accuracy": {accuracy}, "loss"', f'"accuracy": {accuracy + 0.02:.2f}, "loss"'
        )
    )
    assert leaderboards_again(tmp_path) != page
