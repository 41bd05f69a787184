"""Budgets are told apart by what was spent, not by how it was said."""

from dataclasses import replace

from lenetlab.analysis.at_budget import at_budgets, count_budgets
from lenetlab.records.contest import Contest
from tests.studies import made_up


def test_ten_epochs_that_are_ten_passes_are_one_budget():
    results = made_up(("sgd", "adamw"), ("plain",), 2, 2)
    first, second = results.within(Contest("plain"))

    def budget(cell, *said, passes):
        finals = tuple(
            replace(row, passes=passes, recipe=row.recipe | {"budget": list(said)})
            for row in cell.finals
        )
        return replace(cell, finals=finals)

    def found(passes):
        cells = (budget(first, "epochs", 10, passes=passes),
                 budget(second, "passes", 10, passes=10.0))  # fmt: skip
        return at_budgets([replace(results, cells=cells)], "plain")

    assert len({one.budget for one in found(10.0)}) == 2
    assert count_budgets(found(10.0)) == 1
    assert count_budgets(found(20.0)) == 2  # an epoch of two gradients a step
