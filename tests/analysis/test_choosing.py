"""How a leader was chosen is said as it was: by stages, and by the runs that decided."""

from dataclasses import replace
from statistics import fmean

import pytest

from lenetlab.analysis.choosing import candidates
from lenetlab.records.contest import Contest
from lenetlab.records.selection import leader
from tests.studies import made_up, with_stages

METHODS = ("sgd", "nesterov", "adamw", "soap", "muon")


def test_of_trials_alone_the_best_trial_decides():
    cells = made_up(METHODS, ("plain",), 2, 4).within(Contest("plain"))
    found = candidates(cells)
    assert found[0].cell is leader(cells)
    assert [one.decided.mean for one in found] == sorted(
        (cell.best.accuracy for cell in cells), reverse=True
    )
    assert all(one.confirmed is None and one.leading is None for one in found)


def test_leader_runs_and_confirmations_decide_together_and_stand_before_the_rest():
    cells = with_stages(made_up(METHODS, ("plain",), 2, 4)).within(Contest("plain"))
    found = candidates(cells)
    assert found[0].cell is leader(cells)
    assert [one.leading is not None for one in found] == [True, True, False, False, False]
    for one in found[:2]:
        rows = (*one.cell.confirmations, *one.cell.leading)
        assert one.decided.n == 5
        assert one.decided.mean == pytest.approx(fmean(row.accuracy for row in rows))
    assert [one.decided.n for one in found[2:]] == [2, 2, 2]


def test_a_failed_leader_run_has_no_mean_and_does_not_lead():
    cells = with_stages(made_up(METHODS, ("plain",), 2, 4)).within(Contest("plain"))
    first = leader(cells)
    bad = replace(first.leading[0], status="diverged", accuracy=None)
    failed = replace(first, leading=(bad, *first.leading[1:]))
    found = candidates([failed if cell is first else cell for cell in cells])
    assert found[0].cell.place != first.place
    its = next(one for one in found if one.cell.place == first.place)
    assert its.leading.mean is None
    assert its.decided.mean is None
