"""How far the recipes of several searches of a method lie apart."""

from dataclasses import replace
from statistics import stdev

import pytest

from lenetlab.analysis.board import board
from lenetlab.analysis.luck import luck, pooled_spread
from lenetlab.analysis.state import scenario_progress
from lenetlab.records.cells import CONFIRMATION, LEADER, Cell
from lenetlab.records.contest import Contest
from lenetlab.records.selection import Stages
from tests.studies import made_up

PLAIN = Contest("plain")


def searched(cell: Cell, number: int, accuracies: tuple[float, ...]) -> Cell:
    """A search of `cell` whose best trial was confirmed with these figures."""
    best = replace(cell, confirmations=()).best
    assert best is not None
    again = tuple(
        replace(best, role=CONFIRMATION, seed=1001 + k, accuracy=accuracy, id=f"{best.id}-{k}")
        for k, accuracy in enumerate(accuracies)
    )
    finals = cell.finals if number == 1 else ()
    place = replace(cell.place, search=number)
    return replace(cell, place=place, confirmations=again, finals=finals)


MADE = made_up(["sgd", "muon", "soap"], ["plain", "l2"], seeds=2, trials=5)
FIRST, SECOND, THIRD, *REST = MADE.cells
STUDY = replace(
    MADE,
    stages=Stages(confirm=1, lucky=2),
    cells=(
        searched(FIRST, 1, (90.0, 91.0)),
        searched(SECOND, 1, (92.0, 92.2)),
        replace(THIRD, finals=()),
        *REST,
    ),
    searches=(
        *(searched(FIRST, n, (90.0 + n, 91.0 + n)) for n in (2, 3)),
        searched(SECOND, 2, (91.9, 91.9)),
        replace(SECOND, place=replace(SECOND.place, search=3), finals=()),  # not confirmed yet
    ),
)


def test_the_means_are_those_of_the_confirmations() -> None:
    one, two = luck(STUDY, PLAIN)
    assert one.cell is STUDY.cells[0]
    assert one.means == pytest.approx((90.5, 92.5, 93.5))
    assert two.means[2] is None  # a search without a recipe keeps its place
    assert two.known == pytest.approx([92.1, 91.9])
    assert one.spread == pytest.approx(stdev([90.5, 92.5, 93.5]))
    assert (one.range, two.range) == (pytest.approx(3.0), pytest.approx(0.2))
    assert luck(STUDY, Contest("l2")) == []
    assert luck(MADE, PLAIN) == []


def test_the_pooled_spread_weighs_by_degrees_of_freedom() -> None:
    found = luck(STUDY, PLAIN)
    wanted = ((2 * found[0].spread ** 2 + found[1].spread ** 2) / 3) ** 0.5
    assert pooled_spread(found) == pytest.approx(wanted)
    assert pooled_spread([]) is None


def test_a_board_shows_what_chose_and_what_all_of_the_search_cost() -> None:
    found = board(STUDY, PLAIN)
    sgd = next(line for line in found.lines if line.name == "sgd")
    assert sgd.held_out == 90.5
    assert sgd.tuning is not None
    assert sgd.tuning.runs == 5 + 2
    assert found.lead is not None
    assert found.lead.name == "muon"
    assert "when confirmed" in found.chosen
    leading = tuple(replace(row, role=LEADER, accuracy=99.0) for row in FIRST.trials[:3])
    more = replace(STUDY, cells=(replace(STUDY.cells[0], leading=leading), *STUDY.cells[1:]))
    found = board(more, PLAIN)
    assert found.lead is not None
    assert found.lead.name == "sgd"
    assert "in the mean of 5 seeds" in found.chosen
    assert len([line.name for line in found.lines]) == 3  # a further search is no line


def test_what_is_left_of_the_stages_is_counted() -> None:
    plain, l2 = scenario_progress(STUDY)
    # of soap two confirmations and two finals, of muon's third search two confirmations
    assert plain.left == 4 + 2
    # cells with finals are confirmed; two methods are to be searched twice more
    assert l2.left == 2 * 2 * (5 + 2)
