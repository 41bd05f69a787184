"""Seconds of two engines are not compared: the same training takes one ten times the other's."""

import math
from dataclasses import replace

from lenetlab.analysis.board import board
from lenetlab.analysis.equal_time import at_equal_time, limit
from lenetlab.records.cells import Results
from lenetlab.records.contest import Contest
from lenetlab.report.wording.leaderboards import otherwise_timed
from tests.studies import made_up

MADE = made_up(("sgd", "nesterov", "muon"), ("plain",))


def by_torch(results: Results, name: str) -> Results:
    """The same, the finals of a method computed by PyTorch."""
    cells = tuple(
        replace(cell, finals=tuple(
            replace(row, numerics={**row.numerics, "engine": "torch"}) for row in cell.finals))
        if cell.place.name == name else cell
        for cell in results.cells
    )  # fmt: skip
    return replace(results, cells=cells)


def test_who_was_computed_by_another_engine_is_ranked_and_not_timed() -> None:
    whole, mixed = (board(results, Contest("plain"), against="sgd")
                    for results in (MADE, by_torch(MADE, "muon")))  # fmt: skip
    assert [line.name for line in whole.otherwise_timed] == []
    assert [line.name for line in mixed.otherwise_timed] == ["muon"]
    assert [line.difference for line in mixed.lines] == [line.difference for line in whole.lines]
    for line, before in zip(mixed.lines, whole.lines, strict=True):
        for one, was in zip(line.reached, before.reached, strict=True):
            assert one.times["passes"] == was.times["passes"]
            none = line.name == "muon"
            assert one.times["cpu_seconds"] == (None if none else was.times["cpu_seconds"])
            assert one.cpu_seconds == was.cpu_seconds or math.isinf(one.cpu_seconds)


def test_at_equal_time_are_those_of_the_references_engine() -> None:
    def there(results: Results) -> list[str]:
        seconds = limit(results.cells)
        assert seconds is not None
        return sorted(at.name for at in at_equal_time(results.cells, seconds))

    assert there(MADE) == ["muon", "nesterov", "sgd"]
    assert there(by_torch(MADE, "muon")) == ["nesterov", "sgd"]
    assert there(by_torch(MADE, "sgd")) == []  # alone it is compared with nobody


def test_it_is_said_whose_seconds_stand_apart() -> None:
    mixed = board(by_torch(MADE, "muon"), Contest("plain"), against="sgd")
    assert otherwise_timed(mixed, str.upper) == (
        "The seconds of MUON are those of another engine (torch on cpu) than of SGD (native on "
        "cpu): between these, no times are compared."
    )
    assert otherwise_timed(board(MADE, Contest("plain"))) == ""
