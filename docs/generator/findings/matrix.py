"""What matrix steps are worth."""

from dataclasses import replace
from functools import partial

from findings import clock
from findings.finding import Finding, missing
from findings.group import COURSE, groups, of_family, passes_and_seconds
from findings.searches import within_luck
from findings.sources import Sources

KEY = "matrix"


def finding(sources: Sources) -> Finding:
    """The whole family against SGD; who holds norms as well is named."""
    found = groups(sources, of_family(sources.course, "matrix"))
    if not found:
        return missing(KEY, "What matrix steps are worth", COURSE)
    places = {line.name: line.cell.place for line in found[0].board.lines}
    bound = [f"`{one.name}`" for one in found[0].effects if places[one.name].norms != "free"]
    last = (
        [f"{', '.join(bound)} also holds the norms of weights, which is a help of its own "
         "([norm control](#norms))."] if bound else []
    )  # fmt: skip
    names = [one.name for one in found[0].effects]
    timed = clock.made_for(sources.ladder.values(), sources.costs, names)
    placed = clock.against_sgd(timed)
    made = passes_and_seconds(KEY, "methods with matrix steps", found,
                              within_luck(sources.course), last)  # fmt: skip
    if not placed:
        return made
    told = clock.said(timed)
    text = [*made.text[: made.rests_on], told, *made.text[made.rests_on :]]
    more = {"Accuracy against CPU time of budgets": partial(clock.figure, timed)}
    return replace(made, text=text,
                   instead=f"{made.instead}\n\n{told}",
                   rests_on=made.rests_on + 1, figures={**made.figures, **more},
                   tables=(*made.tables, clock.placed_table(placed)))  # fmt: skip
