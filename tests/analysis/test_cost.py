"""The price of runs: each is paid once, whatever it is counted for."""

from dataclasses import replace

from lenetlab.analysis.cost import cost
from tests.studies import made_up

ROWS = made_up(scenarios=["plain"]).cells[0].finals


def test_a_price_is_the_sum_or_the_mean() -> None:
    whole, mean = cost(ROWS), cost(ROWS, len(ROWS))
    assert whole is not None
    assert mean is not None
    assert whole.runs == mean.runs == len(ROWS)
    assert whole.passes == sum(row.passes or 0 for row in ROWS)
    assert mean.passes == whole.passes / len(ROWS)
    assert cost([]) is None


def test_trials_that_drew_one_recipe_are_one_run() -> None:
    again = [replace(row, number=row.number + 100) for row in ROWS[:3]]
    assert cost([*ROWS, *again]) == cost(ROWS)
