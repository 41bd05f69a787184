"""The leaders at a glance have the columns that some leaderboard has a figure for."""

import pytest

from lenetlab.analysis.board import board
from lenetlab.records.contest import Contest
from lenetlab.report.charts.theme import Styles
from lenetlab.report.page.glance import glance
from tests.studies import made_up


@pytest.mark.parametrize("seeds", [1, 3])
def test_an_interval_has_a_column_where_there_is_one(seeds):
    results = made_up(("sgd", "muon"), ("plain", "l2"), seeds)
    boards = [board(results, Contest(scenario)) for scenario in ("plain", "l2")]
    table = glance(boards, Styles(("muon", "sgd")))
    titles = [column.title for column in table.columns]
    assert ("±" in titles) == (seeds > 1)
    assert [len(row) for row in table.rows] == [len(titles)] * 2
