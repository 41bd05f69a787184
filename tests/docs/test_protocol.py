"""Figures that the protocol page repeats are those of the code."""

import re
import sys
from dataclasses import replace

import numpy as np
import pytest

from lenetlab.analysis.targets import TARGETS
from lenetlab.experiments.tuning.search_space import (
    AVERAGED,
    COUPLED,
    DECOUPLED,
    FACTORS,
    FALLING,
    WARMUP,
    Pick,
    growth,
    space_of,
)
from lenetlab.methods.registry import methods
from lenetlab.methods.wrappers import wrappers
from lenetlab.oracle.ledger import COST
from lenetlab.problem.scenarios import BOUND, RULE_SETS, SCENARIOS
from lenetlab.records.contest import Contest
from lenetlab.records.rows import read_results
from tests.studies import made_up

from .blocks import PAGES, ROOT

sys.path.insert(0, str(ROOT / "docs" / "generator"))
from marks import written
from protocol import pairs
from protocol.leader_choice import shares
from protocol_tables import STUDIED, tables

PAGE = PAGES["docs/protocol.md"]
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.splitlines()
    if line.startswith("| ")
]


def test_targets():
    rows = [row for row in ROWS if row[0].endswith(" %")]
    assert rows == [[f"{target.accuracy:g} %", target.whose] for target in TARGETS]


def test_prices():
    charged = {row[0]: row[1] for row in ROWS if len(row) == 4}
    for beginning, kind in {
        "gradient (": "gradients",
        "value": "forwards",
        "product with the Hessian": "hessian_products",
        "product with the Gauss": "gauss_newton_products",
        "a gradient of its own": "per_example_gradients",
    }.items():
        (price,) = [
            price for eval_weights, price in charged.items() if eval_weights.startswith(beginning)
        ]
        assert float(price) == COST[kind]


def test_scenarios_and_rules():
    named = [name for row in ROWS if len(row) == 3 for name in re.findall(r"`([^`]*)`", row[0])]
    assert set(named) == set(SCENARIOS)
    assert f"{BOUND:,}" in PAGE
    assert all(f"`{name}`" in PAGE for name in RULE_SETS)
    assert "muon_hyperball" in methods()


def test_searches_are_as_described():
    assert FACTORS == (1 / 2, 1, 2, 4)
    assert (WARMUP.low, WARMUP.high) == (0, 0.2)
    assert FALLING.values == ("linear", "cosine")
    assert AVERAGED.values == ("constant", "linear", "cosine")
    assert (COUPLED.low, COUPLED.high, COUPLED.log) == (1e-5, 1e-3, True)
    assert (DECOUPLED.low, DECOUPLED.high, DECOUPLED.log) == (0.01, 0.3, True)
    linear = [m.name for m in methods().values() if m.batch_scaling == "linear"]
    assert linear == ["sps"]


def test_spaces_contain_what_the_page_says_did_well():
    def inside(method, scenario, **found):
        space = space_of(method, scenario)
        for name, values in found.items():
            span = space[name]
            for value in values:
                if isinstance(span, Pick):
                    assert value in span.values
                else:
                    assert span.low <= value <= span.high, f"{method}: {name}={value}"

    at = growth(methods()["muon"], 256)
    inside("muon", "l2", weight_decay=(0.10, 0.16), batch_size=(256,), lr=(0.06 / at, 0.10 / at))
    at = growth(methods()["soap"], 128)
    inside("soap", "l2", weight_decay=(0.03, 0.10), batch_size=(32, 128), lr=(0.004, 0.015 / at))
    inside("adamw", "l2", weight_decay=(0.1,))
    inside("muon_hyperball", "plain", norm=(3,))


def test_who_holds_norms():
    said = {row[0].strip("`"): set(re.findall(r"`(\w+)`", row[1])) for row in ROWS if len(row) == 2}
    for kind in ("decay", "ball", "sphere"):
        entries = {**methods(), **wrappers()}
        mine = {name for name, entry in entries.items() if entry.norms == kind}
        assert said[kind] - {"l1"} == mine


@pytest.mark.long
def test_tables_of_the_statistics_are_what_the_rows_give():
    for name, made in tables(read_results(STUDIED)).items():
        assert written(PAGE, name, made) == PAGE, "python docs/generator/protocol_tables.py"


def test_tables_are_of_all_methods_that_are_complete():
    results = read_results(STUDIED)
    for title, whole, *_ in (row for row in ROWS if len(row) == 7 and row[0].startswith("`")):
        cells = [c for c in results.within(Contest(title.strip("`"))) if c.finals]
        assert int(whole) == len(cells)


def test_a_leader_far_ahead_is_found_by_every_way():
    ahead, *others = made_up(scenarios=["plain"]).cells
    ahead = replace(
        ahead,
        trials=tuple(replace(row, accuracy=99.0) for row in ahead.trials),
        finals=tuple(replace(row, accuracy=(row.accuracy or 0) + 10) for row in ahead.finals),
    )
    assert shares([*others, ahead]) == [(1.0, 0.0)] * 4


def test_pairs_are_worth_what_seeds_have_in_common(monkeypatch):
    monkeypatch.setattr(pairs, "DRAWS", 400)
    alike, apart = (
        pairs.rates(pairs.Spread(np.full(8, True), np.full(8, 0.3), 10, within, 9, 9))
        for within in (0.8, 0.0)
    )
    (in_pairs, *_), (*_, welch) = list(alike.values()), list(alike.values())
    assert in_pairs[1] > welch[1] + 0.2
    for false, _ in (*alike.values(), *apart.values()):
        assert false <= 0.05 + 3 * (0.05 * 0.95 / 400) ** 0.5
