"""Budgets are told apart by what was spent, not by how it was said."""

from dataclasses import replace

from lenetlab.analysis.at_budget import at_budgets, by_scenario, count_budgets
from lenetlab.records.contest import Contest
from lenetlab.report.wording.captions import at_budget
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


def test_runs_at_chance_are_told_where_their_mean_stands():
    """One of many hardly moves it, and makes its interval wide for no reason that is seen."""
    results = made_up(scenarios=["plain"])
    assert "chance" not in at_budget(by_scenario(results))
    first, *others = results.cells
    lost, *rest = first.finals
    broken = replace(first, finals=(replace(lost, accuracy=10.0), *rest))
    found = by_scenario(replace(results, cells=(broken, *others)))
    (one,) = [one for one in found["plain"] if one.at_chance]
    assert one.at_chance == 1
    said = f"1 of {len(first.finals)} runs of {first.place.method} in plain after"
    assert f" Diverged to chance, 10 %: {said} " in at_budget(found)
