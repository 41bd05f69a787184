"""The bill: every kind of answer has its price in effective passes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lenetlab.oracle.ledger import COST, PASS, Ledger

PRICES = {
    "gradients": 1,
    "forwards": 0.4,
    "hessian_products": 2.4,
    "gauss_newton_products": 1.7,
    "per_example_gradients": 2.4,
}


def test_a_pass_is_60_000_example_gradients():
    ledger = Ledger()
    assert ledger.passes == 0
    ledger.charge("gradients", 60_000)
    assert ledger.passes == 1
    assert PASS == 60_000


@pytest.mark.parametrize("kind", PRICES)
def test_prices(kind):
    ledger = Ledger()
    ledger.charge(kind, 60_000)
    assert ledger.passes == pytest.approx(PRICES[kind])
    assert COST[kind] == PRICES[kind]


@given(charges=st.lists(st.tuples(st.sampled_from(list(PRICES)), st.integers(0, 10**9))))
def test_charges_add_up_and_survive_a_checkpoint(charges):
    ledger = Ledger()
    for kind, amount in charges:
        ledger.charge(kind, amount)
    expected = sum(PRICES[kind] * amount for kind, amount in charges) / 60_000
    assert ledger.passes == pytest.approx(expected)
    other = Ledger()
    other.charge("gradients", 7)
    other.restore(ledger.counts())
    assert other == ledger


def test_a_price_for_an_unknown_kind_is_no_silent_count():
    with pytest.raises(AttributeError):
        Ledger().charge("gradient", 1)
