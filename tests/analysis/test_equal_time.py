"""Seconds from costs measured apart, and methods at the same CPU time."""

from dataclasses import replace
from statistics import fmean

import pytest

from lenetlab.analysis.equal_time import at_equal_time, limit, priced
from lenetlab.disk import replace_json
from lenetlab.errors import UserError
from lenetlab.records.costs import COST, Costs, Ratio, key, read_costs
from lenetlab.report.wording.machines import seconds
from tests.studies import made_up

MADE = made_up(("sgd", "nesterov", "muon"), ("plain",))
PLACES = {cell.place.name: cell.place for cell in MADE.cells}


def costs(**ratios: float) -> Costs:
    found = {key(PLACES[name]): Ratio(ratio, ratio, ratio) for name, ratio in ratios.items()}
    return Costs("a machine", "2026-11-29", "sgd, batch 64", 0.6, found)


def test_seconds_are_the_ratio_times_the_references():
    found = priced(MADE, costs(sgd=1.0, muon=2.5))
    _, nesterov, muon = found.cells
    assert [row.cpu_seconds for row in muon.finals] == pytest.approx([15.0] * 10)
    assert [e["cpu_seconds"] for e in muon.finals[0].evaluations] == pytest.approx(
        [2.5 * 0.6 * e["passes"] for e in muon.finals[0].evaluations]
    )
    assert muon.trials == MADE.cells[2].trials
    assert nesterov == MADE.cells[1]  # not measured: its own, and named
    assert "of the runs themselves are those of nesterov in plain" in found.timed.lower()
    assert seconds(found) == found.timed
    assert seconds(MADE).startswith("Seconds are those of the runs themselves")
    assert priced(MADE, None) is MADE


def test_a_dear_method_is_cut_off_and_a_cheap_one_has_come_to_its_end():
    cells = priced(MADE, costs(sgd=1.0, nesterov=0.5, muon=2.5)).cells
    assert limit(cells) == pytest.approx(6.0)
    found = {at.name: at for at in at_equal_time(cells, 6.0)}
    assert [found[name].passes for name in ("sgd", "nesterov", "muon")] == [10, 10, 4]
    assert [found[name].whole for name in ("sgd", "nesterov", "muon")] == [True, True, False]
    four = [next(e["accuracy"] for e in row.evaluations if e["passes"] == 4)
            for row in MADE.cells[2].finals]  # fmt: skip
    assert found["muon"].accuracy == pytest.approx(fmean(four))
    best = [at.accuracy for at in at_equal_time(cells, 6.0)]
    assert best == sorted(best, reverse=True)
    assert at_equal_time(cells, 0.001) == []
    assert limit(cells[1:]) is None


def test_a_method_with_a_failed_run_is_left_out():
    sgd, nesterov, muon = MADE.cells
    broken = replace(muon, finals=(replace(muon.finals[0], status="diverged"), *muon.finals[1:]))
    assert [at.name for at in at_equal_time((sgd, nesterov, broken), 99)] == ["nesterov", "sgd"]


def test_a_file_of_costs_is_read_and_a_broken_one_refused(tmp_path):
    assert read_costs(tmp_path) is None
    cell = {"method": "muon", "scenario": "plain", "ratio": 2.5, "low": 2.4, "high": 2.6}
    given = {"machine": "m", "date": "d", "reference": "sgd", "seconds": 0.6, "cells": [cell]}
    replace_json(tmp_path / COST, given)
    found = read_costs(tmp_path)
    assert found.of(PLACES["muon"]) == Ratio(2.5, 2.4, 2.6)
    assert found.of(PLACES["sgd"]) is None
    for wrong in ({"seconds": 0.0}, {"seconds": "fast"}, {"cells": [{**cell, "ratio": -1.0}]}):
        replace_json(tmp_path / COST, given | wrong)
        with pytest.raises(UserError, match=r"cost\.json is broken"):
            read_costs(tmp_path)
