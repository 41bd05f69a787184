"""Figures that the protocol page repeats are those of the code."""

import re

from lenetlab.analysis.targets import TARGETS
from lenetlab.methods.registry import methods
from lenetlab.oracle.ledger import COST
from lenetlab.problem.scenarios import BOUND, RULE_SETS, SCENARIOS

from .blocks import PAGES

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
    shown = {"1/3": 1 / 3}
    for beginning, kind in {
        "gradient (": "gradients",
        "value": "forwards",
        "making": "linearisations",
        "product with the Hessian": "hessian_products",
        "product with the Gauss": "gauss_newton_products",
        "a gradient of its own": "per_example_gradients",
    }.items():
        (price,) = [price for answer, price in charged.items() if answer.startswith(beginning)]
        assert (shown.get(price) or float(price)) == COST[kind]


def test_scenarios_and_rules():
    named = [name for row in ROWS if len(row) == 3 for name in re.findall(r"`([^`]*)`", row[0])]
    assert set(named) == set(SCENARIOS)
    assert f"{BOUND:,}" in PAGE
    assert all(f"`{name}`" in PAGE for name in RULE_SETS)
    assert "muon_hyperball" in methods()
