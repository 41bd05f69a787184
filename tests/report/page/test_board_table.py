"""The columns of a leaderboard on the page."""

from lenetlab.analysis.board import boards_of
from lenetlab.analysis.equal_time import priced
from lenetlab.records.costs import Costs, Ratio, key
from lenetlab.report.page.board_table import units
from tests.studies import made_up


def test_seconds_measured_apart_are_cpu_seconds_and_have_one_column():
    results = made_up(("sgd", "muon"), ("plain",))
    ratios = {key(cell.place): Ratio(2.0, 2.0, 2.0) for cell in results.cells}
    apart = priced(results, Costs("a machine", "2026-11-29", "sgd, batch 64", 0.6, ratios))
    assert list(units(boards_of(results)[0])) == ["passes", "seconds", "CPU seconds"]
    assert list(units(boards_of(apart)[0])) == ["passes", "CPU seconds"]
